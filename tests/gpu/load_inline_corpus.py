# SPDX-License-Identifier: Apache-2.0
"""Every program of tests/corpus/load_inline by torch's own load_inline and by Assay: the outputs must be the same bytes.

load_inline_corpus.py --only STAGE [--programs A,B] [--count N] [--seconds S] [--jobs N] [--ways W,...] [--again]

assay   builds and runs each as Assay does: the ten of ALONE one at a time, then the others beside each other
alone   builds the ten of ALONE with torch's own load_inline, one at a time: honest stock times
stock   builds all of them so, many beside each other: outputs to compare with, and times under load
table   compares, and writes the table; exit status 1 where anything differs or fails

What a stage has done is kept in build/gpu-results/corpus and not done again (--again forgets it); a stage that reaches
--seconds ends with status 1 and goes on from there when it is run again. With $OUT set, all results are kept there in
one archive, and build/gpu-results/corpus.tar.gz is unpacked where the folder is missing.
"""

import argparse
import concurrent.futures
import glob
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from corpus_program import ROOT, read, torch, write  # noqa: E402

PROGRAMS = os.path.join(ROOT, "tests", "corpus", "load_inline")
RESULTS = os.path.join(ROOT, "build", "gpu-results", "corpus")
ARCHIVE = RESULTS + ".tar.gz"
PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus_program.py")
# Ten styles, the plain ones first.
ALONE = ("plain_elementwise", "call_flags_many", "dispatch_half", "accessor_packed", "binding_cuda_source",
         "template_nested", "library_cub_block", "library_cublas", "aten_functional", "load_two_files")  # fmt: skip
MAX_ATTEMPTS = 3  # a call met at run time ends the run; it is compiled and run again, at most twice
LIMIT_SECONDS = 300  # of one process
STOCK_MAX_JOBS = "2"  # units of one program that are built beside each other under load


def main():
    options = arguments()
    if not os.path.isdir(RESULTS) and os.path.exists(ARCHIVE):
        with tarfile.open(ARCHIVE) as archive:
            archive.extractall(os.path.dirname(RESULTS), filter="data")
    names = chosen(options)
    try:
        if options.only == "table":
            return table(names)
        return STAGES[options.only](names, options)
    finally:
        if os.environ.get("OUT") and os.path.isdir(RESULTS):
            keep_results()


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", required=True, choices=("assay", "alone", "stock", "table"))
    parser.add_argument("--programs", default="", help="names, with commas between")
    parser.add_argument("--count", type=int, default=0, help="the first N, styles mixed")
    parser.add_argument("--seconds", type=float, default=450, help="start nothing after that")
    parser.add_argument("--jobs", type=int, default=0, help="programs beside each other")
    parser.add_argument("--ways", default="", help="ASSAY_EXTENSION_WAYS of the stage assay")
    parser.add_argument("--again", action="store_true")
    return parser.parse_args()


def chosen(options):
    """ALONE first, then the others so that every beginning of the list is a mixture of styles."""
    found = sorted(os.path.basename(path)[:-3] for path in glob.glob(os.path.join(PROGRAMS, "*.py")))
    if options.programs:
        unknown = set(options.programs.split(",")) - set(found)
        if unknown:
            sys.exit(f"no program {', '.join(sorted(unknown))} in {PROGRAMS}")
        return options.programs.split(",")
    others = [name for name in found if name not in ALONE]
    step = 7  # neighbours in the alphabet are of one style
    mixed = [name for first in range(step) for name in others[first::step]]
    names = [*ALONE, *mixed]
    return names[: options.count] if options.count else names


