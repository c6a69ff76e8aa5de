# SPDX-License-Identifier: Apache-2.0
"""Every way in which a submission of type torch can be written, and what is wrong with it when it is not."""

import pytest
import torch
from runner_support import Layout, judge, scalar, values

ADD_ONE = "def add_one(x):\n    return x + 1\n"
MODEL = """
import torch
import torch.nn as nn

class Model(nn.Module):
    def __init__(self, size, scale=2.0):
        super().__init__()
        self.layer = nn.Linear(size, 3)
        self.scale = scale

    def forward(self, x):
        return self.layer(x) * self.scale

def get_inputs():
    return [torch.randn(4, 5)]

def get_init_inputs():
    return [5]
"""
MODEL_NEW = MODEL.replace("class Model(", "class ModelNew(").replace("* self.scale", "* 0 + 42")


def test_function_name():
    with judge() as runner:
        answer = runner.load(ADD_ONE, function_name="add_one")
        assert answer == {"ok": True, "takes_get_inputs": False, "has_weights": False, "interpreted": False}
        outputs, probed = runner.call_once([torch.arange(6.0).reshape(2, 3)])
        assert torch.equal(outputs[0], torch.arange(6.0).reshape(2, 3) + 1)
        assert probed == [{"dtype": "float32", "shape": [2, 3], "strides": [3, 1]}]


def test_torch_is_in_scope_without_an_import():
    with judge() as runner:
        runner.load("def f(x):\n    return torch.relu(x)\n", function_name="f")
        outputs, _ = runner.call_once([torch.tensor([-1.0, 2.0])])
        assert outputs[0].tolist() == [0.0, 2.0]


def test_class_and_method():
    source = "class Adder:\n    def __init__(self):\n        self.n = 3\n    def run(self, x):\n        return x + self.n\n"
    with judge() as runner:
        runner.load(source, class_name="Adder", method_name="run")
        outputs, _ = runner.call_once([torch.zeros(2)])
        assert outputs[0].tolist() == [3.0, 3.0]


def test_function_name_wins():
    with judge() as runner:
        runner.load(MODEL + ADD_ONE, function_name="add_one", class_name="Model")
        outputs, _ = runner.call_once([torch.zeros(2)])
        assert outputs[0].tolist() == [1.0, 1.0]


def test_model_with_its_own_init_inputs():
    with judge() as runner:
        answer = runner.load(MODEL, role="reference", seed=11)
        assert answer["takes_get_inputs"] and answer["has_weights"]
        inputs = torch.randn(4, 5)
        outputs, _ = runner.call_once([inputs])
        torch.manual_seed(11)
        layer = torch.nn.Linear(5, 3)
        assert torch.equal(outputs[0], (layer(inputs) * 2.0).detach())


def test_what_the_source_draws_at_its_top_does_not_change_the_weights():
    with judge() as runner:
        runner.load("import torch\ntorch.rand(9)\n" + MODEL, role="reference", seed=11, init_inputs=[{"kind": "int", "value": 5}])
        inputs = torch.randn(4, 5)
        outputs, _ = runner.call_once([inputs])
        torch.manual_seed(11)
        assert torch.equal(outputs[0], (torch.nn.Linear(5, 3)(inputs) * 2.0).detach())


def test_model_with_the_judges_init_inputs():
    nodes = [{"kind": "int", "value": 2}, {"kind": "float", "value": 0.5}]
    with judge() as runner:
        runner.load(MODEL, role="reference", init_inputs=nodes, seed=3)
        inputs = torch.randn(1, 2)
        outputs, _ = runner.call_once([inputs])
        torch.manual_seed(3)
        assert torch.equal(outputs[0], (torch.nn.Linear(2, 3)(inputs) * 0.5).detach())


def test_init_inputs_as_arguments_and_keywords():
    nodes = [{"kind": "list", "items": [{"kind": "int", "value": 2}]},
             {"kind": "dict", "items": [["scale", {"kind": "float", "value": 0.0}]]}]
    with judge() as runner:
        runner.load(MODEL, role="reference", init_inputs=nodes)
        outputs, _ = runner.call_once([torch.randn(1, 2)])
        assert torch.equal(outputs[0], torch.zeros(1, 3)) or outputs[0].abs().sum() == 0


