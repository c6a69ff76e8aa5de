# SPDX-License-Identifier: Apache-2.0
"""Kernels of type torch_cuda through the whole server: compiled in the sandbox, and run where they need no GPU."""

import pytest
from assay_process import example, kernel

HEAD = "import torch\nimport torch.nn as nn\nfrom torch.utils.cpp_extension import load_inline\n"
REFERENCE = """
import torch
import torch.nn as nn

class Model(nn.Module):
    def forward(self, x):
        return x * 2 + 1
def get_inputs():
    return [torch.randn(64, 64)]
def get_init_inputs():
    return []
"""
CPP = "torch::Tensor f(torch::Tensor x) { return x * 2 + BIAS; }"
RIGHT = HEAD + f"""
ext = load_inline(name="host_only", cpp_sources="#define BIAS 1\\n{CPP}", functions=["f"])
class ModelNew(nn.Module):
    def forward(self, x):
        return ext.f(x)
"""
# The macro is made of an input's shape: nobody can know it before the kernel runs.
LATE = HEAD + f"""
class ModelNew(nn.Module):
    def forward(self, x):
        source = "#define BIAS %d\\n" % (x.shape[0] // 64) + "{CPP}"
        return load_inline(name="late", cpp_sources=source, functions=["f"]).f(x)
"""
WRONG = RIGHT.replace("#define BIAS 1", "#define BIAS 1.1")
# Modules without torch's headers compile at once.
PLAIN = 'ext = load_inline("plain", """%s""", no_implicit_headers=True)\n'
TAG = """#include <Python.h>
static PyObject* value(PyObject*, PyObject*) { return PyLong_FromLong(3); }
static PyMethodDef methods[] = {{"value", value, METH_NOARGS, ""}, {nullptr, nullptr, 0, nullptr}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "plain", "", -1, methods};
extern "C" PyObject* PyInit_plain() { return PyModule_Create(&definition); }
"""
IO = {"args": [
    {"name": "x", "type": "tensor", "tensor_spec": {"shape": [16], "init": {"kind": "ones"}}},
    {"name": "y", "type": "tensor", "tensor_spec": {"shape": [16]}, "role": "output"}]}  # fmt: skip
MODEL = "class ModelNew(nn.Module):\n    def forward(self, x):\n        return x\n"
INPUTS = "def get_inputs():\n    return [torch.ones(4)]\n"
SECONDS = 170


def compare(assay, source, **options):
    return assay.post("/compare", {
        "ref_kernel": kernel(REFERENCE), "custom_kernel": kernel(source, "torch_cuda"), "num_trials": 10,
        "timeout": SECONDS, **options})


def evaluate(assay, source, **options):
    return assay.post("/evaluate", {"kernel": kernel(source, "torch_cuda"), "timeout": SECONDS, **options})


def compilation_error(answer):
    assert answer.status == 200, answer
    result = answer.body["kernel_exec_result"]
    assert result["compiled"] is False and answer.body["verdict"]["code"] == "compilation_failed", answer
    return result["compilation_error"]


def test_an_extension_without_cuda_runs_without_a_gpu(assay):
    right = compare(assay, RIGHT)
    assert right.status == 200 and right.body["verdict"]["code"] == "correct", right
    report = right.body["compile"][0]
    assert report["way"] == "split" and {"record", "split", "host", "link"} <= {s["name"] for s in report["stages"]}
    again = compare(assay, RIGHT)
    assert again.body["verdict"]["code"] == "correct" and again.body["compile"][0]["cache_hit"] is True, again


def test_other_types_may_build_extensions_too(assay):
    build = HEAD + (PLAIN % TAG.replace("\n", "\\n").replace('"', '\\"'))
    function = build + "def f(x):\n    return x * ext.value()\n"
    answer = assay.post("/evaluate", {"kernel": kernel(function + INPUTS, function_name="f"), "timeout": SECONDS})
    assert answer.status == 200 and answer.body["verdict"]["code"] == "ran_unchecked", answer
    entry = build + "def f(x, y):\n    y.copy_(x * ext.value())\n"
    answer = assay.post("/evaluate", {"kernel": kernel(entry, "multi_kernel", IO, entry_point="f"), "timeout": SECONDS})
    assert answer.status == 200 and answer.body["verdict"]["code"] == "ran_unchecked", answer
    assert answer.body["compile"][0]["way"]


def test_a_subtly_wrong_one_is_incorrect(assay):
    assert compare(assay, WRONG).body["verdict"]["code"] == "incorrect"


