# SPDX-License-Identifier: Apache-2.0
"""Compiles one kernel that is written in Python, on the CPU, in a confined process of its own: one request, one answer,
the end (docs/workers.md, executor to compiler). What it answers is read as hostile input.
"""

import json
import os

from assay_runner.errors import CONTRACT, PROTOCOL, Fault, fault_from, shortened
from assay_runner.protocol import Link

MAX_LOG_CHARACTERS = 4_000
MAX_WHOLE_LOG_CHARACTERS = 128 << 10  # escaped, four bytes each, they still fit a frame


def _triton(kernel, request):
    from assay_runner import triton_compile  # which needs Compiled

    return triton_compile.compile_kernel(kernel, request)


def _torch_cuda(kernel, request):
    """Also the other types whose source may call load_inline."""
    from assay_runner import extensions_compiler

    return extensions_compiler.compile_extensions(kernel, request)


# kernel type -> function(kernel, request) -> Compiled
COMPILERS = {"torch_cuda": _torch_cuda, "torch": _torch_cuda, "multi_kernel": _torch_cuda, "triton": _triton}


class Compiled:
    """What a compiler made.

    tool         "triton 3.6.0"
    tier         "device": `binary` is a cubin that our own C++ launches; "host": the Python runner uses it
    kernel_name  device tier: the symbol to launch; host tier: a name for people
    launch       a JSON object for the runner: what it must know beside the contract
    binary       bytes
    kernels      resources, KernelResources on the wire
    log          warnings, capped
    whole_log    what the compilers said in all; without it, the log
    way          which of several ways of compiling it took, for people
    stages       [{"name", "seconds"}]
    needs_gpu    False: the artifact is of use on a machine without a GPU
    """

    def __init__(
        self, tool, tier, kernel_name, launch, binary, kernels=(), log="", way="", stages=(), needs_gpu=True, whole_log=""
    ):
        self.tool, self.tier, self.kernel_name = tool, tier, kernel_name
        self.launch, self.binary, self.kernels, self.log = launch, binary, list(kernels), log
        self.way, self.stages, self.needs_gpu = way, list(stages), needs_gpu
        self.whole_log = whole_log or log


def main(channel_fd):
    """Serves the front over this descriptor: one request."""
    link = Link(channel_fd)
    received = link.receive()
    if received is None:
        return
    text, descriptors = received
    descriptors.close()
    answer, memfd = _answer(text)
    link.send(answer, [] if memfd is None else [memfd])


def _answer(text):
    try:
        request = json.loads(text)
        kernel = request["kernel"]
        compile_kernel = COMPILERS.get(kernel["kernel_type"])
        if compile_kernel is None:
            raise Fault(CONTRACT, f"kernels of type {kernel['kernel_type']!r:.80} are not compiled in Python")
        return _success(compile_kernel(kernel, request))
    except BaseException as exception:
        fault = fault_from(exception, PROTOCOL)
        text = fault.traceback_text or fault.message
        kind = "contract" if fault.kind == CONTRACT else "compile"
        message = fault.message if kind == "contract" else text
        error = {"kind": kind, "message": shortened(message, MAX_LOG_CHARACTERS)}
        whole = shortened(getattr(fault, "whole_log", "") or text, MAX_WHOLE_LOG_CHARACTERS)
        return {"ok": False, "error": error, "log": shortened(text, MAX_LOG_CHARACTERS), "whole_log": whole}, None


def _success(compiled):
    memfd = os.memfd_create("artifact", os.MFD_CLOEXEC)
    with os.fdopen(os.dup(memfd), "wb") as file:
        file.write(compiled.binary)
    answer = {
        "ok": True,
        "tool": compiled.tool,
        "tier": compiled.tier,
        "kernel_name": compiled.kernel_name,
        "launch": compiled.launch,
        "kernels": compiled.kernels,
        "log": shortened(compiled.log, MAX_LOG_CHARACTERS),
        "whole_log": shortened(compiled.whole_log, MAX_WHOLE_LOG_CHARACTERS),
        "way": compiled.way,
        "stages": compiled.stages,
        "needs_gpu": compiled.needs_gpu,
    }
    return answer, memfd