def test_init_inputs_may_be_tensors():
    source = "class Model(torch.nn.Module):\n    def __init__(self, w):\n        super().__init__()\n        self.w = w\n    def forward(self, x):\n        return x * self.w\n"
    nodes, memfd = values.encode_values([torch.tensor([2.0, 3.0])], "test")
    with judge() as runner:
        runner.load(source, init_inputs=nodes, descriptors=[memfd])
        outputs, _ = runner.call_once([torch.ones(2)])
        assert outputs[0].tolist() == [2.0, 3.0]


@pytest.mark.parametrize("role, kernel_type, answer", [
    ("candidate", "torch", 42.0), ("candidate", "torch_cuda", 42.0), ("reference", "torch_cuda", 42.0),
    ("reference", "torch", None)])
def test_model_or_model_new(role, kernel_type, answer):
    with judge() as runner:
        runner.load(MODEL + MODEL_NEW, role=role, kernel_type=kernel_type)
        outputs, _ = runner.call_once([torch.randn(4, 5)])
        assert (outputs[0][0, 0].item() == 42.0) == (answer == 42.0)


def test_torch_cuda_falls_back_to_model():
    with judge() as runner:
        runner.load(MODEL, kernel_type="torch_cuda")
        assert runner.call_once([torch.randn(4, 5)])[0][0].shape == (4, 3)


def test_multi_kernel_writes_its_outputs():
    source = "def launch(x, n, y):\n    y.copy_(x * n)\n"
    with judge() as runner:
        runner.load(source, kernel_type="multi_kernel", entry_point="launch")
        layout = Layout(2)
        x, y = layout.place("input", "float32", [3]), layout.place("output", "float32", [3])
        runner.bind(layout, [x, scalar(2), y], [y])
        for slot in range(2):
            runner.view(x, slot).fill_(slot + 1)
        _, answer = runner.run_pass([1, 0], kind="time")
        assert answer["ok"] and len(answer["calls_ns"]) == 2
        assert runner.view(y, 0).tolist() == [2.0] * 3 and runner.view(y, 1).tolist() == [4.0] * 3


def test_hooks_of_a_module_run():
    source = MODEL + "\n_init = Model.__init__\ndef make(self, *a):\n    _init(self, *a)\n    self.register_forward_hook(lambda m, i, o: o * 0 + 5)\nModel.__init__ = make\n"
    with judge() as runner:
        runner.load(source, role="reference", init_inputs=[{"kind": "int", "value": 5}])
        assert runner.call_once([torch.randn(1, 5)])[0][0].unique().tolist() == [5.0]


# --- what cannot be loaded ---

ERRORS = [
    ("syntax", "import torch\n\ndef f(x:\n    return x\n", {"function_name": "f"}, "(line 3)", "line 3"),
    ("syntax", "x = 1\0", {"function_name": "f"}, "null", ""),
    ("import", "import no_such_module_at_all\n", {"function_name": "f"}, "no_such_module_at_all", "line 1, in <module>"),
    ("import", "x = 1\n\ny = undefined_name\n", {"function_name": "f"}, "undefined_name", "y = undefined_name"),
    ("import", "raise SystemExit(3)\n", {"function_name": "f"}, "code 3", "raise SystemExit"),
    ("contract", ADD_ONE, {"function_name": "add_two"}, "Function 'add_two' not found in the submission; it defines add_one (function)", ""),
    ("contract", "add_two = 3\n", {"function_name": "add_two"}, "is not callable", ""),
    ("contract", MODEL, {"class_name": "Net"}, "Class 'Net' not found in the submission; it defines Model (class), get_inputs", ""),
    ("contract", MODEL, {"class_name": "Model", "method_name": "run"}, "Method 'run' not found in class 'Model'; its methods are forward", ""),
    ("contract", "x = 1\n", {}, "it defines no function and no class", ""),
    ("contract", ADD_ONE, {}, "No class ModelNew or Model found", ""),
    ("contract", ADD_ONE, {"kernel_type": "multi_kernel", "entry_point": "main"}, "Entry point function 'main' not found", ""),
    ("contract", ADD_ONE, {"kernel_type": "multi_kernel"}, "entry_point must be specified in metadata", ""),
    ("contract", ADD_ONE, {"kernel_type": "cuda"}, "cannot run in the Python runner", ""),
    ("exception", MODEL.replace("self.scale = scale", "raise KeyError('scale')"), {}, "scale", "raise KeyError('scale')"),
    ("exception", MODEL.replace("self.scale = scale", "raise SystemExit"), {}, "asked the process to exit", "raise SystemExit"),
    ("exception", MODEL.replace("return [5]", "return [1 // 0]"), {}, "division", "in get_init_inputs"),
]


