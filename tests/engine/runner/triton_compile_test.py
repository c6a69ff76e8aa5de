# SPDX-License-Identifier: Apache-2.0
"""Triton ahead of time: what is specialised, against Triton's own JIT; cubins for sm_90 with their launch; errors."""

import itertools
import json
import math
import os
import re

import pytest
import runner_support  # noqa: F401  (finds the package)
import torch
from triton_sources import (
    DESCRIPTOR, LAUNCHER, MATMUL_AUTOTUNED, SOFTMAX, VECTOR_ADD, contract, descriptor, matmul, scalar, softmax, tensor,
    vector_add)

import triton
import triton.language as tl
from assay_runner import loader, triton_compile, triton_environment, triton_host
from assay_runner.errors import Fault
from assay_runner.values import DTYPES

ARCHITECTURE = 90
os.environ["CUDA_VISIBLE_DEVICES"] = ""  # as in the compile sandbox; read when the driver starts
triton_environment.for_compiler(ARCHITECTURE)


@triton.jit
def plain(a, b, C: tl.constexpr):
    pass


@triton.jit(do_not_specialize=["a"], do_not_specialize_on_alignment=["b"])
def careful(a, b, C: tl.constexpr = 4):
    pass


@triton.jit
def annotated(a: tl.int64, b: tl.float32, C: tl.constexpr):
    pass


def chosen_by_jit(kernel, values, options):
    """What Triton's own launch path would compile for this call; its hook stops it there."""
    seen = {}

    def stop(*, compile, **_):
        seen.update(compile)
        return True

    triton.knobs.runtime.jit_cache_hook = stop
    try:
        kernel[(1,)](**values, **options)
    finally:
        triton.knobs.runtime.jit_cache_hook = None
    assert seen, "the hook was not called"
    return seen


def same(left, right):
    return left == right or (isinstance(left, float) and isinstance(right, float) and math.isnan(left) and math.isnan(right))


INTEGERS = [0, 1, 2, 15, 16, -16, 17, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**32, 2**63 - 1, -(2**63)]
OTHERS = [0.0, 1.0, 2.5, math.inf, math.nan, True, False, None]
CONSTANTS = [1, 16, 1024, True, 0.5, "text", None]


@pytest.mark.parametrize("kernel", [plain, careful, annotated], ids=lambda kernel: kernel.__name__)
def test_specialisation_is_tritons_own(kernel):
    tensors = [torch.zeros(4, dtype=dtype) for dtype in DTYPES.values()]
    assert all(each.data_ptr() % 16 == 0 for each in tensors)
    firsts = INTEGERS + ([] if kernel is annotated else OTHERS + tensors)
    seconds = [3, 2.5] if kernel is annotated else [5, 32]
    compared = 0
    for a, b, constant, warps in itertools.product(firsts, seconds, CONSTANTS, [None, 8]):
        real = {"a": a, "b": b, "C": constant}
        mocks = {key: triton.runtime.jit.MockTensor(value.dtype) if isinstance(value, torch.Tensor) else value
                 for key, value in real.items()}
        options = {} if warps is None else {"num_warps": warps, "num_stages": 2}
        jit = chosen_by_jit(kernel, real, options)
        ours, signature, constants, attributes = triton_compile.specialized(kernel, mocks, options, ARCHITECTURE)
        assert signature == jit["signature"], real
        assert constants.keys() == jit["constants"].keys(), real
        assert all(same(constants[key], jit["constants"][key]) for key in constants), real
        assert attributes == jit["configs"][0], real
        assert (ours.num_warps, ours.num_stages) == (jit["num_warps"], jit["num_stages"])
        compared += 1
    assert compared >= 300


def test_values_of_a_contract_become_what_python_would_pass():
    assert triton_compile._value(scalar("n", 5)) == 5
    assert isinstance(triton_compile._value({"name": "x", "type": "float", "value": 1}), float)
    assert triton_compile._value(scalar("b", True)) is True
    assert triton_compile._value(tensor("x", [3], dtype="bfloat16")).dtype is torch.bfloat16


def compiled(source, io, architecture="sm_90", **metadata):
    kernel = {"source_code": source, "kernel_type": "triton", "io": io, "metadata": metadata}
    return triton_compile.compile_kernel(json.loads(json.dumps(kernel)), {"architecture": architecture})


def parameters_of(cubin):
    """Count of kernel parameters as the cubin itself says it: EIATTR_KPARAM_INFO (0x17), 12 bytes, the ordinal at the
    fifth; some architectures say everything twice."""
    return len(set(re.findall(rb"\x04\x17\x0c\x00....(..)", cubin, re.DOTALL)))


