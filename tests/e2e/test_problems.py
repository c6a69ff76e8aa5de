# SPDX-License-Identifier: Apache-2.0
"""tests/problems is what its README says, and a few of its answers get the right verdicts; all of them do on a GPU, in
tests/gpu/problems.sh. examples/kernelbench takes folders of such problems.
"""

import importlib.util
import json
import pathlib
import subprocess
import sys

import pytest

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "problems"), str(TESTS / "gpu")]

import problem_set  # noqa: E402
import problems as harness  # noqa: E402

LEAST_PROBLEMS = 42
LEAST_ANSWERS_OF_A_TYPE = 16  # right and wrong together
# A family each; every one is sent right and with its first mistake.
SAMPLE = [
    ("level1/20_group_norm", "torch"), ("level1/31_argmax", "torch"), ("level2/2_conv_relu_bias", "torch"),
    ("level1/43_masked_cumsum", "multi_kernel"), ("level1/24_l2_norm", "triton"),
]  # fmt: skip
KERNELBENCH = TESTS.parent / "examples" / "kernelbench"
SOURCE = "def f(x):\n    return x + 1\n    #wrong two: return x + 2\n    #wrong three: y = x + 3; return y\n"


def test_every_problem_has_right_and_wrong_answers_in_two_types():
    assert len(problem_set.problems()) >= LEAST_PROBLEMS
    of_type = {}
    for problem, source in problem_set.problems().items():
        assert all(name in source for name in ("class Model(nn.Module)", "def get_inputs", "def get_init_inputs")), problem
        answers = problem_set.answers(problem)
        types = {answer.kernel_type for answer in answers}
        assert len(types) >= 2, problem
        for kernel_type in types:
            own = [answer for answer in answers if answer.kernel_type == kernel_type]
            assert [answer.mistake for answer in own].count(None) == 1, problem
            assert len({answer.source for answer in own}) == len(own) >= 2, f"{problem} {kernel_type}"
            assert not any(" wrong" in answer.source or "#wrong" in answer.source for answer in own), problem
            assert own[0].io or kernel_type in ("torch", "torch_cuda"), f"{problem} {kernel_type} has no contract"
            of_type[kernel_type] = of_type.get(kernel_type, 0) + len(own)
    assert set(of_type) == set(problem_set.ENDINGS.values()) and min(of_type.values()) >= LEAST_ANSWERS_OF_A_TYPE, of_type


def test_no_file_is_left_out():
    answers = {path.name.split(".")[0] for path in (problem_set.FOLDER / "answers").rglob("*.*")}
    assert answers == {name.partition("/")[2] for name in problem_set.problems()}


def test_a_mistake_takes_the_place_of_the_line_above():
    assert problem_set.mistakes(SOURCE) == ["two", "three"]
    assert problem_set.variant(SOURCE, None) == "def f(x):\n    return x + 1\n"
    assert problem_set.variant(SOURCE, "two") == "def f(x):\n    return x + 2\n"
    assert problem_set.variant(SOURCE, "three") == "def f(x):\n    y = x + 3; return y\n"


def test_a_contract_is_read_whole():
    io = problem_set.contract("// io: a[2,3] t:int64[] -> b[4] | n=3 e=1e-5 B:=64 | grid 2,1 block 8 warps 4\n", "here")
    tensor = lambda name, role, shape, dtype: {  # noqa: E731
        "name": name, "type": "tensor", "role": role, "tensor_spec": {"shape": shape, "dtype": dtype}}  # fmt: skip
    assert io["args"] == [
        tensor("a", "input", [2, 3], "float32"), tensor("t", "input", [], "int64"), tensor("b", "output", [4], "float32"),
        {"name": "n", "type": "int", "value": 3}, {"name": "e", "type": "float", "value": 1e-5},
        {"name": "B", "type": "int", "value": 64, "is_meta": True},
    ]  # fmt: skip
    assert io["launch"] == {"grid": {"x": 2, "y": 1}, "block": {"x": 8}, "num_warps": 4}
    with pytest.raises(ValueError, match="no tensor"):
        problem_set.contract("# io: a[2 -> b[2]", "here")


