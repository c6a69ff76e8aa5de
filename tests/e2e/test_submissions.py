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


@pytest.mark.parametrize("prefix", [
    "@torch.compile(backend='eager')\n",
    # One compilation, without those that ask what the processor can do.
    "import torch._inductor.config\ntorch._inductor.config.cpp.vec_isa_ok = False\n@torch.compile\n",
    "import getpass\nassert getpass.getuser()\n",
], ids=["eager", "inductor", "getpass"])
def test_torch_compile(assay, prefix):
    assert compare(assay, prefix + DOUBLED, prefix + "def f(x):\n    return x + x\n")["verdict"]["code"] == "correct"


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