@pytest.mark.parametrize("architecture", ["sm_80", "sm_90", "sm_100"])
def test_a_kernel_is_compiled_with_its_launch(architecture):
    made = compiled(VECTOR_ADD, vector_add(), architecture)
    assert made.tier == "device" and made.kernel_name == "add" and made.tool == f"triton {triton.__version__}"
    assert made.binary[:4] == b"\x7fELF"
    assert made.launch["parameters"] == [0, 1, 2, 3] and made.launch["block"] == {"x": 128, "y": 1, "z": 1}
    assert [entry["bytes"] for entry in made.launch["scratch"]] == [0, 0]
    assert parameters_of(made.binary) == 4 + 2
    (resources,) = made.kernels
    assert resources["registers"] > 0 and resources["spill_store_bytes"] == 0 and resources["kernel_name"] == "add"
    assert resources["local_bytes"] == 0 and resources["constant_bytes"] > 0 and resources["shared_static_bytes"] == 0


def test_specialised_arguments_are_no_parameters():
    source = VECTOR_ADD.replace("at < n", "at < n * stride").replace("out, n,", "out, n, stride,")
    io = vector_add()
    io["args"].insert(4, scalar("stride", 1))
    made = compiled(source, io)
    assert made.launch["parameters"] == [0, 1, 2, 3] and parameters_of(made.binary) == 6
    io["args"][4]["value"] = 2
    made = compiled(source, io)
    assert made.launch["parameters"] == [0, 1, 2, 3, 4] and parameters_of(made.binary) == 7


def test_warps_stages_shared_memory_and_the_kernel_that_fits():
    made = compiled(SOFTMAX, softmax())  # its first @triton.jit function is a helper
    assert made.kernel_name == "softmax" and made.launch["block"]["x"] == 64
    assert made.launch["shared_mem"] == made.kernels[0]["shared_dynamic_bytes"] > 0


def test_scratch_memory_is_told():
    made = compiled(DESCRIPTOR, descriptor())
    assert made.tier == "device"
    first, second = made.launch["scratch"]
    assert first["bytes"] >= 2 * 128 and first["alignment"] == 128 and second["bytes"] == 0


def test_arguments_by_name_and_in_order():
    in_order = compiled(VECTOR_ADD, vector_add(names=("left", "right", "result")))
    assert in_order.launch["parameters"] == [0, 1, 2, 3]
    io = vector_add()
    io["args"] = [io["args"][index] for index in (4, 2, 0, 1, 3)]
    assert compiled(VECTOR_ADD, io).launch["parameters"] == [2, 3, 1, 4]
    options = vector_add()
    options["args"].append(scalar("num_warps", 8, meta=True))
    assert compiled(VECTOR_ADD, options).launch["block"]["x"] == 256


@pytest.mark.parametrize("source, io, metadata, words", [
    (MATMUL_AUTOTUNED, matmul(), {}, "@triton.autotune"),
    (VECTOR_ADD.replace("@triton.jit", "@triton.heuristics({'BLOCK': lambda meta: 256})\n@triton.jit"),
     contract(vector_add()["args"][:4]), {}, "@triton.heuristics"),
    (LAUNCHER, vector_add(), {"entry_point": "run"}, "metadata.entry_point names a Python function"),
    (LAUNCHER, vector_add(), {"kernel_name": "run"}, "metadata.kernel_name names a Python function"),
    (VECTOR_ADD + "\nclass ModelNew:\n    pass\n", vector_add(), {}, "the class ModelNew"),
    (VECTOR_ADD + "\nclass ModelNew:\n    pass\n", None, {"class_name": "ModelNew"}, "the class ModelNew"),
    (VECTOR_ADD + "\ngrid = lambda meta: (1,)\n", contract(vector_add()["args"], None), {}, "grid is a Python function"),
    (VECTOR_ADD.replace(", n, BLOCK", ", n: tl.float32, BLOCK"), vector_add(), {}, "becomes fp32"),
    (VECTOR_ADD.replace("n, BLOCK: tl.constexpr", "BLOCK: tl.constexpr, n=1000"),
     contract([*vector_add()["args"][:3], vector_add()["args"][4]]), {}, "default value"),
    ("import torch\ncount = torch.cuda.get_device_properties(0).multi_processor_count\n" + VECTOR_ADD, vector_add(), {},
     "asks for a GPU"),
    ("import triton\ncount = triton.runtime.driver.active.utils.get_device_properties(0)\n" + VECTOR_ADD, vector_add(), {},
     "asks for a GPU"),
    (VECTOR_ADD, vector_add() | {"args": vector_add()["args"] + [scalar("num_ctas", 2, meta=True)]}, {}, "cluster"),
])  # fmt: skip
def test_what_needs_python_says_why(source, io, metadata, words):
    made = compiled(source, io, **metadata)
    assert made.tier == "host" and words in made.launch["tier_reason"] and made.binary


def test_the_top_level_may_ask_triton_for_its_target():
    source = ("import triton\nDEVICE = triton.runtime.driver.active.get_active_torch_device()\n"
              "assert DEVICE.type == 'cuda' and triton.runtime.driver.active.get_current_target().arch == 90\n")
    assert compiled(source + VECTOR_ADD, vector_add()).tier == "device"


