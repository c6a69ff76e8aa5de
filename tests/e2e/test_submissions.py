# SPDX-License-Identifier: Apache-2.0
"""Submissions in the forms that users write them in: torch.compile, buffers of every dtype, outputs in dicts."""

import pytest
from assay_process import kernel

INPUTS = "def get_inputs():\n    return [torch.randn(16, 24)]\n"
DOUBLED = "def f(x):\n    return x * 2\n"


def compare(assay, reference, candidate, named=True, **options):
    names = {"function_name": "f"} if named else {}
    body = {"ref_kernel": kernel(reference + INPUTS, **names), "custom_kernel": kernel(candidate, **names),
            "num_trials": 5, "timeout": 150, **options}
    answer = assay.post("/compare", body)
    assert answer.status == 200, answer
    return answer.body


COMPILED = "@torch.compile(backend='eager')\n"
# One C++ compilation only: none of torch's headers in advance, none to ask what the processor can do.
INDUCTOR = """
import torch._inductor.config as settings
settings.cpp.vec_isa_ok = settings.cpp_cache_precompile_headers = False
@torch.compile
"""


@pytest.mark.parametrize("of_reference, of_candidate", [
    (COMPILED, COMPILED), ("", INDUCTOR), ("", "import getpass\nassert getpass.getuser()\n"),
], ids=["eager", "inductor", "getpass"])  # fmt: skip
def test_torch_compile(assay, of_reference, of_candidate):
    answer = compare(assay, of_reference + DOUBLED, of_candidate + "def f(x):\n    return x + x\n")
    assert answer["verdict"]["code"] == "correct", answer["verdict"]


BUFFER = """
class {name}(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("q", {made})
    def forward(self, x):
        return x * self.q.{use}
"""


@pytest.mark.parametrize("dtype, use", [("complex64", "real"), ("uint16", "float()"), ("float8_e4m3fn", "float()")])
def test_buffers_of_every_dtype_are_shared(assay, dtype, use):
    reference = BUFFER.format(name="Model", made=f"(torch.rand(24) * 9).to(torch.{dtype})", use=use)
    candidate = BUFFER.format(name="ModelNew", made=f"torch.zeros(24).to(torch.{dtype})", use=use)
    assert compare(assay, reference, candidate, named=False)["verdict"]["code"] == "correct"


def tensor(name, shape, role="input", dtype="float32"):
    return {"name": name, "type": "tensor", "role": role, "tensor_spec": {"shape": shape, "dtype": dtype}}


def with_contract(source, *outputs, kernel_type="torch"):
    name = {"torch": "function_name", "multi_kernel": "entry_point"}[kernel_type]
    return kernel(source, kernel_type, {"args": [tensor("x", [4]), *outputs]}, **{name: "f"})


RETURNS = "def f(x, y=None):\n    return x * 2\n"


@pytest.mark.parametrize("shape, dtype", [([5], "float32"), ([4], "float64")])
def test_what_is_returned_is_what_the_contract_says(assay, shape, dtype):
    wrong, right = (with_contract(RETURNS, y) for y in (tensor("y", shape, "output", dtype), tensor("y", [4], "output")))

    def code_of(route, body):
        answer = assay.post(route, {"num_trials": 2, **body})
        assert answer.status == 200, answer
        text = answer.body["verdict"]["summary"]
        said = f'"y" {dtype}{shape}' in text and '"output[0]" float32[4]' in text
        assert said or answer.body["verdict"]["code"] in ("correct", "ran_unchecked"), answer
        return answer.body["verdict"]["code"], answer.body["kernel_exec_result"]["correctness"]

    assert code_of("/evaluate", {"kernel": right}) == ("ran_unchecked", True)
    assert code_of("/evaluate", {"kernel": wrong}) == ("output_mismatch", False)
    assert code_of("/compare", {"ref_kernel": right, "custom_kernel": right}) == ("correct", True)
    assert code_of("/compare", {"ref_kernel": right, "custom_kernel": wrong}) == ("output_mismatch", False)
    assert code_of("/compare", {"ref_kernel": wrong, "custom_kernel": right})[0] == "reference_failed"


def test_extra_shapes_need_not_name_a_torch_functions_outputs(assay):
    right = with_contract(RETURNS, tensor("y", [4], "output"))
    answer = assay.post("/compare", {"ref_kernel": right, "custom_kernel": right, "num_trials": 2,
                                     "extra_shapes": [{"args": {"x": [7]}}, {"args": {"x": [7], "y": [6]}}]})  # fmt: skip
    assert [check["code"] for check in answer.body["extra_shapes"]] == ["correct", "reference_failed"], answer


def test_what_an_entry_point_returned_in_vain_is_named(assay):
    source = with_contract(RETURNS, tensor("y", [5], "output"), kernel_type="multi_kernel")
    answer = assay.post("/evaluate", {"kernel": source, "num_trials": 2})
    assert answer.body["verdict"]["code"] == "incorrect", answer
    assert 'it returned float32[4], which does not count' in answer.body["kernel_exec_result"]["validation_error"], answer


def test_outputs_are_no_arguments_of_a_torch_function(assay):
    source = with_contract("def f(x, y):\n    y.copy_(x * 2)\n", tensor("y", [4], "output"))
    answer = assay.post("/evaluate", {"kernel": source, "num_trials": 2})
    assert answer.body["verdict"]["code"] == "runtime_failed", answer
    assert "arguments of role output (y) are not passed" in answer.body["kernel_exec_result"]["validation_error"], answer


DICTS = "def f(x):\n    a, b, c = x * 2, x + 1, x.sum()\n    return {}\n"


@pytest.mark.parametrize("reference, candidate, code, warned", [
    ("{'a': a, 'b': b}", "{'b': b, 'a': a}", "correct", False),
    ("{'a': a, 'b': b}", "{'b': a, 'a': b}", "incorrect", False),
    ("(c, {'a': a, 'n': [{'b': b, 'c': c}]})", "(c, {'n': [{'c': c, 'b': b}], 'a': a})", "correct", False),
    ("{'b': b, 'a': a}", "(b, a)", "correct", False),
    ("{'a': a, 'b': b}", "{'a': a, 'd': b}", "correct", True),
    ("{'a': a, 'c': c}", "{'c': c, 'a': a}", "correct", False),
])  # fmt: skip
def test_outputs_in_dicts_pair_by_key(assay, reference, candidate, code, warned):
    answer = compare(assay, DICTS.format(reference), DICTS.format(candidate))
    assert answer["verdict"]["code"] == code, answer["verdict"]
    assert any("['b']" in text and "['d']" in text for text in answer["warnings"]) == warned, answer["warnings"]
    if code == "incorrect":
        assert "output['" in answer["kernel_exec_result"]["validation_error"]


def test_a_byte_order_mark_is_no_part_of_a_source(assay):
    assert compare(assay, "\ufeff" + DOUBLED, "\ufeff" + DOUBLED)["verdict"]["code"] == "correct"


def test_a_number_that_is_wrong_is_named_without_an_index(assay):
    answer = compare(assay, "def f(x):\n    return x.sum()\n", "def f(x):\n    return x.sum() + 1\n")
    assert "the worst is output[0]: got" in answer["kernel_exec_result"]["validation_error"], answer["verdict"]
