# SPDX-License-Identifier: Apache-2.0
"""Compiles one kernel that is written in Python, on the CPU, in a confined process of its own: one request, one answer,
the end (docs/workers.md, executor to compiler). What it answers is read as hostile input.
"""

import json
import os
import threading

from assay_runner import triton_compile
from assay_runner.errors import CONTRACT, PROTOCOL, Fault, fault_from, shortened
from assay_runner.extensions_compiler import compile_extensions
from assay_runner.protocol import Link

MAX_LOG_CHARACTERS = 4_000
MAX_INTERIM_FRAMES = 8
MAX_WHOLE_LOG_CHARACTERS = 128 << 10  # escaped, four bytes each, they still fit a frame


# kernel type -> function(kernel, request, tell) -> Compiled; tell(text) passes on what is known so far
COMPILERS = {
    "torch_cuda": compile_extensions,
    "torch": compile_extensions,  # it may call load_inline, too
    "multi_kernel": compile_extensions,
    "triton": triton_compile.compile_kernel,
}


def main(channel_fd):
    """Serves the front over this descriptor: one request."""
    link = Link(channel_fd)
    received = link.receive()
    if received is None:
        return
    text, descriptors = received
    descriptors.close()
    teller = Teller(link)
    answer, memfd = _answer(text, teller.tell)
    teller.end()
    link.send(answer, [] if memfd is None else [memfd])


class Teller:
    """Sends what is known so far, from any thread, until the answer."""

    def __init__(self, link):
        self._link, self._lock, self._left = link, threading.Lock(), MAX_INTERIM_FRAMES

    def tell(self, text):
        with self._lock:
            if self._left > 0:
                self._left -= 1
                self._link.send({"so_far": shortened(text, MAX_LOG_CHARACTERS)})

    def end(self):
        with self._lock:
            self._left = 0


def _answer(text, tell):
    try:
        request = json.loads(text)
        kernel = request["kernel"]
        compile_kernel = COMPILERS.get(kernel["kernel_type"])
        if compile_kernel is None:
            raise Fault(CONTRACT, f"kernels of type {kernel['kernel_type']!r:.80} are not compiled in Python")
        return _success(compile_kernel(kernel, request, tell))
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