def test_verdicts_of_a_sample(assay):
    chosen = []
    for problem, kernel_type in SAMPLE:
        own = [answer for answer in problem_set.answers(problem) if answer.kernel_type == kernel_type]
        chosen += own[:2]
    results = harness.evaluate(assay, chosen, [], seconds=0, at_once=3)
    assert [sent.line() for sent in results if not sent.passed] == []
    assert len(results) == 2 * len(SAMPLE)


@pytest.fixture(scope="module")
def evaluate():
    spec = importlib.util.spec_from_file_location("evaluate", KERNELBENCH / "evaluate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make_files(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def test_problem_folders_of_every_form(evaluate, tmp_path):
    make_files(tmp_path, "KernelBench/level1/10_Ten.py", "KernelBench/level1/2_Two_.py", "KernelBench/level2/1_One.py",
               "KernelBench/level1/notes.txt", "KernelBench/level1/__init__.py", "scripts/1_no_problem.py")  # fmt: skip
    named = lambda folder: [str(problem) for problem in evaluate.problems_in(folder)]  # noqa: E731
    every = ["level1/2_Two_", "level1/10_Ten", "level2/1_One"]
    assert named(tmp_path) == named(tmp_path / "KernelBench") == every
    assert named(tmp_path / "KernelBench" / "level1") == every[:2]
    assert named(tmp_path / "scripts") == ["1_no_problem"]


def test_answers_are_paired_by_number_or_name(evaluate, tmp_path):
    make_files(tmp_path / "problems", "level1/3_Three.py", "level2/3_Other.py")
    make_files(tmp_path / "answers", "level_1_problem_3_sample_0_kernel.py", "level_1_problem_3_sample_1_kernel.py",
               "level_2_problem_3_sample_0_kernel.py", "level_1_problem_33_sample_0_kernel.py", "level2/3_Other.py",
               "level2/3_Three.py")  # fmt: skip
    one, other = evaluate.problems_in(tmp_path / "problems")
    labels = lambda problem: [label for label, _ in evaluate.answers_to(problem, tmp_path / "answers")]  # noqa: E731
    assert labels(one) == ["sample 0", "sample 1"]
    assert sorted(labels(other)) == ["answer", "sample 0"]


@pytest.mark.parametrize("source, kernel_type", [
    ("import torch\nx = 'import triton'\n", "torch"), ("import triton\n", "triton"),
    ("def f():\n    import triton.language as tl\n", "triton"),
    ("import triton\nfrom torch.utils.cpp_extension import load_inline\n", "torch_cuda"),
])  # fmt: skip
def test_the_kernel_type_is_read_off_the_imports(evaluate, source, kernel_type):
    assert evaluate.detected_type(source) == kernel_type


def test_the_kernelbench_example(assay, tmp_path):
    output = tmp_path / "results.jsonl"
    ran = subprocess.run(
        [sys.executable, str(KERNELBENCH / "evaluate.py"), str(KERNELBENCH / "problems"), "--answers", str(KERNELBENCH / "answers"),
         "--server", f"http://127.0.0.1:{assay.port}", "--trials", "20", "--output", str(output)],
        capture_output=True, text=True, timeout=170)  # fmt: skip
    print(ran.stdout, ran.stderr)
    assert ran.returncode == 0
    right, wrong = map(json.loads, output.read_text().splitlines())
    assert (right["kernel_type"], right["verdict"]) == ("triton", "correct")
    assert (wrong["kernel_type"], wrong["verdict"]) == ("torch", "incorrect") and wrong["summary"]
    assert "1 of 2 correct" in ran.stdout and "WRONG" in ran.stdout


def test_a_server_that_is_not_there_is_said(tmp_path):
    ran = subprocess.run(
        [sys.executable, str(KERNELBENCH / "evaluate.py"), str(KERNELBENCH / "problems"), "--server", "http://127.0.0.1:1",
         "--output", str(tmp_path / "results.jsonl")], capture_output=True, text=True, timeout=60)  # fmt: skip
    assert ran.returncode == 1 and "./dev serve" in ran.stderr
