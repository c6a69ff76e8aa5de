# SPDX-License-Identifier: Apache-2.0
"""IO contracts against the real server: all dtypes and roles, transferred values, further shapes, a contract that the server
made, and what Python kernels may use.
"""

import base64
import struct
import zlib

import pytest

from assay_process import kernel

REFERENCE = """
import torch
def f(x):
    return x * 2 + 1
"""
# Right for whole groups of eight, the rest is left as it came.
GROUPS_OF_EIGHT = """
import torch
def f(x):
    y = x.clone()
    whole = x.numel() // 8 * 8
    y.view(-1)[:whole] = x.reshape(-1)[:whole] * 2 + 1
    return y
"""
IO = {"args": [{"name": "x", "type": "tensor", "tensor_spec": {"shape": [64], "init": {"kind": "randn"}}}]}
TRITON_INSIDE = """
import torch, triton
import triton.language as tl

@triton.jit
def add_one(x, y, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y + at, tl.load(x + at, mask=at < n) + 1, mask=at < n)

def run(x, y):
    add_one[(triton.cdiv(x.numel(), 64),)](x * 2, y, x.numel() - SHORT, BLOCK=64)
"""
TRITON_IO = {"args": [
    {"name": "x", "type": "tensor", "tensor_spec": {"shape": [100], "init": {"kind": "randn"}}},
    {"name": "y", "type": "tensor", "role": "output", "tensor_spec": {"shape": [100]}},
]}  # fmt: skip


def compare(assay, candidate, **more):
    body = {"ref_kernel": kernel(REFERENCE, io=IO, function_name="f"), "custom_kernel": candidate, "num_trials": 5}
    return assay.post("/compare", {**body, **more})


def test_extra_shapes_are_checked_one_by_one(assay):
    candidate = kernel(GROUPS_OF_EIGHT, io=IO, function_name="f")
    whole_groups = [{"args": {"x": [8, 3]}}, {"args": {"x": [0]}}]
    right = compare(assay, candidate, extra_shapes=whole_groups)
    assert right.body["verdict"]["code"] == "correct", right
    assert [check["code"] for check in right.body["extra_shapes"]] == ["correct", "correct"]
    assert right.body["timing"]["candidate"]

    wrong = compare(assay, candidate, extra_shapes=[whole_groups[0], {"args": {"x": [67]}}])
    assert wrong.status == 200, wrong
    assert wrong.body["verdict"]["code"] == "incorrect" and "extra_shapes[1]" in wrong.body["verdict"]["summary"]
    assert wrong.body["kernel_exec_result"]["correctness"] is False
    assert "extra_shapes[1]" in wrong.body["kernel_exec_result"]["validation_error"]
    checks = wrong.body["extra_shapes"]
    assert [check["code"] for check in checks] == ["correct", "incorrect"]
    assert checks[1]["worst"]["index"][0] >= 64 and checks[1]["substitution"] == {"args": {"x": [67]}}
    assert wrong.body["timing"]["candidate"] is None


def test_extra_shapes_that_cannot_be(assay):
    candidate = kernel(GROUPS_OF_EIGHT, io=IO, function_name="f")
    for shapes, path in (([{"args": {"z": [1]}}], "extra_shapes[0].args.z"),
                         ([{"args": {"x": [8]}}, {"args": {"x": "8"}}], "extra_shapes[1].args.x"),
                         ([{"args": {"x": [1 << 50]}}], "extra_shapes[0]")):  # fmt: skip
        answer = compare(assay, candidate, extra_shapes=shapes)
        assert answer.status == 400, answer
        assert path in [error["path"] for error in answer.body["validation_errors"]], answer


def test_the_contract_that_was_made_serves_again(assay):
    source = REFERENCE + "def get_inputs():\n    return [torch.randn(5, 8)]\n"
    first = assay.post("/compare", {"ref_kernel": kernel(source, function_name="f"), "num_trials": 5,
                                    "custom_kernel": kernel(GROUPS_OF_EIGHT, function_name="f")})  # fmt: skip
    made = first.body["io_contract"]
    assert made["args"][0]["tensor_spec"]["shape"] == [5, 8], first
    name = made["args"][0]["name"]
    again = assay.post("/compare", {
        "ref_kernel": kernel(REFERENCE, io=made, function_name="f"), "num_trials": 5,
        "custom_kernel": kernel(GROUPS_OF_EIGHT, io=made, function_name="f"),
        "extra_shapes": [{"args": {name: [3, 3]}}]})  # fmt: skip
    assert again.body["verdict"]["code"] == "incorrect", again
    assert "extra_shapes[0]" in again.body["verdict"]["summary"]


