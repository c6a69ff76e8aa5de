# SPDX-License-Identifier: Apache-2.0
"""How long evaluations take, cold and again, and what compiling beside them costs; ratios to stock tools in the same run.

Cold: a source never seen before, with the server's pools warm. Figures are printed, not asserted; what fails here is a
wrong verdict.
"""

import concurrent.futures
import copy
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from assay_process import Assay, example

ROUNDS = 5
COMPILES_BESIDE = 8
STOCK_EXTENSION = """
import time
begin = time.monotonic()
exec(open({path!r}).read())
x = get_inputs()[0].cuda() if "get_inputs" in globals() else torch.randn(1024, 1000, device="cuda")
ModelNew()(x)
torch.cuda.synchronize()
"""
# Triton's own part: compiling a kernel that it has not seen, in a process that has done so before.
STOCK_TRITON = """
import time, torch, sys
sys.path.insert(0, {folder!r})
import first, second
def launch(module):
    x = torch.randn(128, 512, device="cuda")
    module.softmax[(128,)](x, torch.empty_like(x), 512, BLOCK=1024, num_warps=4)
    torch.cuda.synchronize()
launch(first)
begin = time.monotonic()
launch(second)
print(time.monotonic() - begin)
"""


def changed(arguments, serial):
    """The same kernel with a text never seen before."""
    made = copy.deepcopy(arguments)
    made["custom_kernel_source"] = renamed(made["custom_kernel_source"], made["custom_kernel_type"], serial)
    return made


def renamed(source, kernel_type, serial):
    unseen = f"{serial}_{os.getpid()}"
    if kernel_type == "cuda":
        return source + f"\n__device__ int unseen_{unseen};\n"
    if kernel_type == "torch_cuda":  # within the extension's own text
        return source.replace("#include", f"static const int unseen_{unseen} = {serial};\n#include", 1)
    return source.replace("row = tl.program_id(0)", f"row = tl.program_id(0) + 0 * 1{serial}{os.getpid()}", 1)


def timed(server, arguments, cached):
    begin = time.monotonic()
    body = {
        side: {"source_code": arguments[f"{side}_source"], "kernel_type": arguments.get(f"{side}_type", "torch"),
               "io": arguments.get(f"{side}_io"), "metadata": arguments.get(f"{side}_metadata") or {}}
        for side in ("ref_kernel", "custom_kernel")
    }  # fmt: skip
    answer = server.post("/compare", {**body, "num_trials": 100}).body
    seconds = time.monotonic() - begin
    assert answer["verdict"]["code"] == "correct", json.dumps(answer["verdict"])
    assert all(report["cache_hit"] == cached for report in answer["compile"]), answer["compile"]
    return seconds, answer


def smaller_product():
    """The example's matrix product at a size that takes it some twenty microseconds."""
    _, arguments = example("matmul_right")
    text = json.dumps(arguments).replace("512", "384").replace('{"x": 16, "y": 16}', '{"x": 12, "y": 12}')
    return json.loads(text)


def cold_and_again(server, arguments):
    """(seconds cold, seconds of compiling, seconds again, way, ms of a call), medians."""
    cold, compiling, again, way = [], [], [], ""
    timed_first = changed(arguments, 0)
    timed(server, timed_first, False)
    for serial in range(1, ROUNDS + 1):
        time.sleep(1)  # pools refill
        fresh = changed(arguments, serial)
        seconds, answer = timed(server, fresh, False)
        cold.append(seconds)
        compiling.append(sum(report["seconds"] for report in answer["compile"]))
        way = " and ".join(report["way"] for report in answer["compile"] if report["way"])
        time.sleep(1)
        seconds, answer = timed(server, fresh, True)
        again.append(seconds)
    call_ms = answer["timing"]["candidate"]["stats"]["median"]
    return statistics.median(cold), statistics.median(compiling), statistics.median(again), way, call_ms


