# SPDX-License-Identifier: Apache-2.0
"""corpus_program.py MODE PROGRAM FOLDER: one program of tests/corpus/load_inline in a process of its own.

stock    builds it with torch's own load_inline, runs it, keeps its outputs
compile  builds it as Assay's compiler does, without a GPU; keeps the libraries
run      runs it as a runner does, with those libraries; keeps its outputs

Each leaves FOLDER/MODE.json. Weights and inputs are drawn from fixed seeds.
"""

import contextlib
import json
import os
import sys
import time
import traceback
import types

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILT = os.path.join(os.environ.get("ASSAY_BUILD_DIR", os.path.join(ROOT, "build", "release")), "python")
sys.path.insert(0, BUILT if os.path.isdir(BUILT) else os.path.join(ROOT, "engine", "python"))

import torch  # noqa: E402
from torch.utils import cpp_extension  # noqa: E402

WEIGHTS_SEED, INPUTS_SEED = 11, 22
TOLERANCE = {torch.float16: 2e-2, torch.bfloat16: 5e-2}
OTHER_TOLERANCE = 2e-3  # of float32 and wider; programs use fast approximations
MAX_ERROR_CHARACTERS = 6000


def stock(path, folder):
    seconds = timed_builders()
    outputs, wanted = outputs_of(path)
    torch.save(outputs, os.path.join(folder, "stock.pt"))
    return {"seconds": sum(seconds), "wrong": difference(outputs, wanted)}


def timed_builders():
    """Seconds of every outermost call of load_inline and load from here on."""
    seconds, depth = [], [0]

    def timed(function):
        def call(*arguments, **keywords):
            begin = time.monotonic()
            depth[0] += 1
            try:
                return function(*arguments, **keywords)
            finally:
                depth[0] -= 1
                if depth[0] == 0:
                    seconds.append(time.monotonic() - begin)

        return call

    cpp_extension.load_inline, cpp_extension.load = timed(cpp_extension.load_inline), timed(cpp_extension.load)
    return seconds


def compile_for_assay(path, folder):
    from assay_runner import extensions_compiler

    with open(path, encoding="utf-8") as file:
        kernel = {"kernel_type": "torch_cuda", "source_code": file.read()}
    missing = read(os.path.join(folder, "missing.json")) or []
    request = {"architecture": os.environ["ASSAY_CORPUS_ARCHITECTURE"], "extensions": missing}
    begin = time.monotonic()
    compiled = extensions_compiler.compile_extensions(kernel, request)
    seconds = time.monotonic() - begin
    with open(os.path.join(folder, "artifact.bin"), "wb") as file:
        file.write(compiled.binary)
    write(os.path.join(folder, "launch.json"), compiled.launch)
    return {"seconds": seconds, "way": compiled.way, "stages": compiled.stages, "log": compiled.log[:2000],
            "met_at_run_time": len(missing)}  # fmt: skip


def run_for_assay(path, folder):
    from assay_runner import extensions_runtime

    with open(os.path.join(folder, "artifact.bin"), "rb") as file:
        artifact = types.SimpleNamespace(launch=read(os.path.join(folder, "launch.json")), bytes=file.read())
    extensions_runtime.install(artifact)
    try:
        outputs, _ = outputs_of(path)
    except BaseException:
        if extensions_runtime.missing() is None:
            raise
    if extensions_runtime.missing() is not None:
        found = (read(os.path.join(folder, "missing.json")) or []) + [extensions_runtime.missing().call]
        write(os.path.join(folder, "missing.json"), found)
        return {"missing": found[-1]["name"]}
    torch.save(outputs, os.path.join(folder, "run.pt"))
    return {}


def outputs_of(path):
    """(tensors that the program's model gives, tensors that it should give), all on the CPU."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    with open(path, encoding="utf-8") as file:
        code = compile(file.read(), path, "exec")
    module = types.ModuleType("submission")
    sys.modules["submission"] = module
    exec(code, module.__dict__)
    torch.manual_seed(WEIGHTS_SEED)
    model = module.ModelNew(*module.get_init_inputs()).cuda()
    torch.manual_seed(INPUTS_SEED)
    inputs = [tensor.cuda() for tensor in module.get_inputs()]
    kept = [tensor.clone() for tensor in inputs]
    with torch.no_grad():
        outputs = flat(model(*inputs))
        torch.cuda.synchronize()
        outputs = [tensor.cpu() for tensor in outputs]
        wanted = flat(module.expected(model, *kept))
    return outputs, [tensor.cpu() for tensor in wanted]


def flat(found):
    return [found] if isinstance(found, torch.Tensor) else [tensor.detach() for tensor in found]


def difference(outputs, wanted):
    """What is wrong with the outputs, or None."""
    if len(outputs) != len(wanted):
        return f"{len(outputs)} outputs, {len(wanted)} expected"
    for number, (got, want) in enumerate(zip(outputs, wanted)):
        if (got.dtype, got.shape) != (want.dtype, want.shape):
            return f"output {number} is {got.dtype} {list(got.shape)}, expected {want.dtype} {list(want.shape)}"
        if not got.dtype.is_floating_point:
            if not torch.equal(got, want):
                return f"output {number}: integers differ"
            continue
        allowed = TOLERANCE.get(got.dtype, OTHER_TOLERANCE)
        if not torch.allclose(got.double(), want.double(), rtol=allowed, atol=allowed):
            return f"output {number}: off by {(got.double() - want.double()).abs().max().item():.3g}"
    return None


def read(path):
    with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8") as file:
        return json.load(file)
    return None


def write(path, value):
    with open(path + ".part", "w", encoding="utf-8") as file:
        json.dump(value, file)
    os.replace(path + ".part", path)


MODES = {"stock": stock, "compile": compile_for_assay, "run": run_for_assay}


def main():
    mode, path, folder = sys.argv[1:]
    begin = time.monotonic()
    try:
        result = {"ok": True, **MODES[mode](path, folder)}
    except BaseException as error:
        text = getattr(error, "message", "") or traceback.format_exc()
        result = {"ok": False, "error": text[-MAX_ERROR_CHARACTERS:]}
    result["process_seconds"] = time.monotonic() - begin
    write(os.path.join(folder, mode + ".json"), result)
    sys.stdout.flush()
    os._exit(0)  # what a program keeps in statics of its extension outlives CUDA


if __name__ == "__main__":
    main()
