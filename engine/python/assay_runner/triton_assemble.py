# SPDX-License-Identifier: Apache-2.0
"""From what Triton made of a submission, in the child where the submission ran, to the artifact: checked, and assembled
here. Registers and spills are then ptxas's words about the cubin that is launched, and nobody else's.
"""

import contextlib
import io
import re

from assay_runner import extensions_log, split_objects, triton_environment
from assay_runner.compiled import Compiled
from assay_runner.errors import EXCEPTION, Fault, fault_from
from assay_runner.submitted_child import misled

# Bytes that a block may have at most, by compute capability (CUDA C++ Programming Guide, technical specifications).
MAX_SHARED_BYTES = {
    70: 98304, 75: 65536, 80: 166912, 86: 101376, 87: 166912, 89: 101376, 90: 232448, 100: 232448, 103: 232448,
    120: 101376, 121: 101376,
}  # fmt: skip
MAX_WARPS = 32
MAX_SCRATCH_BYTES = 1 << 40
MAX_ALIGNMENT = 1 << 12
MAX_SAID_CHARACTERS = 1 << 20
SCRATCHES = 2  # global and profile
NAME = re.compile(r"[A-Za-z_$%][\w$]{0,4000}")
PTXAS_LINE = re.compile(r"^(ptxas info|    \d+ bytes stack frame)")


def assembled(plan, contract, architecture, tool):
    """A Compiled of tier "device". plan, as the child tells it:

    name, ptx, parameters [position in the contract], warps, shared (bytes), scratch [[bytes, alignment] x 2],
    fuse (multiplications with additions), said (what was printed)
    """
    if not _is_plan(plan, len(contract["args"])):
        raise misled()
    name, shared = plan["name"], plan["shared"]
    _demand_shared_memory(shared, architecture)
    cubin, said = _cubin(plan["ptx"], plan["fuse"], architecture)
    kernels = [kernel for kernel in extensions_log.resources(said) if kernel["kernel_name"] == name]
    if len(kernels) != 1:
        raise misled()
    launch = {
        "parameters": plan["parameters"],
        "block": {"x": triton_environment.WARP_SIZE * plan["warps"], "y": 1, "z": 1},
        "shared_mem": shared,
        # Appended to every kernel's parameters; the bytes are per block of the grid.
        "scratch": [{"bytes": size, "alignment": alignment} for size, alignment in plan["scratch"]],
    }
    kernels[0]["shared_dynamic_bytes"] = shared
    split_objects.add_constant_bytes(kernels, cubin)
    lines = [*plan["said"].splitlines(), *said.splitlines()]
    log = "\n".join(line for line in lines if line and not PTXAS_LINE.match(line))
    return Compiled(tool, "device", name, launch, cubin, kernels, log)


def _is_plan(plan, arguments):
    return (
        isinstance(plan.get("name"), str)
        and NAME.fullmatch(plan["name"]) is not None
        and isinstance(plan.get("ptx"), str)
        and isinstance(plan.get("said"), str)
        and len(plan["said"]) <= MAX_SAID_CHARACTERS
        and isinstance(plan.get("fuse"), bool)
        and isinstance(plan.get("parameters"), list)
        and all(_is_count(position, arguments - 1) for position in plan["parameters"])
        and len(set(plan["parameters"])) == len(plan["parameters"])
        and plan.get("warps") in (1, 2, 4, 8, 16, MAX_WARPS)
        and _is_count(plan.get("shared"), max(MAX_SHARED_BYTES.values()) * 64)  # too much is told in words
        and isinstance(plan.get("scratch"), list)
        and len(plan["scratch"]) == SCRATCHES
        and all(_is_scratch(scratch) for scratch in plan["scratch"])
    )


def _is_scratch(scratch):
    return (
        isinstance(scratch, list)
        and len(scratch) == 2
        and _is_count(scratch[0], MAX_SCRATCH_BYTES)
        and _is_count(scratch[1], MAX_ALIGNMENT)
        and scratch[1] & (scratch[1] - 1) == 0
    )


def _is_count(value, most):
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def _demand_shared_memory(shared, architecture):
    from triton.runtime.errors import OutOfResources

    limit = MAX_SHARED_BYTES.get(architecture)
    if limit is not None and shared > limit:
        raise Fault(EXCEPTION, str(OutOfResources(shared, limit, "shared memory")), "OutOfResources")


def _cubin(ptx, fuse, architecture):
    """(the cubin, what ptxas said)."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler.compiler import make_backend

    triton.knobs.nvidia.dump_ptxas_log = True  # registers and spills are only said there
    backend = make_backend(GPUTarget("cuda", architecture, triton_environment.WARP_SIZE))
    options = backend.parse_options({"enable_fp_fusion": fuse})
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            return backend.make_cubin(ptx, {}, options, architecture), said.getvalue()
    except BaseException as exception:
        raise fault_from(exception, EXCEPTION) from None