def test_triton_inside_a_multi_kernel(assay, has_gpu):
    for short, verdict in ((0, "correct"), (1, "incorrect")):
        source = TRITON_INSIDE.replace("SHORT", str(short))
        answer = compare(assay, kernel(source, "multi_kernel", TRITON_IO, entry_point="run"),
                         ref_kernel=kernel(REFERENCE, io={"args": TRITON_IO["args"][:1]}, function_name="f"))  # fmt: skip
        assert answer.body["verdict"]["code"] == verdict, answer
        if not has_gpu:  # by Triton's interpreter, and labelled so
            assert answer.body["timing"]["candidate"] is None
            assert any("interpreter" in words for words in answer.body["warnings"]), answer


def test_a_missing_cupy_says_how_to_add_it(assay):
    source = "import cupy\ndef run(x, y):\n    y.copy_(x)\n"
    answer = compare(assay, kernel(source, "multi_kernel", TRITON_IO, entry_point="run"))
    error = answer.body["kernel_exec_result"]["compilation_error"]
    if error is None:  # it is installed here
        return
    assert "cupy-cuda13x" in error, answer


DTYPES = ("float64", "float32", "float16", "bfloat16", "int64", "int32", "int8", "uint8", "bool")
ROLES_REFERENCE = """
def f(x, single, none, total, sign, shift, flag, word):
    assert sign == -1 and shift == 0.5 and flag is True and word == "up"
    return total + x, x.clone(), single + single, none
"""
ROLES = """
def run(x, single, none, total, copy, twice, nothing, sign, shift, flag, word):
    assert sign == -1 and shift == 0.5 and flag is True and word == "up"
    assert x.shape == (7, 3) and single.shape == () and none.shape == (0, 4)
    total += x
    copy.copy_(x)
    twice.copy_(single + single)
"""


def tensor(name, shape, dtype, role="input", **spec):
    return {"name": name, "type": "tensor", "role": role, "tensor_spec": {"shape": shape, "dtype": dtype, **spec}}


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_in_every_role(assay, dtype):
    """An inout that is not restored before a call would hold the sum of all calls before."""
    init = {"init": {"kind": "uniform", "low": 0, "high": 1, "seed": 3}}
    inputs = [tensor("x", [7, 3], dtype, **init), tensor("single", [], dtype, init={"kind": "ones"}),
              tensor("none", [0, 4], dtype, **init)]  # fmt: skip
    scalars = [{"name": "sign", "type": "int", "value": -1}, {"name": "shift", "type": "float", "value": 0.5},
               {"name": "flag", "type": "bool", "value": True}, {"name": "word", "type": "str", "value": "up"}]  # fmt: skip
    reference = kernel(ROLES_REFERENCE, io={"args": [*inputs, tensor("total", [7, 3], dtype, **init), *scalars]},
                       function_name="f")  # fmt: skip
    io = {"args": [*inputs, tensor("total", [7, 3], dtype, "inout", **init), tensor("copy", [7, 3], dtype, "output"),
                   tensor("twice", [], dtype, "output"), tensor("nothing", [0, 4], dtype, "output"), *scalars]}  # fmt: skip
    answer = compare(assay, kernel(ROLES, "multi_kernel", io, entry_point="run"), ref_kernel=reference)
    assert answer.body["verdict"]["code"] == "correct", answer
    late = ROLES.replace("twice.copy_(single + single)", "twice.copy_(single * 0)")
    answer = compare(assay, kernel(late, "multi_kernel", io, entry_point="run"), ref_kernel=reference)
    assert answer.body["verdict"]["code"] == "incorrect", answer
    assert answer.body["checks"]["worst"]["output"] == 2 and answer.body["checks"]["worst"]["index"] == []


def test_what_is_allowed_at_most_can_be_computed(assay):
    """Whole numbers beyond a double's, ranges as wide as the dtype's, the largest tolerances."""
    most = (1 << 63) - 1
    full = {"args": [tensor("x", [3], "int64", init={"kind": "full", "fill_value": most})]}
    source = f"def f(x):\n    assert x.tolist() == [{most}] * 3\n    return x\n"
    answer = assay.post("/evaluate", {"kernel": kernel(source, io=full, function_name="f"), "num_trials": 2})
    assert answer.body["verdict"]["code"] == "ran_unchecked", answer
    for dtype, bound in (("float32", 1.7e38), ("bfloat16", 1.6e38), ("float64", 8e307), ("float16", 3e4)):
        wide = {"args": [tensor("x", [64], dtype, init={"kind": "uniform", "low": -bound, "high": bound})]}
        halved = kernel("def f(x):\n    return x / 2\n", io=wide, function_name="f")
        answer = compare(assay, halved, ref_kernel=halved, atol=1e30, rtol=1e30)
        assert answer.body["verdict"]["code"] == "correct", answer


