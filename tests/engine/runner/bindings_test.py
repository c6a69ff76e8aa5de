# SPDX-License-Identifier: Apache-2.0
"""Arguments out of the judge's arenas, outputs back into them, weights and drawn values through memfds."""

import math
import os

import pytest
import torch
from runner_support import Arena, Layout, Page, judge, native, scalar, values

INPUTS = """
def get_inputs():
    return [torch.rand(3, 2), torch.randint(0, 9, (4,)), 2.5]

def get_init_inputs():
    return [7, "name", None, [True, {"k": torch.rand(2)}]]
"""


def sample(name, shape):
    dtype = values.DTYPES[name]
    generator = torch.Generator().manual_seed(5)
    if dtype.is_floating_point:
        return torch.randn(shape, generator=generator).to(dtype)
    return torch.randint(0, 2 if name == "bool" else 100, shape, generator=generator).to(dtype)


@pytest.mark.parametrize("name", values.DTYPES)
@pytest.mark.parametrize("shape", [[3, 5], [], [0], [2, 0, 3], [1]])
def test_every_dtype_and_shape_through_bindings(name, shape):
    given = sample(name, shape)
    with judge() as runner:
        runner.load("def f(x):\n    return x.clone()\n", function_name="f")
        outputs, probed = runner.call_once([given])
        assert torch.equal(outputs[0], given) and outputs[0].dtype == given.dtype
        assert probed[0]["dtype"] == name and probed[0]["shape"] == shape


def test_every_dtype_through_values():
    given = [sample(name, shape) for name in values.DTYPES for shape in ([3, 5], [], [0, 2])]
    given.append(torch.arange(12.0).reshape(3, 4).t())  # not contiguous
    given.append(torch.complex(torch.ones(2), torch.ones(2)).conj().imag)  # a negation not yet done
    nodes, memfd = values.encode_values(given, "test")
    assert all(node["offset"] % 256 == 0 for node in nodes)
    for before, after in zip(given, values.decode_values(nodes, memfd)):
        assert torch.equal(before, after) and before.dtype == after.dtype and after.is_contiguous()


def test_scalars_and_nests_through_values():
    given = [True, -(2**63), 0.1, math.nan, -math.inf, "ä\ud800", None, (1, [2.0, {"k": (torch.ones(2),)}]), torch.Size([4])]
    nodes, memfd = values.encode_values(given, "test")
    back = values.decode_values(nodes, memfd)
    assert back[:3] == given[:3] and math.isnan(back[3]) and back[4] == -math.inf and back[5] == "ä?" and back[6] is None
    assert back[7][0] == 1 and back[7][1][1]["k"][0].tolist() == [1.0, 1.0] and back[8] == (4,)
    assert [type(value) for value in back[:2]] == [bool, int]


@pytest.mark.parametrize("value, words", [
    (2**63, "does not fit into 64 bits"), ({1: 2}, "keys must be strings"), (object(), "is a object"),
    (torch.ones(2, dtype=torch.complex64), "complex64"), ([0] * 5000, "more than 4096 values"), (torch.float32, "is a dtype")])
def test_values_that_cannot_cross(value, words):
    from assay_runner.errors import Fault
    with pytest.raises(Fault) as fault:
        values.encode_values([value], "get_inputs()")
    assert fault.value.kind == "contract" and words in fault.value.message and "get_inputs()" in fault.value.message


def test_numpy_values_cross():
    numpy = pytest.importorskip("numpy")
    nodes, memfd = values.encode_values([numpy.float32(2), numpy.arange(3), numpy.bool_(True), numpy.int8(4)], "test")
    back = values.decode_values(nodes, memfd)
    assert back[0] == 2.0 and back[1].tolist() == [0, 1, 2] and back[2] is True and back[3] == 4


def test_draws_repeat_with_their_seed_alone():
    with judge() as runner, judge() as other:
        assert runner.load(INPUTS, role="inputs")["takes_get_inputs"]
        other.load(INPUTS, role="inputs", seed=99)

        def draw(from_runner, seed):
            answer = from_runner.ok("draw", seed=seed)
            assert answer["elapsed_ns"] > 0
            return values.decode_values(answer["values"], from_runner.memfd)

        first, second, again = draw(runner, 1), draw(runner, 2), draw(other, 1)
        assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1]) and first[2] == 2.5
        assert not torch.equal(first[0], second[0])
        torch.manual_seed(1)
        assert torch.equal(first[0], torch.rand(3, 2))
        answer = runner.ok("init_inputs", seed=4)
        made = values.decode_values(answer["values"], runner.memfd)
        assert made[:3] == [7, "name", None] and made[3][0] is True and made[3][1]["k"].shape == (2,)