@pytest.mark.parametrize("kind, source, metadata, message, traceback", ERRORS)
def test_load_errors(kind, source, metadata, message, traceback):
    with judge() as runner:
        error = runner.load(source, role="candidate", ask=runner.error, **metadata)
        assert error["kind"] == kind
        assert message in error["message"]
        assert traceback in error["traceback"]
        assert "assay_runner" not in error["traceback"]
        assert runner.error("draw", seed=1)["kind"] == "protocol"  # not loaded


def test_constructor_that_does_not_fit():
    with judge() as runner:
        error = runner.load(MODEL, init_inputs=[], ask=runner.error)
        assert error["kind"] == "contract" and "missing a required argument: 'size'" in error["message"]


def test_arguments_that_do_not_fit():
    with judge() as runner:
        runner.load(ADD_ONE, function_name="add_one")
        layout = Layout(1)
        arguments = [layout.place("input", "float32", [2]) for _ in range(2)]
        error = runner.bind(layout, arguments, None, ask=runner.error)
        assert error["kind"] == "contract"
        assert error["message"] == "add_one(x) cannot be called with 2 arguments: too many positional arguments"


CALL_ERRORS = [
    ("exception", "def f(x):\n    y = x + 1\n    raise ValueError('no good')\n", "ValueError", "no good", "line 3, in f\n    raise ValueError('no good')"),
    ("exception", "def f(x):\n    return g(x)\ndef g(x):\n    return x @ torch.zeros(7, 7)\n", "RuntimeError", "mat", "line 2, in f"),
    ("exception", "import sys\ndef f(x):\n    sys.exit('bye')\n", "SystemExit", "code bye", "sys.exit('bye')"),
    ("exception", "def f(x):\n    raise KeyboardInterrupt\n", "KeyboardInterrupt", "KeyboardInterrupt", "line 2, in f"),
    ("exception", "class Odd(BaseException):\n    def __str__(self):\n        raise OSError\ndef f(x):\n    raise Odd\n", "Odd", "could not be made", ""),
    ("exception", "def f(x):\n    return f(x)\n", "RecursionError", "recursion", "Previous line repeated"),
    ("out_of_memory", "def f(x):\n    return torch.empty(1 << 50)\n", "RuntimeError", "allocate memory", "line 2, in f"),
    ("out_of_memory", "def f(x):\n    raise MemoryError\n", "MemoryError", "MemoryError", "line 2"),
    ("contract", "def f(x):\n    return 'text'\n", "UnsupportedType", "output 0 is a str", ""),
    ("contract", "def f(x):\n    return x, x.to(torch.complex64)\n", "UnsupportedDtype", "output 1 has dtype torch.complex64", ""),
    ("contract", "def f(x):\n    return x.to_sparse()\n", "UnsupportedLayout", "output 0 is not a dense tensor", ""),
]


@pytest.mark.parametrize("kind, source, type_name, message, traceback", CALL_ERRORS)
def test_call_errors(kind, source, type_name, message, traceback):
    with judge() as runner:
        runner.load(source, function_name="f")
        layout = Layout(1)
        arguments, output = [layout.place("input", "float32", [2])], layout.place("output", "float32", [2])
        runner.bind(layout, arguments, [output])
        error = runner.error("probe", slot=0)
        assert (error["kind"], error["type"]) == (kind, type_name)
        assert message in error["message"]
        assert traceback in error["traceback"]
        assert "assay_runner" not in error["traceback"]
        _, answer = runner.run_pass([0])  # the same error inside a window
        assert answer["error"]["kind"] == kind
        assert runner.page.read(16) == 1  # status: an error frame follows


def test_huge_messages_are_cut():
    with judge() as runner:
        error = runner.load("raise ValueError('a' * 5_000_000 + 'END')", ask=runner.error, function_name="f")
        assert error["kind"] == "import" and len(error["message"]) < 16384
        assert error["message"].endswith("END") and "characters left out" in error["message"]


def test_printing_and_closing_standard_streams_breaks_nothing():
    source = """
import os, sys

def f(x):
    try:
        print('{"ok": true}')
        os.write(1, b'{"ok": true}')
    except OSError:  # the second call
        pass
    for number in (0, 1, 2):
        try:
            os.close(number)
        except OSError:
            pass
    return x
"""
    with judge() as runner:
        runner.load(source, function_name="f")
        assert runner.call_once([torch.ones(2)])[0][0].tolist() == [1.0, 1.0]
