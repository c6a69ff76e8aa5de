# SPDX-License-Identifier: Apache-2.0
"""Whether two ways of building a source stumble over the same mistake of its own: then no further way need be tried, and
its author need not wait for it.
"""

import re

_GCC = re.compile(r"^(?P<file>[^:\n]+):(?P<line>\d+):\d+: (?:fatal )?error: (?P<message>.*)$", re.MULTILINE)
_EDG = re.compile(r"^(?P<file>[^(\n]+)\((?P<line>\d+)\): (?:catastrophic )?error(?: #\S+)?: (?P<message>.*)$", re.MULTILINE)
_QUOTED = re.compile(r"[‘'\"“]([^‘’'\"“”]+)[’'\"”]")
# What may be missing in our headers only: the quicker ways hold a part of torch's.
_OURS = re.compile(r"torch|at::|c10|caffe2|pybind|py::|\bPy|THP|AT_|TORCH_|C10_|CUDA_|No such file|could not open|incomplete|"
                   r"has no member|not a member of|namespace|thrust|cub::")  # fmt: skip


class Error:
    """A compiler's first. file, line: None where they are not the source's own."""

    def __init__(self, file, line, message):
        self.file, self.line, self.message = file, line, message


def first_error(output):
    """Of a compiler's output, or None."""
    found = [match for match in (_GCC.search(output), _EDG.search(output)) if match]
    if not found:
        return None
    first = min(found, key=lambda match: match.start())
    return Error(first["file"], int(first["line"]), first["message"])


def place_of(parts, line):
    """(name of the part, its line) of a line of all parts' text."""
    for part in parts:
        lines = part["text"].count("\n") + 1
        if line <= lines:
            return part["name"], line
        line -= lines
    return None, None


def same_mistake(one, other, sources):
    """Whether both are surely of the source itself. sources: names of its parts; `one` lies in one of them, `other` there
    too unless its place is not known."""
    if one is None or other is None or one.file not in sources or _OURS.search(one.message):
        return False
    if other.line is not None and (one.file, one.line) != (other.file, other.line):
        return False
    if one.message == other.message:
        return True
    named, other_named = _QUOTED.findall(one.message), _QUOTED.findall(other.message)
    return bool(named) and named[:1] == other_named[:1]