def test_init_inputs_are_empty_without_their_function():
    with judge() as runner:
        runner.load("def get_inputs():\n    return torch.ones(2)\n", role="inputs")
        assert runner.ok("init_inputs", seed=1)["values"] == []
        assert len(runner.ok("draw", seed=1)["values"]) == 1  # a tensor alone is a list of one


def test_get_inputs_that_is_missing_or_fails():
    with judge() as runner:
        assert not runner.load("def f():\n    pass\n", role="inputs")["takes_get_inputs"]
        error = runner.error("draw", seed=1)
        assert error["kind"] == "contract" and "get_inputs() not found" in error["message"]
    with judge() as runner:
        runner.load("def get_inputs():\n    raise ValueError('empty')\n", role="inputs")
        error = runner.error("draw", seed=1)
        assert error["kind"] == "exception" and "line 2, in get_inputs" in error["traceback"]


def test_outputs_are_flattened_in_order():
    source = """
def f(x):
    return {"b": x + 1, "a": (x + 2, [x + 3, None, {"z": x + 4}])}, 5.0, torch.return_types.max((x + 6, x.long())), 7, True
"""
    with judge() as runner:
        runner.load(source, function_name="f")
        outputs, _ = runner.call_once([torch.zeros(1)])
        assert [output.reshape(-1)[0].item() for output in outputs] == [1, 2, 3, 4, 5, 6, 0, 7, 1]
        assert [values.DTYPE_NAMES[o.dtype] for o in outputs] == ["float32"] * 6 + ["int64", "int64", "bool"]
        assert outputs[4].shape == ()


def test_non_contiguous_outputs_keep_their_values():
    with judge() as runner:
        runner.load("def f(x):\n    return x.t(), x[:, 1], x[:1].expand(4, 3)\n", function_name="f")
        given = torch.arange(6.0).reshape(2, 3)
        outputs, probed = runner.call_once([given])
        assert probed[0]["strides"] == [1, 3] and probed[1]["strides"] == [3] and probed[2]["strides"] == [0, 1]
        for output, wanted in zip(outputs, [given.t(), given[:, 1], given[:1].expand(4, 3)]):
            assert torch.equal(output, wanted)


def test_scalars_and_nested_arguments():
    source = "def f(x, n, s, flag, name, nest):\n    assert flag is True and name == 'é' and type(n) is int\n    return x * n + s + nest['k'][0]\n"
    with judge() as runner:
        runner.load(source, function_name="f")
        layout = Layout(1)
        x, k = layout.place("input", "float32", [2]), layout.place("input", "float32", [2])
        nest = {"kind": "dict", "items": [["k", {"kind": "list", "items": [k]}]]}
        arguments = [x, scalar(3), scalar(0.5), scalar(True), scalar("é"), nest]
        output = layout.place("output", "float32", [2])
        runner.bind(layout, arguments, [output])
        runner.view(x).fill_(2.0), runner.view(k).fill_(100.0)
        _, answer = runner.run_pass([0])
        assert answer["ok"] and runner.view(output).tolist() == [106.5, 106.5]


def test_inout_of_a_torch_contract_is_passed_and_may_be_the_output():
    source = "def f(x, y):\n    y.add_(x)\n"  # returns nothing: what it changed is the output
    for returned in ("", "    return y\n"):
        with judge() as runner:
            runner.load(source + returned, function_name="f")
            layout = Layout(2)
            x, y = layout.place("input", "float32", [3]), layout.place("inout", "float32", [3])
            dropped = layout.place("output", "float32", [3])  # torch takes no output arguments
            stored = layout.place("output", "float32", [3])
            runner.bind(layout, [x, y, dropped], [stored])
            for slot in range(2):
                runner.view(x, slot).fill_(slot), runner.view(y, slot).fill_(10)
            _, answer = runner.run_pass([0, 1])
            assert answer["ok"], answer
            assert [runner.view(stored, slot).tolist() for slot in range(2)] == [[10.0] * 3, [11.0] * 3]


@pytest.mark.parametrize("body, wanted", [
    ("y.copy_(x)\n    return y", 4.0), ("y.copy_(x)", 4.0), ("y.copy_(x)\n    return 'a handle'", 4.0),
    ("y.copy_(x)\n    return x.sum()", 4.0), ("return x + 1", 5.0), ("return (x + 1,)", 5.0)])
def test_outputs_that_are_arguments_are_written_or_returned(body, wanted):
    with judge() as runner:
        runner.load(f"def launch(x, y):\n    {body}\n", kernel_type="multi_kernel", entry_point="launch")
        layout = Layout(1)
        x, y = layout.place("input", "float32", [3]), layout.place("output", "float32", [3])
        runner.bind(layout, [x, y], [y])
        assert runner.ok("probe", slot=0)["outputs"][0]["shape"] == [3]
        runner.view(x).fill_(4.0), runner.view(y).fill_(-7.0)
        assert runner.run_pass([0])[1]["ok"] and runner.view(y).tolist() == [wanted] * 3