def test_transferred_values(assay):
    values = [0.5, -2.0, 3.25]
    raw = struct.pack("<3f", *values)
    for compress, data in (("none", raw), ("zlib", zlib.compress(raw))):
        given = tensor("x", [3], "float32", data={"data_b64": base64.b64encode(data).decode(), "compress": compress})
        source = f"def f(x):\n    assert x.tolist() == {values}\n    return x * 2\n"
        answer = assay.post("/evaluate", {"kernel": kernel(source, io={"args": [given]}, function_name="f"), "num_trials": 2})
        assert answer.body["verdict"]["code"] == "ran_unchecked", answer
    bomb = tensor("x", [3], "float32", data={"data_b64": base64.b64encode(zlib.compress(bytes(1 << 24))).decode(),
                                             "compress": "zlib"})  # fmt: skip
    answer = assay.post("/evaluate", {"kernel": kernel(source, io={"args": [bomb]}, function_name="f")})
    assert answer.status == 400 and "data_b64" in answer.body["validation_errors"][0]["path"], answer


def entry_point(body, *outputs):
    args = [*IO["args"], *({"name": name, "type": "tensor", "role": role, "tensor_spec": {"shape": [64]}} for name, role in outputs)]
    parameters = ", ".join(["x", *(name for name, _ in outputs)])
    return kernel(f"def run({parameters}):\n    {body}\n", "multi_kernel", {"args": args}, entry_point="run")


@pytest.mark.parametrize("candidate, code", [
    (entry_point("return x * 2 + 1"), "correct"),
    (entry_point("return x * 2 + 2"), "incorrect"),
    (entry_point("y.copy_(x * 2 + 1)", ("y", "output")), "correct"),
    (entry_point("return x * 2 + 1", ("y", "output")), "correct"),
    (entry_point("return x * 2 + 2", ("y", "output")), "incorrect"),
    (entry_point("y.copy_(x * 2 + 1)\n    return 'done'", ("y", "output")), "correct"),
    (entry_point("pass", ("y", "output")), "incorrect"),
])  # fmt: skip
def test_outputs_of_an_entry_point_are_arguments_or_returned(assay, candidate, code):
    answer = compare(assay, candidate)
    assert answer.status == 200 and answer.body["verdict"]["code"] == code, answer


def test_an_inout_that_nothing_writes_is_not_said_to_be_written(assay):
    spec = {"shape": [64], "init": {"kind": "randn"}}
    io = {"args": [{"name": "x", "type": "tensor", "role": "inout", "tensor_spec": spec}]}
    for body, unchanged in (("pass", True), ("x.add_(1)", False)):
        source = kernel(f"def run(x):\n    {body}\n", "multi_kernel", io, entry_point="run")
        answer = assay.post("/evaluate", {"kernel": source, "num_trials": 5})
        assert answer.body["verdict"]["code"] == "ran_unchecked", answer
        assert "wrote every output" not in answer.body["verdict"]["summary"]
        assert answer.body["checks"]["outputs_poisoned"] is False
        assert any('no call changed the inout tensor "x"' in text for text in answer.body["warnings"]) == unchanged


@pytest.mark.parametrize("dtype, init, field", [
    ("int8", {"kind": "full", "fill_value": 300}, "fill_value"), ("float16", {"kind": "full", "fill_value": 1e9}, "fill_value"),
    ("int8", {"kind": "uniform", "low": 0, "high": 1000}, "high"), ("float32", {"kind": "uniform", "low": -3e38, "high": 3e38}, "high"),
    ("float32", {"kind": "arange", "step": 0}, "step"),
])  # fmt: skip
def test_values_that_cannot_be_made_are_a_malformed_request(assay, dtype, init, field):
    io = {"args": [{"name": "x", "type": "tensor", "tensor_spec": {"shape": [64], "dtype": dtype, "init": init}}]}
    answer = compare(assay, kernel(REFERENCE, io=IO, function_name="f"), ref_kernel=kernel(REFERENCE, io=io, function_name="f"))
    assert answer.status == 400, answer
    (error,) = answer.body["validation_errors"]
    assert f"tensor_spec.init.{field}" in str(error) and "must" in str(error), error
