# SPDX-License-Identifier: Apache-2.0
"""Runs submitted code for a compiler, in a process from which nothing leads back to the compiler.

A compiler's answer is believed because no submitted instruction runs in it. The code that has to be run to know what is
to be compiled runs in a child that holds one pipe, cannot look into the compiler or its descriptors (they share a uid),
and is dead with all that it started before anything is compiled. A warden stands between them: it is the one to whom
processes that the code leaves behind fall, so that it can end them.
"""

import contextlib
import ctypes
import json
import os
import select
import signal
import struct
import tempfile
import time

from assay_runner.errors import CONTRACT, FAULT_KINDS, PROTOCOL, Fault, shortened

PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER = 4, 36
STREAMS = 3  # stdin, stdout, stderr stay open
MOST_DESCRIPTORS = 1 << 20  # numbers above are never given out
END_SECONDS = 5.0  # for the ends of all that was started
END_POLL_SECONDS = 0.002
PIECE_BYTES = 1 << 16


@contextlib.contextmanager
def running(work, folder):
    """Runs work(Writer) in a child; yields the Messages that it writes. folder: for its temporary files.

    When the block is left, the child and everything that it started have ended: a contract Fault where they cannot be
    ended.
    """
    _prctl(PR_SET_DUMPABLE, 0)  # no ptrace, no /proc/PID/fd or mem, no pidfd_getfd for the same uid
    reading, writing = os.pipe()
    stop_reading, stop_writing = os.pipe()
    warden = os.fork()
    if warden == 0:
        _watch_over(work, folder, writing, stop_reading)
    os.close(writing)
    os.close(stop_reading)
    try:
        yield Messages(reading)
    finally:
        os.close(reading)
        os.close(stop_writing)
        _, status = os.waitpid(warden, 0)
        if status != 0:
            raise Fault(CONTRACT, "the source starts processes that cannot be ended")


class Writer:
    """The child's end: frames of JSON."""

    def __init__(self, fd):
        self._fd = fd
        self._process = os.getpid()

    def write(self, message):
        if os.getpid() != self._process:
            return  # a fork of the submission's own
        text = json.dumps(message).encode()
        data = memoryview(struct.pack("<I", len(text)) + text)
        while data:
            data = data[os.write(self._fd, data) :]


class Messages:
    """The compiler's end. Anything may have written them: they are objects of JSON, and no more is known."""

    def __init__(self, fd):
        self._fd = fd

    def read(self, seconds, most_bytes):
        """Yields them until the child ends, `seconds` have passed or `most_bytes` have come."""
        data, total, deadline = bytearray(), 0, time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._fd], [], [], left)[0]:
                return
            piece = os.read(self._fd, PIECE_BYTES)
            total += len(piece)
            if not piece or total > most_bytes:
                return
            data += piece
            while len(data) >= 4:
                (length,) = struct.unpack_from("<I", data)
                if len(data) < 4 + length:
                    break
                yield _object(bytes(data[4 : 4 + length]))
                del data[: 4 + length]


def told(fault):
    """A Fault as it travels, or None."""
    return None if fault is None else [fault.kind, fault.message, fault.type_name, fault.traceback_text]


def fault_of(message):
    """What `told` made, as far as it makes sense, or None."""
    if message is None:
        return None
    strings = isinstance(message, list) and len(message) == 4 and all(isinstance(text, str) for text in message)
    if not strings or message[0] not in FAULT_KINDS:
        raise misled()
    return Fault(message[0], *(shortened(text) for text in message[1:]))


def misled():
    return Fault(PROTOCOL, "the source wrote what only the compiler writes")


def _object(text):
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise misled()
    return message


def _watch_over(work, folder, writing, stop):
    """The warden's life: it waits for the child's end or the compiler's word, and ends what is left."""
    status = 1
    try:
        _keep_only(writing, stop)
        _prctl(PR_SET_CHILD_SUBREAPER, 1)
        child = os.fork()
        if child == 0:
            _submitted(work, folder, writing, stop)
        os.close(writing)
        ended = os.pidfd_open(child)
        select.select([ended, stop], [], [])
        status = 0 if _end_all(child) else 1
    finally:
        os._exit(status)


def _submitted(work, folder, writing, stop):
    status = 1
    try:
        os.close(stop)
        _prctl(PR_SET_DUMPABLE, 1)  # it may look into itself
        os.environ["TMPDIR"] = tempfile.tempdir = folder
        work(Writer(writing))
        status = 0
    finally:
        os._exit(status)


def _keep_only(*kept):
    """Closes every other descriptor: among them is the channel, over which a compiler answers."""
    low = STREAMS
    for fd in sorted(kept):
        os.closerange(low, fd)
        low = fd + 1
    os.closerange(low, MOST_DESCRIPTORS)


def _end_all(child):
    """Whether every descendant has ended. Those whose parents die become the warden's own."""
    deadline = time.monotonic() + END_SECONDS
    while time.monotonic() < deadline:
        for pid in _children() or [child]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0] != 0:
                pass
        except ChildProcessError:
            return True
        time.sleep(END_POLL_SECONDS)
    return False


def _children():
    own, found = os.getpid(), []
    try:
        names = os.listdir("/proc")
    except OSError:  # not shown here: the child itself is known
        return []
    for name in names:
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
                parent = file.read().rpartition(")")[2].split()[1]
        except (OSError, IndexError):  # it has ended
            continue
        if parent == str(own):
            found.append(int(name))
    return found


def _prctl(option, value):
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option})")
