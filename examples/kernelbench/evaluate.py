#!/usr/bin/env python3
"""Sends a folder of KernelBench problems with their answers to Assay and shows each verdict and speed-up.

    ./evaluate.py FOLDER [--answers FOLDER] [--server URL]

Needs nothing but Python and a server (./dev serve). README.md says which names of files are understood.
"""

import argparse
import http.client
import json
import pathlib
import re
import sys
import time
import urllib.parse

TYPES = ("torch", "torch_cuda", "triton")
PROBLEM = re.compile(r"(\d+)_\w*\.py$")
LEVEL = re.compile(r"level_?(\d+)$")
SAMPLE = re.compile(r"level_(\d+)_problem_(\d+)_sample_(\d+)_kernel\.py$")
IMPORTS_TRITON = re.compile(r"^\s*(?:import|from)\s+triton\b", re.MULTILINE)
# Of the server's document where it could not evaluate; a wrong answer is a result like any other.
NO_VERDICT = ("error", "client_error")
# The server's own limit covers compiling and running; waiting in its queue comes on top.
QUEUE_S = 600
SYMBOLS = {"correct": "correct", "incorrect": "WRONG", "compilation_failed": "DOES NOT COMPILE"}


class Problem:
    def __init__(self, path):
        self.path = path
        self.number = int(PROBLEM.match(path.name).group(1))
        level = LEVEL.match(path.parent.name)
        self.level = int(level.group(1)) if level else None
        self.source = path.read_text(encoding="utf-8")

    def __str__(self):
        return (f"level{self.level}/" if self.level else "") + self.path.stem


def problems_in(folder):
    """Those of a KernelBench checkout, of its KernelBench/ folder, of one level or of a plain folder, by level and number."""
    inner = folder / "KernelBench"
    folder = inner if inner.is_dir() else folder
    levels = sorted(path for path in folder.iterdir() if path.is_dir() and LEVEL.match(path.name))
    found = [Problem(path) for place in levels or [folder] for path in place.glob("*.py") if PROBLEM.match(path.name)]
    return sorted(found, key=lambda problem: (problem.level or 0, problem.number, problem.path.name))


def answers_to(problem, folder):
    """[(label, path)]: every sample_N of KernelBench's runs, and a file named like the problem."""
    found = []
    for path in sorted(folder.rglob("*.py")):
        sample = SAMPLE.match(path.name)
        if sample:
            level, number, label = map(int, sample.groups())
            if number == problem.number and level == (problem.level or level):
                found.append((f"sample {label}", path))
        elif path.name == problem.path.name:
            level = LEVEL.match(path.parent.name)
            if not level or problem.level in (None, int(level.group(1))):
                found.append(("answer", path))
    return found


def detected_type(source):
    if "cpp_extension" in source:  # load_inline and load come from there
        return "torch_cuda"
    return "triton" if IMPORTS_TRITON.search(source) else "torch"


def request_for(problem, source, kernel_type, options):
    answer = {"source_code": source, "kernel_type": kernel_type}
    if kernel_type == "triton":  # the class is called as the problem's is, so that no contract is needed
        answer["metadata"] = {"class_name": "ModelNew" if "class ModelNew" in source else "Model"}
    request = {"ref_kernel": {"source_code": problem.source, "kernel_type": "torch"}, "custom_kernel": answer,
               "num_trials": options.trials, "timeout": options.timeout}  # fmt: skip
    request.update({key: getattr(options, key) for key in ("atol", "rtol") if getattr(options, key) is not None})
    return request


def post(server, body, timeout_s):
    """The server's document, whatever its status."""
    parts = urllib.parse.urlsplit(server)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=timeout_s)
    try:
        connection.request("POST", parts.path.rstrip("/") + "/compare", json.dumps(body).encode(),
                           {"Content-Type": "application/json"})
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def result_of(document):
    """What a line of the table and of the results file says of a document."""
    verdict = document.get("verdict") or {}
    timing = document.get("timing") or {}

    def median(side):
        return timing[side]["stats"]["median"] if timing.get(side) else None

    return {"verdict": verdict.get("code", document.get("status", "error")),
            "summary": verdict.get("summary") or document.get("error") or "",
            "speedup": timing.get("speedup"), "speedup_low": timing.get("speedup_low"),
            "speedup_high": timing.get("speedup_high"), "runtime_ms": median("candidate"),
            "ref_runtime_ms": median("reference"), "job_id": document.get("job_id")}  # fmt: skip


def work_of(options):
    """[(problem, label, path of the answer)]; without answers each problem is its own."""
    work = []
    for problem in problems_in(options.folder):
        if options.problem and problem.number not in options.problem:
            continue
        if options.answers is None:
            work.append((problem, "itself", problem.path))
        else:
            work += [(problem, label, path) for label, path in answers_to(problem, options.answers)]
    return work


def table_line(problem, label, result):
    speedup = f"{result['speedup']:.2f}x" if result["speedup"] else ""
    word = SYMBOLS.get(result["verdict"], result["verdict"].replace("_", " "))
    return f"{str(problem):<56.56} {label:<10} {result['kernel_type']:<10} {word:<17} {speedup:>8}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=pathlib.Path, help="a KernelBench checkout, its KernelBench/ or one level")
    parser.add_argument("--answers", type=pathlib.Path, help="folder of answers; without it each problem is compared with itself")
    parser.add_argument("--server", default="http://127.0.0.1:8000", metavar="URL")
    parser.add_argument("--type", choices=TYPES, help="of all answers, instead of what their imports say")
    parser.add_argument("--problem", type=int, action="append", metavar="N", help="only this number; may be repeated")
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--timeout", type=int, default=300, help="seconds to compile and run one answer")
    parser.add_argument("--atol", type=float, help="tolerances, as torch.allclose; the server's own by default")
    parser.add_argument("--rtol", type=float)
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("results.jsonl"), help="one JSON object a line")
    options = parser.parse_args()
    for folder in filter(None, (options.folder, options.answers)):
        if not folder.is_dir():
            parser.error(f"{folder} is no folder")
    work = work_of(options)
    if not work:
        parser.error(f"no problem in {options.folder} has an answer" if options.answers else f"no problems in {options.folder}")
    results = []
    with open(options.output, "w", encoding="utf-8") as output:
        for problem, label, path in work:
            source = path.read_text(encoding="utf-8")
            kernel_type = options.type or detected_type(source)
            start = time.monotonic()
            try:
                document = post(options.server, request_for(problem, source, kernel_type, options), options.timeout + QUEUE_S)
            except (OSError, http.client.HTTPException, ValueError) as error:
                sys.exit(f"{options.server} does not answer as Assay does ({error!r}); start it with ./dev serve")
            result = {"problem": str(problem), "level": problem.level, "number": problem.number, "answer": path.name,
                      "kernel_type": kernel_type, **result_of(document), "seconds": round(time.monotonic() - start, 2)}  # fmt: skip
            results.append(result)
            output.write(json.dumps(result) + "\n")
            output.flush()
            print(table_line(problem, label, result), flush=True)
            if result["verdict"] != "correct":
                print(f"    {result['summary']}")
    correct = [result for result in results if result["verdict"] == "correct"]
    faster = sum((result["speedup"] or 0) > 1 for result in correct)
    print(f"{len(correct)} of {len(results)} correct, {faster} of them faster than their reference; {options.output}")
    return 0 if all(result["verdict"] not in NO_VERDICT for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