@pytest.mark.parametrize("source, io, metadata, kind, words", [
    ("def f(:\n", vector_add(), {}, "syntax", "invalid syntax"),
    ("import no_such_module\n", vector_add(), {}, "import", "no_such_module"),
    ("x = 1\n", vector_add(), {}, "contract", "No @triton.jit function found"),
    (VECTOR_ADD, None, {}, "contract", "IOContract is required for triton"),
    (VECTOR_ADD, None, {"class_name": "ModelNew"}, "contract", "Class 'ModelNew' not found"),
    (VECTOR_ADD, contract(vector_add()["args"], None), {}, "contract", "launch.grid"),
    (VECTOR_ADD, vector_add(), {"kernel_name": "other"}, "contract", "Kernel 'other' not found"),
    (VECTOR_ADD, vector_add(), {"entry_point": "run"}, "contract", "Entry point function 'run' not found"),
    (VECTOR_ADD, contract(vector_add()["args"][:4]), {}, "contract", "no argument for the parameter 'BLOCK'"),
    (VECTOR_ADD, contract(vector_add()["args"] + [scalar("more", 3)]), {}, "contract", "the contract has 5"),
    (VECTOR_ADD, contract(vector_add()["args"] + [scalar("SIZE", 3, meta=True)]), {}, "contract", "meta argument 'SIZE'"),
    (VECTOR_ADD, contract(vector_add()["args"], num_warps=3), {}, "contract", "power of 2"),
    (VECTOR_ADD.replace("tl.load(x + at,", "tl.load(x + att,"), vector_add(), {}, "exception", "in line 9 of the submission"),
    (VECTOR_ADD.replace("inside = at < n", "inside = missing(n)"), vector_add(), {}, "exception", "in line 8"),
    (VECTOR_ADD.replace("tl.arange(0, BLOCK)", "tl.arange(0, 100)"), vector_add(), {}, "exception", "power of 2"),
])  # fmt: skip
def test_what_cannot_be_compiled(source, io, metadata, kind, words):
    with pytest.raises(Fault) as fault:
        compiled(source, io, **metadata)
    assert fault.value.kind == kind and words in fault.value.message + fault.value.traceback_text


def test_a_plan_that_a_source_makes_up_is_checked_and_its_resources_are_ptxas_own():
    """The source replaces what writes the plan: registers are then still those of the PTX that it gives."""
    honest = compiled(VECTOR_ADD, vector_add())
    forge = """
import gc, json, os, struct
from assay_runner import submitted_child
write = submitted_child.Writer.write
def forged(self, message):
    message.update({update})
    write(self, message)
submitted_child.Writer.write = forged
"""
    made = compiled(forge.replace("{update}", "{'kernels': [{'registers': 1}], 'registers': 1}") + VECTOR_ADD, vector_add())
    assert made.kernels == honest.kernels and made.binary[:4] == b"\x7fELF"
    for update in ("{'warps': 1000}", "{'parameters': [99]}", "{'shared': -1}", "{'name': 'other'}", "{'scratch': []}"):
        with pytest.raises(Fault) as fault:
            compiled(forge.replace("{update}", update) + VECTOR_ADD, vector_add())
        assert fault.value.kind == "protocol", update


def test_too_much_shared_memory_is_said_at_once():
    source = MATMUL_AUTOTUNED.split("@triton.autotune")[0] + "@triton.jit" + MATMUL_AUTOTUNED.split("@triton.jit")[1]
    io = contract(matmul()["args"] + [scalar(name, 128, meta=True) for name in ("BLOCK_M", "BLOCK_N", "BLOCK_K")],
                  num_stages=4)
    with pytest.raises(Fault) as fault:
        compiled(source, io)
    assert "out of resource: shared memory" in fault.value.message and "Hardware limit: 232448" in fault.value.message


def test_nothing_is_written_outside_the_private_cache():
    assert os.environ["TRITON_CACHE_DIR"].startswith(os.environ.get("TMPDIR", "/tmp"))
    assert triton.knobs.cache.dir == os.environ["TRITON_CACHE_DIR"]


def test_what_autotuning_chose_is_told_with_all_timings():
    """The tuner's own figures are put in its place: there is no GPU to time on."""
    module = loader.execute(MATMUL_AUTOTUNED)
    assert triton_host.tunings(module) == []  # nothing was tuned yet
    tuner = next(value for value in vars(module).values() if hasattr(value, "configs"))
    fast, slow = tuner.configs[:2]
    tuner.best_config, tuner.configs_timings = fast, {fast: [0.25, 0.2, 0.3], slow: [float("inf")] * 3}
    (told,) = triton_host.tunings(module)
    assert told["kernel"] == "matmul" and told["chosen"] == str(fast)
    assert told["trials"] == [{"config": str(fast), "ms": 0.25}, {"config": str(slow), "ms": None}]
    tuner.configs_timings = {object: ["hostile"]}
    assert triton_host.tunings(module)[0]["trials"][0]["ms"] is None


def test_a_tuner_that_breaks_its_report_tells_nothing():
    module = loader.execute(MATMUL_AUTOTUNED)
    tuner = next(value for value in vars(module).values() if hasattr(value, "configs"))
    tuner.best_config, tuner.configs_timings = tuner.configs[0], 7
    assert triton_host.tunings(module) == []