def stock_extension_seconds():
    _, arguments = example("extension_right")
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "kernel.py"
        source.write_text(renamed(arguments["custom_kernel_source"], "torch_cuda", 99))
        script = pathlib.Path(folder) / "stock.py"
        script.write_text(STOCK_EXTENSION.format(path=str(source)))
        begin = time.monotonic()
        subprocess.run([sys.executable, str(script)], check=True, capture_output=True,
                       env={**os.environ, "TORCH_EXTENSIONS_DIR": folder, "TORCH_CUDA_ARCH_LIST": "9.0"})  # fmt: skip
        return time.monotonic() - begin


def stock_triton_seconds():
    _, arguments = example("softmax_triton_right")
    with tempfile.TemporaryDirectory() as folder:
        for number, name in enumerate(("first", "second")):
            text = renamed(arguments["custom_kernel_source"], "triton", 77 + number)
            (pathlib.Path(folder) / f"{name}.py").write_text(text)
        script = pathlib.Path(folder) / "stock.py"
        script.write_text(STOCK_TRITON.format(folder=folder))
        done = subprocess.run([sys.executable, str(script)], check=True, capture_output=True, text=True,
                              env={**os.environ, "TRITON_CACHE_DIR": os.path.join(folder, "cache")})  # fmt: skip
        return float(done.stdout.split()[-1])


def beside_compiles(server):
    """(median ms of a cached job's kernel, seconds of the job) alone and with compiles beside it."""
    _, arguments = example("matmul_right")
    _, heavy = example("extension_right")
    timed(server, arguments, server.cached_matmul)
    server.cached_matmul = True

    def several(count):
        answers = [timed(server, arguments, True) for _ in range(count)]
        medians = [answer["timing"]["candidate"]["stats"]["median"] for _, answer in answers]
        return statistics.median(medians), statistics.median(seconds for seconds, _ in answers)

    alone = several(ROUNDS)
    with concurrent.futures.ThreadPoolExecutor(COMPILES_BESIDE) as pool:
        running = [pool.submit(server.post, "/evaluate", {"kernel": compile_only(heavy, serial), "num_trials": 1})
                   for serial in range(1000, 1000 + COMPILES_BESIDE)]  # fmt: skip
        time.sleep(0.5)
        beside = several(ROUNDS)
        still = sum(not job.done() for job in running)
        for job in running:
            job.result()
    return alone, beside, still


def compile_only(arguments, serial):
    """An extension that only nvcc with torch's headers builds, so that compiling takes long."""
    source = renamed(arguments["custom_kernel_source"], "torch_cuda", serial)
    source = source.replace("#include", "#include <torch/extension.h>\n#include <torch/csrc/autograd/function.h>\n#include", 1)
    return {"source_code": source + "\n" + arguments["ref_kernel_source"].split("class Model")[0]
            + "\ndef get_inputs():\n    return [torch.randn(1024, 1000)]\n", "kernel_type": "torch_cuda"}  # fmt: skip


def main():
    with Assay() as server:
        assert server.await_healthy()["gpu_available"]
        server.cached_matmul = False
        found = {}
        for kernel_type, arguments in (("cuda", example("vector_add_right")[1]), ("cuda", smaller_product()),
                                       ("triton", example("softmax_triton_right")[1]),
                                       ("torch_cuda", example("extension_right")[1])):  # fmt: skip
            cold, compiling, again, way, call_ms = found[kernel_type] = cold_and_again(server, arguments)
            print(f"{kernel_type}: cold {cold:.2f} s, of which compiling {compiling:.2f} s{' (' + way + ')' if way else ''}; "
                  f"again {again:.2f} s; 100 trials of a kernel of {1000 * call_ms:.1f} us", flush=True)
        stock = stock_extension_seconds()
        print(f"torch_cuda: stock load_inline, first call included, {stock:.1f} s: ratio {stock / found['torch_cuda'][0]:.1f}")
        own = stock_triton_seconds()
        print(f"triton: its own compile of a new kernel {own:.2f} s, cold here {found['triton'][0] - own:.2f} s beyond that")
        alone, beside, still = beside_compiles(server)
        print(f"a cached job beside {COMPILES_BESIDE} compiles ({still} still running at its end): kernel's median "
              f"{beside[0] / alone[0]:.3f} of that alone, whole job {beside[1] / alone[1]:.2f} ({alone[1]:.2f} s alone)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
