# SPDX-License-Identifier: Apache-2.0
"""Whether a recorded call is one that may be built: what told of it ran submitted code, which can write anything."""

import json
import re

from assay_runner.errors import CONTRACT, Fault
from assay_runner.extensions import MAX_CALL_BYTES, Call
from assay_runner.submitted_child import misled

MAX_UNITS = 64
MAX_NAME_BYTES = 200
UNIT_NAME = re.compile(r"[^/\0\n]+")
APIS = ("load_inline", "load")
LISTS = ("cflags", "cuda_cflags", "ldflags", "include_paths")
# Flags with which a compiler or linker runs another program or loads code. Compilers run when nothing submitted does any
# more, so that what they say of a kernel can be believed.
RUNS_CODE = ("-fplugin", "--plugin", "-plugin", "-wrapper", "-specs", "--specs", "-ccbin", "--compiler-bindir", "-B", "@",
             "--options-file", "-optf", "-fuse-ld=/", "-run", "--run", "-fltrans", "--driver")  # fmt: skip
HARMLESS = ("-Bstatic", "-Bdynamic", "-Bsymbolic", "-Bsymbolic-functions", "-Bgroup")  # ld's own
PASSED_ON = re.compile(r"^(-Xcompiler|--compiler-options|-Xlinker|--linker-options)=")


def checked_call(data):
    """The Call; a Fault where data describes none or would run code in a compiler."""
    if not _is_call(data):
        raise misled()
    for field in ("cflags", "cuda_cflags", "ldflags"):
        for flag in data[field]:
            for word in PASSED_ON.sub("", flag).split(","):
                if word.startswith(RUNS_CODE) and word not in HARMLESS:
                    raise Fault(CONTRACT, f"extension '{data['name']}': {flag:.80} makes a compiler run code; leave it out")
    return Call(data)


def _is_call(data):
    return (
        isinstance(data, dict)
        and len(json.dumps(data)) <= MAX_CALL_BYTES
        and isinstance(data.get("name"), str)
        and data["name"].isidentifier()
        and len(data["name"].encode("utf-8", "replace")) <= MAX_NAME_BYTES
        and data.get("api") in APIS
        and all(isinstance(data.get(field), bool) for field in ("with_cuda", "python_module"))
        and all(_are_strings(data.get(field)) for field in LISTS)
        and isinstance(data.get("arch_list"), str)
        and isinstance(data.get("units"), list)
        and 0 < len(data["units"]) <= MAX_UNITS
        and all(_is_unit(unit) for unit in data["units"])
    )


def _is_unit(unit):
    if not isinstance(unit, dict) or not isinstance(unit.get("name"), str) or not isinstance(unit.get("parts"), list):
        return False
    name = unit["name"]
    return (
        UNIT_NAME.fullmatch(name) is not None
        and name not in (".", "..")
        and len(name.encode("utf-8", "replace")) <= MAX_NAME_BYTES
        and all(isinstance(part, dict) and _are_strings([part.get("name"), part.get("text")]) for part in unit["parts"])
    )


def _are_strings(values):
    return isinstance(values, list) and all(isinstance(value, str) for value in values)
