# SPDX-License-Identifier: Apache-2.0
"""What goes wrong, as the judge reads it: kind, type, message and the submission's own part of the traceback."""

import linecache
import traceback

SUBMISSION_MODULE = "submission"
SUBMISSION_FILE = "<submission>"
MAX_TEXT_CHARACTERS = 12 << 10

SYNTAX, IMPORT, CONTRACT, EXCEPTION = "syntax", "import", "contract", "exception"
CUDA, OUT_OF_MEMORY, PROTOCOL = "cuda", "out_of_memory", "protocol"
EXTENSION = "extension"  # a call of load_inline that nothing was built for
FAULT_KINDS = (SYNTAX, IMPORT, CONTRACT, EXCEPTION, CUDA, OUT_OF_MEMORY, PROTOCOL, EXTENSION)

# How torch words a failure of CUDA or its libraries when it is no AcceleratorError.
CUDA_WORDS = ("CUDA error", "CUDA driver error", "CUBLAS_STATUS", "cuDNN error", "CUDNN_STATUS", "cuFFT error")
CUPY_HINT = "; it is optional on this server, whose operator adds it with 'pip install cupy-cuda13x' in its Python"
OUT_OF_MEMORY_WORDS = ("can't allocate memory", "CUDA out of memory", "not enough memory", "CUDA_ERROR_OUT_OF_MEMORY")


class Fault(Exception):
    """An answer {"ok": false}."""

    def __init__(self, kind, message, type_name="", traceback_text="", call=None):
        super().__init__(message)
        self.call = call  # kind EXTENSION: what is to be built
        self.kind = kind
        self.message = message
        self.type_name = type_name
        self.traceback_text = traceback_text

    def answer(self):
        error = {
            "kind": self.kind,
            "type": shortened(self.type_name, 256),
            "message": shortened(self.message),
            "traceback": shortened(self.traceback_text),
        }
        if self.call is not None:
            error["call"] = self.call
        return {"ok": False, "error": error}


def shortened(text, limit=MAX_TEXT_CHARACTERS):
    """The text's head and tail, encodable as UTF-8."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    if len(text) <= limit:
        return text
    head, tail = limit // 4, limit - limit // 4
    return f"{text[:head]}\n... {len(text) - head - tail} characters left out ...\n{text[-tail:]}"


def register_source(source):
    """Lets tracebacks and `inspect` show the submission's lines."""
    lines = source.splitlines(keepends=True)
    linecache.cache[SUBMISSION_FILE] = (len(source), None, lines, SUBMISSION_FILE)


def fault_from(exception, kind=EXCEPTION):
    """A Fault for whatever the submission raised; `kind` is used where nothing better is known."""
    if isinstance(exception, Fault):
        return exception
    message = _message(exception)
    name = type(exception).__name__
    if isinstance(exception, ModuleNotFoundError) and exception.name == "cupy":
        message += CUPY_HINT
    return Fault(_kind(exception, name, message, kind), message, name, _own_traceback(exception))


def _message(exception):
    if isinstance(exception, SystemExit):
        return f"the submission asked the process to exit (code {_text(exception.code)})"
    if isinstance(exception, KeyboardInterrupt):
        return "the submission raised KeyboardInterrupt"
    return _text(exception) or type(exception).__name__


def _text(value):
    try:
        return str(value)
    except BaseException:  # a submitted __str__ may do anything
        return "(its text could not be made)"


def _kind(exception, name, message, fallback):
    if isinstance(exception, MemoryError) or name == "OutOfMemoryError":
        return OUT_OF_MEMORY
    if isinstance(exception, RuntimeError):
        if any(word in message for word in OUT_OF_MEMORY_WORDS):
            return OUT_OF_MEMORY
        if name == "AcceleratorError" or any(word in message for word in CUDA_WORDS):
            return CUDA
    return fallback


def _own_traceback(exception):
    """The traceback without frames that are ours or torch's; empty when none is the submission's."""
    try:
        whole = traceback.TracebackException.from_exception(exception, compact=True)
        if not _keep_own_frames(whole) and not isinstance(exception, SyntaxError):
            return ""
        return "".join(whole.format())
    except BaseException:  # formatting calls submitted code
        return ""


def _keep_own_frames(part, depth=0):
    if part is None or depth > 16:
        return 0
    own = [frame for frame in part.stack or () if frame.filename == SUBMISSION_FILE]
    part.stack = traceback.StackSummary.from_list(own) if own else None  # None: no header either
    kept = len(own)
    for linked in (part.__cause__, part.__context__):
        kept += _keep_own_frames(linked, depth + 1)
    return kept