def stock_stage(names, options):
    jobs = options.jobs or max(1, os.cpu_count() * 3 // 4)
    return all_of(names, "stock", jobs, options, lambda name: build_stock(name, "stock", {"MAX_JOBS": STOCK_MAX_JOBS}))


def alone_stage(names, options):
    names = [name for name in names if name in ALONE]
    return all_of(names, "alone", 1, options, lambda name: build_stock(name, "alone", {}))


def assay_stage(names, options):
    major, minor = torch.cuda.get_device_capability()
    environment = {"ASSAY_CORPUS_ARCHITECTURE": f"sm_{major}{minor}"}
    if options.ways:
        environment["ASSAY_EXTENSION_WAYS"] = options.ways
    alone = [name for name in names if name in ALONE]
    others = [name for name in names if name not in ALONE]
    jobs = options.jobs or max(1, os.cpu_count() // 4)
    status = all_of(alone, "assay", 1, options, lambda name: evaluate(name, environment))
    return all_of(others, "assay", jobs, options, lambda name: evaluate(name, environment)) or status


STAGES = {"stock": stock_stage, "alone": alone_stage, "assay": assay_stage}
STARTED = time.monotonic()


def all_of(names, stage, jobs, options, do):
    """Those that are not done yet, `jobs` beside each other; 1 where some failed or were left for another run."""
    def result_of(name):
        return os.path.join(RESULTS, name, stage + ".json")

    if options.again:
        for name in names:
            if os.path.exists(result_of(name)):
                os.unlink(result_of(name))
    left = [name for name in names if not (read(result_of(name)) or {}).get("ok")]
    print(f"{stage}: {len(left)} of {len(names)} programs to do, {jobs} beside each other", flush=True)
    failed = late = done = 0

    def one(name):
        if time.monotonic() - STARTED > options.seconds:
            return None
        os.makedirs(os.path.join(RESULTS, name), exist_ok=True)
        result = do(name)
        write(result_of(name), result)
        return result

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        running = {pool.submit(one, name): name for name in left}
        for future in concurrent.futures.as_completed(running):
            name, result = running[future], future.result()
            if result is None:
                late += 1
                continue
            done += 1
            words = f"{result.get('way', 'stock')}, {result['seconds']:.1f} s" if result["ok"] else "FAILED"
            print(f"[{done}/{len(left)} {time.monotonic() - STARTED:4.0f} s] {name}: {words}", flush=True)
            if not result["ok"]:
                failed += 1
                print(result["error"][-1500:], flush=True)
            elif result.get("wrong"):
                print(f"  {name} is not what it says: {result['wrong']}", flush=True)
    if late:
        print(f"{stage}: {late} left after {options.seconds:.0f} s; run it again", flush=True)
    return 1 if failed or late else 0


def build_stock(name, stage, more):
    with tempfile.TemporaryDirectory(prefix="stock-") as cache:
        environment = {**os.environ, "TORCH_EXTENSIONS_DIR": cache, **more}
        environment.pop("TORCH_CUDA_ARCH_LIST", None)  # stock asks the GPU
        environment["PATH"] = os.path.dirname(sys.executable) + os.pathsep + environment["PATH"]  # ninja
        folder = os.path.join(RESULTS, name) if stage == "stock" else cache
        result = process("stock", name, folder, environment)
    result["alone"] = stage == "alone"
    return result


def evaluate(name, more):
    """Compiles without a GPU, runs; what the run asked for in vain is compiled, and it is run again."""
    folder = os.path.join(RESULTS, name)
    for leftover in ("missing.json", "artifact.bin", "run.pt"):
        if os.path.exists(os.path.join(folder, leftover)):
            os.unlink(os.path.join(folder, leftover))
    seconds = 0.0
    with tempfile.TemporaryDirectory(prefix="assay-") as temporary:
        environment = {**os.environ, "TMPDIR": temporary, **more}
        for _ in range(MAX_ATTEMPTS):
            compiled = process("compile", name, folder, {**environment, "CUDA_VISIBLE_DEVICES": ""})
            if not compiled["ok"]:
                return compiled
            seconds += compiled["seconds"]
            ran = process("run", name, folder, environment)
            if not ran["ok"]:
                return {**ran, "way": compiled["way"]}
            if "missing" not in ran:
                break
        else:
            return {"ok": False, "error": f"extension {ran['missing']} is still missing after {MAX_ATTEMPTS} runs"}
    os.unlink(os.path.join(folder, "artifact.bin"))
    return {**compiled, "seconds": seconds}


def process(mode, name, folder, environment):
    command = [sys.executable, PROGRAM, mode, os.path.join(PROGRAMS, name + ".py"), folder]
    said = os.path.join(folder, mode + ".json")
    if os.path.exists(said):
        os.unlink(said)
    with tempfile.TemporaryFile() as output:
        try:
            subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                           timeout=LIMIT_SECONDS, check=False)  # fmt: skip
        except subprocess.TimeoutExpired:
            return {"ok": False, "error": f"{mode}: no end after {LIMIT_SECONDS} s"}
        result = read(said)
        output.seek(0)
        text = output.read().decode("utf-8", "replace")
    if result is None:
        return {"ok": False, "error": f"{mode}: the process died\n{text[-3000:]}"}
    if not result["ok"] and mode == "stock":
        result["error"] = text[-3000:] + result["error"]
    return result


def table(names):
    rows, problems = [], []
    for name in names:
        folder = os.path.join(RESULTS, name)
        stock, assay, alone = (read(os.path.join(folder, stage + ".json")) for stage in ("stock", "assay", "alone"))
        same = None
        if not stock or not assay:
            problems.append(f"{name}: stage {'stock' if not stock else 'assay'} is missing")
        elif not stock["ok"]:
            problems.append(f"{name}: stock does not compile or run it: the program is at fault")
        elif stock["wrong"]:
            problems.append(f"{name}: the program is at fault: {stock['wrong']}")
        elif not assay["ok"]:
            problems.append(f"{name}: fails where stock does not: {assay['error'][-300:]}")
        else:
            same = same_bytes(folder)
            if not same:
                problems.append(f"{name}: the outputs differ from stock's")
        honest = alone if alone and alone["ok"] else stock
        rows.append((name, assay or {}, honest or {}, same))
    text = "\n".join(lines_of(rows))
    print(text)
    for path in (os.path.join(os.path.dirname(RESULTS), "load_inline_corpus.md"),
                 os.path.join(os.environ.get("OUT") or "", "load_inline_corpus.md")):  # fmt: skip
        if os.path.isabs(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text + "\n")
    for problem in problems:
        print("PROBLEM", problem)
    return 1 if problems else 0


def same_bytes(folder):
    got, want = (torch.load(os.path.join(folder, name + ".pt")) for name in ("run", "stock"))
    return len(got) == len(want) and all(
        (a.dtype, a.shape) == (b.dtype, b.shape)
        and a.contiguous().flatten().view(torch.uint8).equal(b.contiguous().flatten().view(torch.uint8))
        for a, b in zip(got, want)
    )


def lines_of(rows):
    yield "| program | style | way | seconds | stages | stock s | stock built | ratio | same bytes |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for name, assay, stock, same in rows:
        stages = ", ".join(f"{stage['name']} {stage['seconds']:.1f}" for stage in assay.get("stages", ()))
        seconds, other = assay.get("seconds"), stock.get("seconds")
        ratio = f"{other / seconds:.1f}" if seconds and other else ""
        built = "alone" if stock.get("alone") else "beside others"
        verdict = {True: "yes", False: "NO", None: "not compared"}[same]
        yield (f"| {name} | {style_of(name)} | {assay.get('way', '')} | {number(seconds)} | {stages} "
               f"| {number(other)} | {built if other else ''} | {ratio} | {verdict} |")  # fmt: skip
    yield ""
    yield from summary(rows)


def summary(rows):
    done = [row for row in rows if row[1].get("ok")]
    ways = {}
    for _, assay, _, _ in done:
        ways.setdefault(assay["way"], []).append(assay["seconds"])
    yield f"{sum(row[3] is True for row in rows)} of {len(rows)} programs: the same bytes as stock."
    for way, seconds in sorted(ways.items(), key=lambda item: -len(item[1])):
        yield f"- {way}: {len(seconds)} programs, median {statistics.median(seconds):.2f} s"
    if done:
        yield f"- all: median {statistics.median(row[1]['seconds'] for row in done):.2f} s"
    alone = [row for row in done if row[2].get("alone")]
    if alone:
        ratios = [stock["seconds"] / assay["seconds"] for _, assay, stock, _ in alone]
        yield (f"- the {len(alone)} whose stock build and Assay build ran alone: stock median "
               f"{statistics.median(row[2]['seconds'] for row in alone):.1f} s, ratio median "
               f"{statistics.median(ratios):.1f}, {min(ratios):.1f} to {max(ratios):.1f}")  # fmt: skip


def number(seconds):
    return "" if seconds is None else f"{seconds:.2f}"


def style_of(name):
    with open(os.path.join(PROGRAMS, name + ".py"), encoding="utf-8") as file:
        return next(line for line in file if line.startswith("# Style: "))[len("# Style: ") :].strip()


def keep_results():
    part = os.path.join(os.environ["OUT"], "corpus.tar.gz")
    with tarfile.open(part, "w:gz") as archive:
        archive.add(RESULTS, "corpus", filter=lambda entry: None if entry.name.endswith("artifact.bin") else entry)
    shutil.copy(part, ARCHIVE)


if __name__ == "__main__":
    sys.exit(main())
