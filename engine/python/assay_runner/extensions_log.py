# SPDX-License-Identifier: Apache-2.0
"""What nvcc, g++ and ld say, for the one who wrote the source: the first real errors first, paths short, and kernels'
resources as ptxas tells them.
"""

import os
import re

import torch

MAX_CHARACTERS = 4_000
MAX_LINE_CHARACTERS = 400
CONTEXT_LINES = 4  # of source and marks below an error
SITE_PACKAGES = os.path.dirname(os.path.dirname(torch.__file__)) + "/"

_ERROR = re.compile(r"\b(error|fatal error|catastrophic error)\b\s*(#\S+)?:|^ptxas (fatal|error)|^nvlink (fatal|error)"
                    r"|undefined reference|cannot find -l|multiple definition|^nvcc fatal|^g\+\+: |collect2: fatal|"
                    r"error: |internal compiler error|Killed")  # fmt: skip
_OTHER = re.compile(r"\b(warning|note|remark)\b\s*(#\S+)?:|^In file included from|^\s+from |In (member )?function |"
                    r"^ptxas info|^\d+ errors? detected|At global scope|compilation terminated")  # fmt: skip
_NOISE = re.compile(r"^ptxas info|^\s*$|bytes stack frame|^collect2: error: ld returned|^Remark: ")


def cleaned(output, folder, sources=None):
    """Errors, each with the few lines that show it, in their order; the whole output where none is recognised.

    sources: {name: text} of what was submitted: compilers know its lines by number only, and are shown here.
    """
    lines = [_short(line, folder) for line in output.splitlines()]
    kept, left = [], 0
    for line, following in zip(lines, [*lines[1:], ""]):
        if _NOISE.search(line):
            continue
        if _ERROR.search(line):
            left = CONTEXT_LINES
            kept.append(line)
            kept.extend(_quoted(line, following, sources or {}))
        elif _OTHER.search(line):
            left = 0
        elif left > 0:
            left -= 1
            kept.append(line)
    if not kept:
        kept = [line for line in lines if not _NOISE.search(line)]
    return _capped(kept)


def warnings(output, folder):
    """What is left of the output of a compilation that went well."""
    own = [line for line in output.splitlines() if re.search(r"warning.*:", line) and SITE_PACKAGES not in line]
    return _capped([_short(line, folder) for line in own])


def resources(output):
    """KernelResources on the wire, from --resource-usage."""
    kernels = []
    for line in output.splitlines():
        if match := re.search(r"Compiling entry function '([^']+)'", line):
            kernels.append({"kernel_name": match.group(1)})
        if not kernels or "kernel_name" not in kernels[-1]:
            continue
        kernel = kernels[-1]
        if match := re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", line):
            # Functions that are not kernels have a line of their own before "Used": the kernel's comes first.
            for name, value in zip(("stack_bytes", "spill_store_bytes", "spill_load_bytes"), match.groups()):
                kernel.setdefault(name, int(value))
        if match := re.search(r"Used (\d+) registers", line):
            kernel["registers"] = int(match.group(1))
            shared = re.search(r"(\d+) bytes smem", line)
            kernel["shared_static_bytes"] = int(shared.group(1)) if shared else 0
            # What is nought is not printed.
            local = re.search(r"(\d+) bytes cumulative stack size", line)
            kernel["local_bytes"] = int(local.group(1)) if local else 0
    return kernels


def _quoted(line, following, sources):
    match = re.match(r"(.+?)[:(](\d+)[:)]", line)
    lines = sources.get(match.group(1), "").splitlines() if match else []
    number = int(match.group(2)) if match else 0
    if not 1 <= number <= len(lines) or lines[number - 1].strip() == following.strip():
        return []  # nvcc's first stage shows it itself
    return [f"{number:6} | {lines[number - 1]}"[:MAX_LINE_CHARACTERS]]


def _short(line, folder):
    line = line.replace(folder + "/", "").replace(SITE_PACKAGES, "")
    return line if len(line) <= MAX_LINE_CHARACTERS else line[:MAX_LINE_CHARACTERS] + " ..."


def _capped(lines):
    text = "\n".join(lines)
    return text if len(text) <= MAX_CHARACTERS else text[: MAX_CHARACTERS - 4].rsplit("\n", 1)[0] + "\n..."