def test_a_multi_kernel_without_output_arguments_returns_its_outputs():
    with judge() as runner:
        runner.load("def launch(x, n):\n    return x * n\n", kernel_type="multi_kernel", entry_point="launch")
        outputs, probed = runner.call_once([torch.ones(3)], scalars=[2.0])
        assert probed[0]["shape"] == [3] and outputs[0].tolist() == [2.0] * 3


@pytest.mark.parametrize("returned, words", [
    ("x, x", "returned 2 outputs, 1 were expected"), ("x[:1]", "output 0 has shape [1]"),
    ("x.double()", "dtype torch.float64"), ("None", "returned 0 outputs")])
def test_outputs_that_differ_from_their_bindings(returned, words):
    with judge() as runner:
        runner.load(f"def f(x):\n    return {returned}\n", function_name="f")
        layout = Layout(1)
        x, output = layout.place("input", "float32", [3]), layout.place("output", "float32", [3])
        runner.bind(layout, [x], [output])
        _, answer = runner.run_pass([0])
        assert answer["error"]["kind"] == "contract" and words in answer["error"]["message"]


# --- weights ---

NETWORK = "class Model(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.{name} = torch.nn.Linear({size}, 2)\n        self.register_buffer('count', torch.tensor(3))\n    def forward(self, x):\n        return self.{name}(x)\n"


def test_weights_travel_by_name_and_shape():
    with judge() as first, judge() as second:
        assert first.load(NETWORK.format(name="a", size=4), seed=1)["has_weights"]
        second.load(NETWORK.format(name="a", size=4), seed=2)
        answer = first.ok("get_weights")
        names = [weight["name"] for weight in answer["weights"]]
        assert sorted(names) == ["a.bias", "a.weight", "count"] and answer["skipped"] == []
        copied = second.ok("set_weights", [first.memfd], weights=answer["weights"])
        assert copied == {"ok": True, "copied": 3, "skipped": []}
        given = torch.randn(3, 4)
        assert torch.equal(first.call_once([given])[0][0], second.call_once([given])[0][0])


def test_weights_that_do_not_fit_are_named():
    with judge() as first, judge() as second:
        first.load(NETWORK.format(name="a", size=4))
        second.load(NETWORK.format(name="a", size=5))
        answer = first.ok("get_weights")
        copied = second.ok("set_weights", [first.memfd], weights=[*answer["weights"], dict(answer["weights"][0], name="no")])
        assert copied["copied"] == 2
        assert copied["skipped"] == ["a.weight: shape [2, 5] here, [2, 4] there", "no: no weight of that name here"]


STATE = """
class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        {}
    def forward(self, x):
        return x
"""


def buffers(values):
    return STATE.format("\n        ".join(f"self.register_buffer({name!r}, {made})" for name, made in values.items()))


def test_weights_of_dtypes_that_values_do_not_have_travel_as_bytes():
    made = {name: f"(torch.rand(2, 3) * 9).to(torch.{name})"
            for name in ("complex64", "complex128", "int16", "uint16", "uint32", "uint64", "float8_e4m3fn")}
    made |= {"conj": "torch.rand(3, dtype=torch.complex64).conj()", "single": "torch.tensor(2, dtype=torch.int16)",
             "none": "torch.empty(0, dtype=torch.complex128)", "part": "torch.rand(4, 4).to(torch.complex64).t()[1:]"}
    with judge() as first, judge() as second, judge() as third:
        for runner, seed in ((first, 1), (second, 2)):
            runner.load(buffers(made), seed=seed)
        answer = first.ok("get_weights")
        assert answer["skipped"] == [] and len(answer["weights"]) == len(made)
        assert second.ok("set_weights", [first.memfd], weights=answer["weights"])["skipped"] == []
        again = second.ok("get_weights")
        assert again["weights"] == answer["weights"]
        sizes = os.fstat(first.memfd).st_size
        assert os.pread(first.memfd, sizes, 0) == os.pread(second.memfd, sizes, 0)
        third.load(buffers({"complex64": "torch.zeros(2, 3)", "int16": "torch.zeros(2, 3)"}))
        some = [weight for weight in answer["weights"] if weight["name"] in ("complex64", "int16")]
        copied = third.ok("set_weights", [first.memfd], weights=some)
        assert copied == {"ok": True, "copied": 1, "skipped": ["complex64: torch.float32 here, torch.complex64 there"]}


