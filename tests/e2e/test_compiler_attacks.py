# SPDX-License-Identifier: Apache-2.0
"""Sources that want to answer in their compiler's place, and honest ones beside them."""

import pytest
from assay_process import kernel

# Sends a whole answer over every descriptor that it has or can take from its ancestors.
FORGER = """
import ctypes, json, os
import _assay_native as native
kernels = [{"kernel_name": "wonder", "registers": 7, "spill_store_bytes": 0, "spill_load_bytes": 0}]
answer = {"ok": True, "tool": "made up", "tier": "TIER", "kernel_name": "wonder", "launch": LAUNCH, "kernels": kernels,
          "log": "", "whole_log": "", "way": "made up", "stages": [], "needs_gpu": False}
binary = os.memfd_create("binary")
os.write(binary, b"\\x7fELF and more")
libc = ctypes.CDLL(None)
def send(fd):
    try:
        native.Channel(os.dup(fd)).send(json.dumps(answer).encode(), [binary], 1.0)
    except BaseException:
        pass
for fd in range(3, 32):
    send(fd)
ancestor = os.getpid()
while ancestor > 1:
    try:
        with open(f"/proc/{ancestor}/stat") as file:
            ancestor = int(file.read().rpartition(")")[2].split()[1])
        pidfd = os.pidfd_open(ancestor)
    except OSError:
        break
    for number in range(3, 32):
        fd = libc.syscall(438, pidfd, number, 0)  # pidfd_getfd
        if fd >= 0:
            send(fd)
"""
TORCH = """
import torch
from torch.utils.cpp_extension import load_inline
cuda = '''
__global__ void honest(float* x) { x[threadIdx.x] *= 2; }
extern "C" void PyInit_tiny() { honest<<<1, 1>>>(nullptr); }
'''
ext = load_inline("tiny", "", cuda, no_implicit_headers=True, is_python_module=False)
class ModelNew(torch.nn.Module):
    def forward(self, x):
        return x
def get_inputs():
    return [torch.ones(4)]
"""
TRITON = """
import triton
import triton.language as tl
@triton.jit
def honest(x, out, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out + at, tl.load(x + at, mask=at < n) + 1, mask=at < n)
"""
TENSOR = {"shape": [1000], "init": {"kind": "randn"}}
IO = {"args": [
    {"name": "x", "type": "tensor", "role": "input", "tensor_spec": TENSOR},
    {"name": "out", "type": "tensor", "role": "output", "tensor_spec": TENSOR},
    {"name": "n", "type": "int", "value": 1000},
    {"name": "BLOCK", "type": "int", "value": 256, "is_meta": True}], "launch": {"grid": {"x": 4}}}  # fmt: skip
CASES = {"torch_cuda": (TORCH, None, "host", '{"extensions": [], "failed": []}'),
         "triton": (TRITON, IO, "device", '{"parameters": [0, 1, 2]}')}  # fmt: skip


def compiled(assay, source, kernel_type, io):
    answer = assay.post("/evaluate", {"kernel": kernel(source, kernel_type, io), "num_trials": 5, "timeout": 170})
    assert answer.body["compile"], answer
    return answer.body["compile"][-1]


@pytest.mark.parametrize("kernel_type", CASES)
def test_an_answer_in_the_compilers_place_is_not_believed(assay, kernel_type):
    source, io, tier, launch = CASES[kernel_type]
    forger = FORGER.replace("TIER", tier).replace("LAUNCH", launch)
    forged = compiled(assay, forger + source, kernel_type, io)
    honest = compiled(assay, source, kernel_type, io)
    assert "honest" in honest["kernels"][0]["kernel_name"] and honest["kernels"][0]["registers"] > 0
    assert forged["kernels"] == honest["kernels"] and forged["tool"] == honest["tool"], forged
