# SPDX-License-Identifier: Apache-2.0
"""Triton submissions on the CPU: by Triton's interpreter, launched as the contract or the submission says."""

import pytest
import torch
from runner_support import judge
from triton_sources import (
    DESCRIPTOR, LAUNCHER, MATMUL_AUTOTUNED, SOFTMAX, VECTOR_ADD, contract, descriptor, matmul, scalar, softmax, tensor,
    vector_add)
from triton_support import Bound, load


def computed(source, io, slots=1, **metadata):
    """(inputs of each slot, first output of each slot)."""
    with judge() as runner:
        load(runner, source, io, **metadata)
        bound = Bound(runner, io, slots)
        runner.ok("probe", slot=0)
        ready, answer = runner.run_pass(list(range(slots)))
        assert answer["ok"], answer
        return bound.inputs, [bound.output(slot) for slot in range(slots)]


def check_sum(inputs, outputs):
    for (x, y), out in zip(inputs, outputs):
        assert torch.equal(out, x + y)


def test_a_kernel_is_interpreted_in_every_slot():
    inputs, outputs = computed(VECTOR_ADD, vector_add(), slots=3)
    check_sum(inputs, outputs)


def test_a_subtly_wrong_kernel_shows():
    inputs, outputs = computed(VECTOR_ADD.replace("inside = at < n", "inside = at < n - 1"), vector_add())
    (x, y), out = inputs[0], outputs[0]
    assert torch.equal(out[:-1], (x + y)[:-1]) and out[-1] == -7


def test_library_functions_written_in_triton():
    inputs, outputs = computed(SOFTMAX, softmax(rows=5))
    torch.testing.assert_close(outputs[0], torch.softmax(inputs[0][0] * 0.5, dim=1))


def test_autotuned_kernels_with_a_grid_of_their_own():
    inputs, outputs = computed(MATMUL_AUTOTUNED, matmul(40, 33, 35))
    torch.testing.assert_close(outputs[0], inputs[0][0] @ inputs[0][1], rtol=1e-5, atol=1e-5)


def test_heuristics_and_tensor_descriptors():
    source = VECTOR_ADD.replace("@triton.jit", "@triton.heuristics({'BLOCK': lambda args: 256 if args['n'] < 5000 else 1})\n@triton.jit")
    check_sum(*computed(source, contract(vector_add()["args"][:4], (4, 1, 1))))
    inputs, outputs = computed(DESCRIPTOR, descriptor(32, 48, 16))
    assert torch.equal(outputs[0], inputs[0][0])


MODEL = LAUNCHER + """
class ModelNew(torch.nn.Module):
    def forward(self, x, y):
        return run(x, y)
"""
WRITES = LAUNCHER + """
def writes(x, y, out, n, BLOCK):
    add[(triton.cdiv(n, BLOCK),)](x, y, out, n, BLOCK=BLOCK)
"""
DEVICE = "import triton\nDEVICE = triton.runtime.driver.active.get_active_torch_device()\nassert DEVICE.type == 'cpu'\n"


@pytest.mark.parametrize("source, metadata", [
    (LAUNCHER, {"entry_point": "run"}), (LAUNCHER, {"function_name": "run"}), (LAUNCHER, {"kernel_name": "run"}),
    (LAUNCHER, {"kernel_name": "add"}), (LAUNCHER, {}), (MODEL, {}), (MODEL, {"class_name": "ModelNew"}),
    (WRITES, {"entry_point": "writes"}), (DEVICE + VECTOR_ADD, {}),
])  # fmt: skip
def test_every_way_to_be_launched(source, metadata):
    check_sum(*computed(source, vector_add(), **metadata))


def test_a_class_needs_no_contract():
    with judge() as runner:
        load(runner, MODEL, None, class_name="ModelNew")
        bound = Bound(runner, contract(vector_add()["args"][:3]))
        _, answer = runner.run_pass([0])
        assert answer["ok"], answer
        check_sum(bound.inputs, [bound.output()])


def test_roles_choose_their_class():
    source = MODEL + "class Model(torch.nn.Module):\n    def forward(self, x, y):\n        return x - y\n"
    inputs, outputs = computed(source, vector_add(), role="reference")
    assert torch.equal(outputs[0], inputs[0][0] - inputs[0][1])


def test_inout_tensors_and_scalars_of_every_type():
    source = """
import triton
import triton.language as tl

@triton.jit
def scale(x, factor, shift, flip, N: tl.constexpr):
    at = tl.arange(0, N)
    values = tl.load(x + at) * factor + shift
    if flip:
        values = -values
    tl.store(x + at, values)
"""
    io = contract([tensor("x", [64], "inout"), scalar("factor", 0.5), scalar("shift", 3), scalar("flip", True),
                   scalar("N", 64, meta=True)])
    inputs, _ = computed(source, io)
    with judge() as runner:
        load(runner, source, io)
        bound = Bound(runner, io)
        x = torch.arange(64.0)
        runner.view(bound.outputs[0]).copy_(x)
        _, answer = runner.run_pass([0])
        assert answer["ok"] and torch.equal(bound.output(), -(x * 0.5 + 3))


@pytest.mark.parametrize("source, io, metadata, kind, words", [
    ("x = 1\n", vector_add(), {}, "contract", "No @triton.jit function found"),
    (VECTOR_ADD, None, {}, "contract", "IOContract is required for triton"),
    (MODEL, None, {}, "contract", "IOContract is required for triton"),
    (MODEL, None, {"class_name": "ModelNew", "entry_point": "run"}, "contract", "IOContract is required for triton"),
    (VECTOR_ADD, contract(vector_add()["args"], None), {}, "contract", "launch.grid"),
    (LAUNCHER + "def other(x): pass\n", vector_add(), {"entry_point": "other"}, "contract", "neither with nor without"),
    (VECTOR_ADD, vector_add(), {"entry_point": "run"}, "contract", "Entry point function 'run' not found"),
])  # fmt: skip
def test_what_cannot_be_launched(source, io, metadata, kind, words):
    with judge() as runner:
        error = load(runner, source, io, ask=runner.error, **metadata)
        assert error["kind"] == kind and words in error["message"]


def test_what_a_kernel_raises_is_the_submissions():
    with judge() as runner:
        load(runner, VECTOR_ADD.replace("tl.load(x + at,", "tl.load(undefined + at,"), vector_add())
        Bound(runner, vector_add())
        error = runner.error("probe", slot=0)
        assert error["kind"] == "exception" and "undefined" in error["message"]
