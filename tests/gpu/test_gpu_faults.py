# SPDX-License-Identifier: Apache-2.0
"""Faults that only a GPU has; after each the next job is served correctly within the aim."""

import time

import pytest
from assay_process import SLACK, kernel
from test_faults import NEXT_JOB_AIM_S, comparison

N = 1 << 16
REFERENCE = f"import torch\ndef f(x):\n    return x + 1\ndef get_inputs():\n    return [torch.randn({N})]\n"
IO = {
    "args": [
        {"name": "x", "type": "tensor", "tensor_spec": {"shape": [N]}},
        {"name": "y", "type": "tensor", "tensor_spec": {"shape": [N]}, "role": "output"},
        {"name": "n", "type": "int", "value": N},
    ],
    "launch": {"grid": {"x": N // 256}, "block": {"x": 256}},
}
HEAD = 'extern "C" __global__ void k(const float* x, float* y, int n) {\n' \
       "  int i = blockIdx.x * blockDim.x + threadIdx.x;\n"
RIGHT = HEAD + "  if (i < n) y[i] = x[i] + 1;\n}\n"

# source, verdicts that are right, HTTP status, what the answer says
CUDA_FAULTS = {
    "endless kernel": ("  for (volatile int j = 0;; ) { y[i] = j; }\n}\n", {"timed_out"}, 500, ""),
    "illegal access": ("  y[i + (1ll << 40)] = x[i];\n}\n", {"crashed", "runtime_failed"}, 200, "llegal"),
    "write through a wild pointer": ("  *(volatile float*)(16) = x[i];\n}\n", {"crashed", "runtime_failed"}, 200, ""),
    "trap": ('  asm("trap;");\n}\n', {"crashed", "runtime_failed"}, 200, ""),
    "misaligned": ("  *(float4*)(y + 1 + 4 * (i / 4)) = make_float4(1, 1, 1, 1);\n}\n",
                   {"crashed", "runtime_failed"}, 200, ""),
    "reads its own output": ("  y[i] = y[i] + x[i] + 1;\n}\n", {"incorrect"}, 200, ""),
    "writes nothing": ("}\n", {"incorrect"}, 200, ""),
    "NaN": ("  y[i] = __int_as_float(0x7fffffff);\n}\n", {"incorrect"}, 200, ""),
    "writes its input": ("  const_cast<float*>(x)[i] = 0; y[i] = x[i] + 1;\n}\n", {"incorrect"}, 200, ""),
}
TOO_MANY_THREADS_SHARED = {**IO, "launch": {**IO["launch"], "shared_mem": 1 << 20}}

TORCH_FAULTS = {
    "out of device memory": ("import torch\nhog = []\ndef f(x):\n"
                             "    while True: hog.append(torch.empty(1 << 30, device=x.device))\n",
                             {"out_of_memory", "runtime_failed"}, 200),
    "device-side assert": ("import torch\ndef f(x):\n"
                           "    i = torch.full((4,), 1 << 20, device=x.device)\n    return x + 1 + x[:4][i].sum()\n",
                           {"crashed", "runtime_failed"}, 200),
    "endless kernel on a stream": ("import torch\ndef f(x):\n    torch.cuda._sleep(1 << 50)\n    return x + 1\n",
                                   {"timed_out"}, 500),
}


def cuda_comparison(source, io=None, **options):
    return {"ref_kernel": kernel(REFERENCE, function_name="f"),
            "custom_kernel": kernel(source, "cuda", io or IO, kernel_name="k"), "timeout": 30, **options}


def check_next_cuda_job(assay):
    start = time.monotonic()
    answer = assay.post("/compare", cuda_comparison(RIGHT))
    seconds = time.monotonic() - start
    assert answer.status == 200 and answer.body["verdict"]["code"] == "correct", answer
    print(f"next job after {seconds:.2f} s (aim {NEXT_JOB_AIM_S} s)")
    assert seconds < NEXT_JOB_AIM_S * SLACK


@pytest.fixture(autouse=True)
def the_next_job_is_served(assay):
    assert assay.get("/health").body["gpu_available"]
    yield
    check_next_cuda_job(assay)


@pytest.mark.parametrize("name", CUDA_FAULTS)
def test_a_cuda_kernel(assay, name):
    body, codes, status, says = CUDA_FAULTS[name]
    answer = assay.post("/compare", cuda_comparison(HEAD + body, timeout=5 if "endless" in name else 30))
    assert answer.status == status, answer
    assert answer.body["verdict"]["code"] in codes, answer
    assert answer.body["kernel_exec_result"]["compiled"] is True
    assert answer.body["kernel_exec_result"]["correctness"] is not True
    assert says in str(answer.body)


@pytest.mark.parametrize("name", TORCH_FAULTS)
def test_a_torch_kernel(assay, name):
    source, codes, status = TORCH_FAULTS[name]
    body = comparison(source, timeout=5 if "endless" in name else 60)
    body["ref_kernel"] = kernel(REFERENCE, function_name="f")
    answer = assay.post("/compare", body)
    assert answer.body["verdict"]["code"] in codes, answer
    assert answer.status == status, answer


def test_a_launch_that_the_device_refuses(assay):
    answer = assay.post("/compare", cuda_comparison(RIGHT, TOO_MANY_THREADS_SHARED))
    assert answer.status == 200, answer
    assert answer.body["verdict"]["code"] == "runtime_failed", answer


def test_more_memory_than_the_device_has_is_malformed(assay):
    io = {**IO, "args": [{**IO["args"][0], "tensor_spec": {"shape": [1 << 40]}}, *IO["args"][1:]]}
    answer = assay.post("/compare", cuda_comparison(RIGHT, io))
    assert answer.status == 400, answer