def test_weights_that_cannot_travel_are_named():
    with judge() as runner:
        runner.load(buffers({"thin": "torch.eye(3).to_sparse()", "kept": "torch.ones(2)"}))
        answer = runner.ok("get_weights")
        assert [weight["name"] for weight in answer["weights"]] == ["kept"]
        (reason,) = answer["skipped"]
        assert reason.startswith("thin: torch.float32 torch.sparse_coo")


def test_a_function_has_no_weights():
    with judge() as runner:
        runner.load("def f(x):\n    return x\n", function_name="f")
        assert runner.ok("get_weights")["weights"] == []


# --- memory that is not what it says ---

def small_memfd(size):
    return os.memfd_create("small") if size == 0 else native.create_memory("small", size)


@pytest.mark.parametrize("size", [0, 1, 4096 - 1])
def test_an_arena_smaller_than_claimed_is_refused(size):
    with judge() as runner:
        runner.load("def f(x):\n    return x\n", function_name="f")
        layout = Layout(1)
        x = layout.place("input", "float32", [1024])
        page = Page()
        error = runner.error("bind", [page.fd, small_memfd(size)], slots=1, arguments=[x], outputs=None,
                             input_bytes=4096, output_bytes=0)
        assert error["kind"] == "protocol"
        assert runner.error("probe", slot=0)["kind"] == "protocol"  # nothing is bound


def test_an_arena_of_no_bytes_needs_no_descriptor():
    with judge() as runner:
        runner.load("def f(x):\n    return x\n", function_name="f")
        x = Layout(1).place("input", "float32", [2, 0])
        page, fields = Page(), {"slots": 1, "arguments": [x], "outputs": None, "input_bytes": 0, "output_bytes": 0}
        runner.ok("bind", [page.fd], **fields)
        assert runner.ok("probe", slot=0)["outputs"] == [{"dtype": "float32", "shape": [2, 0], "strides": [1, 1]}]
        fields["arguments"] = [{**x, "shape": [1]}]
        error = runner.error("bind", [page.fd], **fields)
        assert error["kind"] == "protocol" and "was not given" in error["message"]


def test_an_arena_that_could_shrink_is_refused():
    with judge() as runner:
        runner.load("def f(x):\n    return x\n", function_name="f")
        fd = os.memfd_create("unsealed")
        os.ftruncate(fd, 4096)
        x = Layout(1).place("input", "float32", [1024])
        error = runner.error("bind", [Page().fd, fd], slots=1, arguments=[x], outputs=None, input_bytes=4096, output_bytes=0)
        assert error["kind"] == "protocol" and "seal" in error["message"]


@pytest.mark.parametrize("change", [
    {"offset": 4096}, {"offset": -4}, {"offset": 1 << 62}, {"stride": 1 << 61}, {"stride": 8192}, {"shape": [1 << 40]},
    {"shape": [-1]}, {"shape": [1 << 62, 1 << 62]}, {"offset": 2, "shape": [10]}, {"dtype": "float8"}, {"arena": "other"}, {"shape": "no"},
    {"offset": None}])
def test_bindings_outside_their_arena_are_refused(change):
    with judge() as runner:
        runner.load("def f(x):\n    return x\n", function_name="f")
        layout = Layout(2)
        x = layout.place("input", "float32", [1024])
        error = runner.bind(layout, [{**x, **change}], None, ask=runner.error)
        assert error["kind"] == "protocol", error


@pytest.mark.parametrize("change, words", [
    ({"offset": 1}, "outside its memory of 16 bytes"), ({"offset": -1}, "outside"), ({"offset": 1 << 60}, "outside"),
    ({"bytes": 8}, "do not fit its shape"), ({"shape": [1 << 40]}, "do not fit its shape"), ({"dtype": "no"}, "dtype"),
    ({"shape": None}, "shape"), ({"shape": [1 << 40], "bytes": 1 << 42}, "outside")])
def test_values_outside_their_memfd_are_refused(change, words):
    node = {"kind": "tensor", "dtype": "float32", "shape": [4], "offset": 0, "bytes": 16, **change}
    with judge() as runner:
        source = "class Model:\n    def __init__(self, x):\n        pass\n    def forward(self):\n        pass\n"
        error = runner.load(source, init_inputs=[node], descriptors=[small_memfd(16)], ask=runner.error)
        assert error["kind"] == "protocol" and words in error["message"], error


def test_no_control_page_is_refused():
    with judge() as runner:
        runner.load("def f(x):\n    return x\n", function_name="f")
        layout = Layout(1)
        x = layout.place("input", "float32", [4])
        error = runner.bind(layout, [x], None, ask=runner.error, page=Page(magic=1))
        assert error["kind"] == "protocol" and "control page" in error["message"]
        arena = Arena(65536)  # the right size, not the right content
        assert runner.error("bind", [arena.fd, arena.fd], slots=1, arguments=[], outputs=None, input_bytes=1,
                            output_bytes=0)["kind"] == "protocol"
