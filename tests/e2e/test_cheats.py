# SPDX-License-Identifier: Apache-2.0
"""Kernels that want to look right or fast without being so; beside each an honest one that must pass."""

import pytest
from assay_process import kernel

MEANS = "def f(x):\n    return torch.sort(x, -1).values.mean(-1)\n"
SLOW_INPUTS = "import time\ndef get_inputs():\n    time.sleep(0.05)\n    return [torch.rand(64, 4096)]\n"
FIRST_RESULT = """
kept = []
def f(x):
    if not kept:
        kept.append(torch.sort(x, -1).values.mean(-1))
    return kept[0]
"""
CHAIN = """
def compute(x):
    y = x
    for _ in range(40):
        y = torch.tanh(y) + x
    return y
"""
HALVES = "def get_inputs():\n    return [torch.randn(32, 64).half()]\n"
# Wide enough to know every call that was made from the same draw, and no other: with a narrow one
# it would be chance whether any call is known at all, and a kernel that computes every call is right.
NEAR_RESULT = CHAIN + """
known = []
def f(x):
    key = x.flatten()[:8].float()
    for seen, result in known:
        if torch.allclose(key, seen, rtol=0.5, atol=0.05):
            return result
    result = compute(x)
    known.append((key, result))
    return result
"""
DROPOUT = """
class {name}(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.Dropout(0.2))
    def forward(self, x):
        return self.layers(x)
"""
MATRIX = "def get_inputs():\n    return [torch.randn(64, 64)]\n"
UNSEEDED = "import os\ndef f(x):\n    return x + os.urandom(1)[0]\n"
PRODUCTS = """
def f(x):
    y = x
    for _ in range(30):
        y = torch.tanh(y @ x)
    return y
"""
# Children that keep the processors busy unless this process itself is at work.
DISTURBING = """
import mmap, os, threading, time
flag = mmap.mmap(-1, 1)
for _ in range(2 * (os.cpu_count() or 1)):
    if os.fork() == 0:
        while True:
            if flag[0]:
                time.sleep(0.001)
timer = None
def rest():
    flag[0] = 0
""" + PRODUCTS.replace("def f(x):", """def f(x):
    global timer
    flag[0] = 1
    if timer:
        timer.cancel()
    timer = threading.Timer(0.02, rest)
    timer.start()""")
# What gc.collect() calls computes results for all inputs it can see before the runner says that it is
# ready, so before the clock starts.
AHEAD = """
import gc
seen, made = {}, {}
def ahead(phase, info):
    if phase == "stop":
        for place, x in seen.items():
            made[place] = (x.clone(), compute(x))
gc.callbacks.append(ahead)
""" + PRODUCTS.replace("def f(", "def compute(") + """
def f(x):
    seen[x.data_ptr()] = x
    known = made.get(x.data_ptr())
    return known[1] if known and torch.equal(known[0], x) else compute(x)
"""


def compare(assay, reference, candidate, **options):
    body = {"ref_kernel": kernel(reference[0], **reference[1]), "custom_kernel": kernel(candidate[0], **candidate[1]),
            "num_trials": 50, "timeout": 120, **options}
    answer = assay.post("/compare", body)
    assert answer.status == 200, answer
    return answer.body


def functions(assay, reference, candidate, **options):
    named = {"function_name": "f"}
    return compare(assay, (reference, named), (candidate, named), **options)


@pytest.mark.parametrize("reference, attack, honest", [
    (MEANS + SLOW_INPUTS, FIRST_RESULT, MEANS),
    (CHAIN + HALVES + "def f(x):\n    return compute(x)\n", NEAR_RESULT, CHAIN + "def f(x):\n    return compute(x)\n"),
], ids=["the first result for ever", "the result of similar inputs"])
def test_remembered_results(assay, reference, attack, honest):
    assert functions(assay, reference, honest)["verdict"]["code"] == "correct"
    answer = functions(assay, reference, attack)
    assert answer["verdict"]["code"] == "incorrect", answer["summary"]


def test_inputs_are_not_shown_before_the_clock_starts(assay):
    inputs = "def get_inputs():\n    return [torch.randn(192, 192) / 14]\n"
    answer = functions(assay, PRODUCTS + inputs, AHEAD)
    assert answer["verdict"]["code"] == "correct", answer["summary"]
    speedup = answer["timing"]["speedup"]
    assert speedup is None or speedup < 3, answer["summary"]


def test_random_layers_draw_alike_on_both_sides(assay):
    answer = compare(assay, (DROPOUT.format(name="Model") + MATRIX, {}), (DROPOUT.format(name="ModelNew"), {}))
    assert answer["verdict"]["code"] == "correct", answer["summary"]
    without = DROPOUT.format(name="ModelNew").replace("Dropout(0.2)", "Identity()")
    answer = compare(assay, (DROPOUT.format(name="Model") + MATRIX, {}), (without, {}))
    assert answer["verdict"]["code"] == "incorrect", answer["summary"]


def test_a_reference_of_chance_is_said_to_be_one(assay):
    answer = functions(assay, UNSEEDED + MATRIX, "def f(x):\n    return x\n")
    assert answer["verdict"]["code"] == "reference_failed", answer["summary"]
    assert "differ between two passes" in answer["kernel_exec_result"]["validation_error"]


def test_what_ignores_its_inputs_is_warned_of(assay):
    answer = functions(assay, "def f(x):\n    return torch.zeros_like(x)\n" + MATRIX, "def f(x):\n    return x * 0\n")
    assert any("ignores its inputs" in warning for warning in answer["warnings"]), answer["warnings"]
    answer = functions(assay, PRODUCTS + MATRIX, PRODUCTS)
    assert not any("ignores its inputs" in warning for warning in answer["warnings"]), answer["warnings"]


def test_a_candidate_cannot_slow_the_reference(assay):
    inputs = "def get_inputs():\n    return [torch.randn(192, 192) / 14]\n"
    for _ in range(3):  # on a machine that others use, too, the reference may be slow alone as well
        answer = functions(assay, PRODUCTS + inputs, DISTURBING)
        assert answer["verdict"]["code"] in ("correct", "timed_out"), answer["summary"]
        speedup = answer["timing"].get("speedup")
        if speedup is not None and speedup < 2:
            return
    raise AssertionError(answer["summary"])
