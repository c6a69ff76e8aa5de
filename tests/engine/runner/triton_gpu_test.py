# SPDX-License-Identifier: Apache-2.0
"""Triton on a GPU: what was compiled ahead of time launched by assay-runner, the rest by the Python runner."""

import json
import os
import subprocess
import tempfile

import pytest
import torch
from cuda_passes_gpu_test import CudaJudge, gpu_judge
from runner_support import BUILD_DIR, judge
from triton_sources import (
    DESCRIPTOR, LAUNCHER, MATMUL_AUTOTUNED, SOFTMAX, VECTOR_ADD, contract, descriptor, matmul, scalar, softmax, tensor,
    vector_add)
from triton_support import Bound, load

pytestmark = pytest.mark.skipif(not os.path.exists("/dev/nvidiactl"), reason="no GPU here")

MODES = [("check", "stream"), ("time", "stream"), ("time", "graph"), ("time", "events")]
COMPILE = """
import base64, json, sys
sys.path.insert(0, sys.argv[1])
from assay_runner import triton_compile
request = json.load(sys.stdin)
made = triton_compile.compile_kernel(request["kernel"], request)
sys.stdout = sys.__stdout__
print(json.dumps([made.tier, made.kernel_name, made.launch, base64.b64encode(made.binary).decode()]))
"""


def compiled(source, io, **metadata):
    """(tier, symbol, launch, memfd), compiled in a process of its own as the compiler does it."""
    major, minor = torch.cuda.get_device_capability()
    kernel = {"source_code": source, "kernel_type": "triton", "io": io, "metadata": metadata}
    request = {"kernel": kernel, "architecture": f"sm_{major}{minor}"}
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [os.environ.get("ASSAY_PYTHON", "python3"), "-c", COMPILE, os.path.join(BUILD_DIR, "python")],
            input=json.dumps(request), text=True, capture_output=True, env={**os.environ, "TMPDIR": home})
    assert done.returncode == 0, done.stderr
    import base64

    tier, name, launch, binary = json.loads(done.stdout.splitlines()[-1])
    memfd = os.memfd_create("artifact")
    os.write(memfd, base64.b64decode(binary))
    return tier, name, launch, memfd


def start_device_runner(theirs, ours):
    program = os.path.join(BUILD_DIR, "bin", "assay-runner")
    return subprocess.Popen([program, "--channel-fd", str(theirs.fileno())], pass_fds=[theirs.fileno()]).pid


def device_outputs(source, io, kind, mode, slots=5, **metadata):
    """Inputs and outputs of every slot, after a pass of assay-runner."""
    tier, name, launch, memfd = compiled(source, io, **metadata)
    assert tier == "device", launch
    with judge(CudaJudge, start_device_runner) as runner:
        kernel = {"source_code": source, "kernel_type": "triton", "io": io, "metadata": metadata}
        loaded = runner.ok("load", [memfd], role="candidate", kernel=kernel, seed=7, kernel_name=name, launch=launch)
        assert loaded["resources"]["registers"] > 0
        return outputs_of(runner, io, kind, mode, slots)


def host_outputs(source, io, kind, mode, slots=5, **metadata):
    """The same of the Python runner, with the reason why."""
    tier, _, launch, memfd = compiled(source, io, **metadata)
    assert tier == "host" and launch["tier_reason"]
    with gpu_judge() as runner:
        load(runner, source, io, descriptors=[memfd], launch=launch, **metadata)
        return outputs_of(runner, io, kind, mode, slots)


def outputs_of(runner, io, kind, mode, slots):
    bound = Bound(runner, io, slots)
    torch.cuda.synchronize()
    runner.ok("probe", slot=0)
    ready, answer = runner.run_pass(list(range(slots)), kind=kind, mode=mode, warmup=2)
    assert answer["ok"], answer
    assert ready["mode"] == mode or mode in ("graph", "events"), ready
    print(mode, ready, answer["calls_ns"][:3])
    return [([each.cuda() for each in inputs], bound.output(slot)) for slot, inputs in enumerate(bound.inputs)]


@pytest.mark.parametrize("kind, mode", MODES)
def test_vector_add_by_our_own_launch(kind, mode):
    for (x, y), out in device_outputs(VECTOR_ADD, vector_add(100_003), kind, mode):
        assert torch.equal(out, x + y)


@pytest.mark.parametrize("kind, mode", MODES)
def test_softmax_with_masks_and_a_float_argument(kind, mode):
    for (x,), out in device_outputs(SOFTMAX, softmax(rows=512, columns=100), kind, mode):
        torch.testing.assert_close(out, torch.softmax(x * 0.5, dim=1))


@pytest.mark.parametrize("kind, mode", MODES)
def test_scratch_memory_of_tensor_descriptors(kind, mode):
    for (x,), out in device_outputs(DESCRIPTOR, descriptor(256, 512), kind, mode):
        assert torch.equal(out, x)


def test_specialised_arguments_are_left_out_of_the_launch():
    source = VECTOR_ADD.replace("out, n,", "out, n, stride,").replace("tl.load(x + at,", "tl.load(x + at * stride,")
    io = vector_add(4096)
    io["args"].insert(4, scalar("stride", 1))
    for (x, y), out in device_outputs(source, io, "check", "stream"):
        assert torch.equal(out, x + y)


def test_scalars_of_every_type():
    source = """
import triton
import triton.language as tl

@triton.jit
def mixed(out, big, small, flag, real: tl.float64, N: tl.constexpr):
    at = tl.arange(0, N)
    value = (big % 1000).to(tl.float64) + small + real
    if flag:
        value = -value
    tl.store(out + at, value)
"""
    io = contract([tensor("out", [64], "output", "float64"), scalar("big", (1 << 40) + 7), scalar("small", -3),
                   scalar("flag", True), scalar("real", 0.1), scalar("N", 64, meta=True)])
    wanted = -(float(((1 << 40) + 7) % 1000) - 3 + 0.1)
    for _, out in device_outputs(source, io, "check", "stream", slots=1):
        torch.testing.assert_close(out, torch.full_like(out, wanted))


@pytest.mark.parametrize("kind, mode", MODES[:3])
def test_autotuned_matmul_by_python(kind, mode):
    for (a, b), out in host_outputs(MATMUL_AUTOTUNED, matmul(), kind, mode):
        torch.testing.assert_close(out, a @ b, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind, mode", MODES[:3])
def test_a_launcher_that_returns_its_output(kind, mode):
    for (x, y), out in host_outputs(LAUNCHER, vector_add(100_003), kind, mode, entry_point="run"):
        assert torch.equal(out, x + y)


def test_scratch_memory_by_python():
    source = DESCRIPTOR.replace("@triton.jit", "@triton.heuristics({'BLOCK': lambda args: 64})\n@triton.jit")
    io = descriptor(256, 512)
    io["args"].pop()
    for (x,), out in host_outputs(source, io, "check", "stream"):
        assert torch.equal(out, x)


def test_heuristics_by_python():
    source = VECTOR_ADD.replace("@triton.jit", "@triton.heuristics({'BLOCK': lambda args: 512})\n@triton.jit")
    io = contract(vector_add(1500)["args"][:4], (3, 1, 1))
    for (x, y), out in host_outputs(source, io, "check", "stream"):
        assert torch.equal(out, x + y)