def test_an_extension_met_only_when_it_runs_is_built_then(assay):
    answer = compare(assay, LATE)
    assert answer.status == 200 and answer.body["verdict"]["code"] == "correct", answer
    assert "missing_extension" not in answer.body
    assert len(answer.body["compile"]) == 2, "compiled, ran, compiled again"
    again = compare(assay, LATE)
    assert [report["cache_hit"] for report in again.body["compile"]] == [True], again


def test_one_that_never_stops_asking_ends(assay):
    source = HEAD + MODEL.replace("return x", """
        import random
        return load_inline("r%d" % random.getrandbits(60), "int f%d();" % random.getrandbits(60), no_implicit_headers=True)
""") + INPUTS
    answer = evaluate(assay, source)
    assert answer.status == 200 and answer.body["kernel_exec_result"]["correctness"] is False, answer
    assert len(answer.body["compile"]) == 3


def test_cuda_is_compiled_and_kept_without_a_gpu(assay, has_gpu):
    source = HEAD + MODEL + INPUTS + """
cuda = '''
__global__ void k(float* x) { x[threadIdx.x] *= 2; }
extern "C" void PyInit_tiny() { k<<<1, 1>>>(nullptr); }
'''
ext = load_inline("tiny", "", cuda, no_implicit_headers=True, is_python_module=False)
"""
    answer = evaluate(assay, source)
    report = answer.body["compile"][0]
    assert answer.body["kernel_exec_result"]["compiled"] is True, answer
    assert report["kernels"][0]["registers"] > 0 and report["architecture"].startswith("sm_")
    if not has_gpu:
        assert answer.status == 500 and answer.body["verdict"]["code"] == "compiled_only", answer


def test_the_example_is_correct_or_compiled(assay, has_gpu):
    _, arguments = example("extension_right")
    answer = assay.post("/compare", {
        "ref_kernel": kernel(arguments["ref_kernel_source"]), "timeout": SECONDS,
        "custom_kernel": kernel(arguments["custom_kernel_source"], "torch_cuda")})
    assert answer.body["verdict"]["code"] == ("correct" if has_gpu else "compiled_only"), answer
    assert answer.status == (200 if has_gpu else 500)
    report = answer.body["compile"][-1]
    assert report["way"] == "split" and "softmax_rows" in report["kernels"][0]["kernel_name"], report


def test_a_compilation_error_is_200_and_begins_with_the_error(assay):
    error = compilation_error(evaluate(assay, HEAD + PLAIN % "int f(;" + MODEL))
    assert error.startswith("cpp_sources:1:7: error:"), error


# Quick to fail with slim headers, for minutes at work without them.
SLOW_WITHOUT = """
#ifdef ASSAY_SLIM_WITH_PYTHON
int y = at::missing(1);
#else
constexpr int work() { int sum = 0; for (int i = 0; i < 2147483000; ++i) sum ^= i; return sum; }
static_assert(work() != 1, "");
#endif
"""
PATIENT = "['-fconstexpr-loop-limit=2147483647', '-fconstexpr-ops-limit=9223372036854775807', '-march=native']"


def test_an_error_that_is_known_when_time_runs_out_is_told(assay):
    build = f"ext = load_inline('slow', {SLOW_WITHOUT!r}, extra_cflags={PATIENT}, no_implicit_headers=True)\n"
    answer = evaluate(assay, HEAD + build + MODEL, timeout=20)
    error = compilation_error(answer)
    assert "took longer than timeout" in error and "so far: extension 'slow', with slim headers" in error, error
    assert "stock headers not finished" in error and "cpp_sources:3" in error, error
    assert "Fix the error" in answer.body["verdict"]["next_step"]


def test_a_syntax_error_of_python(assay):
    assert "SyntaxError" in compilation_error(evaluate(assay, "def f(:\n"))


@pytest.mark.parametrize("path", ["/etc/passwd", "/etc/hostname", "/root/.bashrc"])
def test_files_of_the_machine_cannot_be_included(assay, path):
    error = compilation_error(evaluate(assay, HEAD + PLAIN % f'#include \\"{path}\\"\\nint f(' + MODEL))
    assert "root:" not in error and ("No such file" in error or "Permission denied" in error), error


def test_a_source_that_sleeps_in_the_compiler_is_ended(assay):
    answer = evaluate(assay, "import time\ntime.sleep(10000)\n", timeout=3)
    assert "timeout" in compilation_error(answer)


def test_endless_output_ends(assay):
    source = "import time\nend = time.time() + 2\nwhile time.time() < end:\n    print('x' * 100000)\n" + HEAD + MODEL + INPUTS
    answer = evaluate(assay, source)
    assert answer.status == 200, answer
