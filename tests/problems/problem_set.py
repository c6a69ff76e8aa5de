# SPDX-License-Identifier: Apache-2.0
"""The problems of this folder and their answers, as README.md says how they are written down."""

import pathlib
import re

FOLDER = pathlib.Path(__file__).resolve().parent
LEVELS = ("level1", "level2")
ENDINGS = {".torch.py": "torch", ".torch_cuda.py": "torch_cuda", ".triton.py": "triton", ".multi_kernel.py": "multi_kernel",
           ".cuda.cu": "cuda"}  # fmt: skip
ENTRY_POINT = "run"  # of every multi_kernel answer
MISTAKE = re.compile(r"^\s*(?:#|//)wrong (\w+):(?: (.*))?$")
CONTRACT = re.compile(r"^(?:#|//) io: (.*)$", re.MULTILINE)
TENSOR = re.compile(r"(\w+)(?::(\w+))?\[([\d,]*)\]$")
# Mistakes that Triton's interpreter, which computes in full precision, does not make.
ONLY_ON_A_GPU = "gpu_"


class Answer:
    """One source to send.

    problem   "level1/12_softmax"
    mistake   what is wrong with it, or None
    io        its contract as the server reads it, or None
    """

    def __init__(self, problem, kernel_type, mistake, source, io):
        self.problem, self.kernel_type, self.mistake, self.source, self.io = problem, kernel_type, mistake, source, io
        self.name = f"{problem} {kernel_type} {mistake or 'right'}"

    @property
    def verdict(self):
        return "incorrect" if self.mistake else "correct"

    @property
    def only_on_a_gpu(self):
        return (self.mistake or "").startswith(ONLY_ON_A_GPU)

    def kernel(self):
        """The KernelCode object of REST."""
        code = {"source_code": self.source, "kernel_type": self.kernel_type}
        if self.io:
            code["io"] = self.io
        if self.kernel_type == "multi_kernel":
            code["metadata"] = {"entry_point": ENTRY_POINT}
        return code


def problems():
    """name -> source, in the order of levels and numbers."""
    found = {}
    for level in LEVELS:
        for path in sorted((FOLDER / level).glob("*.py"), key=lambda path: int(path.name.partition("_")[0])):
            found[f"{level}/{path.stem}"] = path.read_text()
    return found


def answers(problem):
    """The right answers to a problem and, of each, those with one of its mistakes."""
    level, _, stem = problem.partition("/")
    found = []
    for ending, kernel_type in ENDINGS.items():
        path = FOLDER / "answers" / level / (stem + ending)
        if path.exists():
            text = path.read_text()
            io = contract(text, path)
            for mistake in [None, *mistakes(text)]:
                found.append(Answer(problem, kernel_type, mistake, variant(text, mistake), io))
    return found


def mistakes(text):
    """Names of the mistakes that a source has ready, in order."""
    found = [match.group(1) for match in map(MISTAKE.match, text.splitlines()) if match]
    return list(dict.fromkeys(found))


def variant(text, mistake):
    """The source with one of its mistakes, or with none: a mistake's line takes the place of the code line above it."""
    lines, code_line = [], None
    for line in text.splitlines():
        match = MISTAKE.match(line)
        if not match:
            code_line = len(lines)
            lines.append(line)
        elif match.group(1) == mistake:
            indentation = lines[code_line][: len(lines[code_line]) - len(lines[code_line].lstrip())]
            lines[code_line] = indentation + (match.group(2) or "")
    return "\n".join(lines) + "\n"


def contract(text, path):
    """Reads "io: a[3,4] b:int64[3] -> out[3] | n=3 epsilon=1e-5 BLOCK:=64 | grid 2,1 block 64 warps 4"."""
    found = CONTRACT.search(text)
    if found is None:
        return None
    tensors, *rest = found.group(1).split("|")
    inputs, _, outputs = tensors.partition("->")
    arguments = [_tensor(word, "input", path) for word in inputs.split()]
    arguments += [_tensor(word, "output", path) for word in outputs.split()]
    words = " ".join(rest).split()
    arguments += [_scalar(word) for word in words if "=" in word]
    io = {"args": arguments}
    options = [word for word in words if "=" not in word]
    if options:
        io["launch"] = {}
    for key, value in zip(options[::2], options[1::2]):
        if key in ("grid", "block"):
            io["launch"][key] = dict(zip("xyz", map(int, value.split(","))))
        else:
            io["launch"][{"warps": "num_warps", "stages": "num_stages"}[key]] = int(value)
    return io


def _tensor(word, role, path):
    found = TENSOR.match(word)
    if not found:
        raise ValueError(f"{path}: '{word}' is no tensor: name[3,4] or name:int64[3,4]")
    name, dtype, sizes = found.groups()
    spec = {"shape": [int(size) for size in sizes.split(",") if size], "dtype": dtype or "float32"}
    return {"name": name, "type": "tensor", "role": role, "tensor_spec": spec}


def _scalar(word):
    name, value = word.split("=")
    kind = "float" if "." in value or "e" in value else "int"
    argument = {"name": name.rstrip(":"), "type": kind, "value": float(value) if kind == "float" else int(value)}
    return {**argument, "is_meta": True} if name.endswith(":") else argument
