# SPDX-License-Identifier: Apache-2.0
"""A judge for tests: forks a runner (or starts a program) at the other end of a socketpair and speaks its protocol."""

import contextlib
import ctypes
import json
import mmap
import os
import signal
import socket
import struct
import sys
import time

# As the zygote: runners are forks of the test.
os.environ.update({"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1",
                   "PYTORCH_NVML_BASED_CUDA_CHECK": "1"})
BUILD_DIR = os.environ.get("ASSAY_BUILD_DIR", "build/dev")
PYTHON_DIR = os.path.join(BUILD_DIR, "python")
sys.path.insert(0, PYTHON_DIR)

import torch  # noqa: E402

import _assay_native as native  # noqa: E402
from assay_runner import values  # noqa: E402

MAGIC, VERSION, PAGE_BYTES = 0x41535059, 1, 65536
RELEASE, DONE, STATUS, ABORT, SLOTS = 8, 12, 16, 20, 64
ANSWER_SECONDS = 60.0
FUTEX_WAKE, SYS_FUTEX = 1, 202
_libc = ctypes.CDLL(None, use_errno=True)


class Page:
    """The judge's side of a control page."""

    def __init__(self, magic=MAGIC):
        self.fd = native.create_memory("control", PAGE_BYTES)
        self._map = mmap.mmap(self.fd, PAGE_BYTES)
        struct.pack_into("<II", self._map, 0, magic, VERSION)
        self._address = ctypes.addressof(ctypes.c_char.from_buffer(self._map))

    def read(self, offset):
        return struct.unpack_from("<I", self._map, offset)[0]

    def write(self, offset, value):
        struct.pack_into("<I", self._map, offset, value)
        _libc.syscall(SYS_FUTEX, ctypes.c_void_p(self._address + offset), FUTEX_WAKE, 1 << 30, None, None, 0)

    def release(self, window, slots):
        for slot in slots:
            self.write(SLOTS + 4 * slot, window)
        self.write(RELEASE, window)

    def wait_done(self, window, seconds=ANSWER_SECONDS):
        deadline = time.monotonic() + seconds
        while self.read(DONE) != window:
            assert time.monotonic() < deadline, "the window never ended"
            time.sleep(0.001)


class Arena:
    """Memory of the judge's, with tensors laid over it."""

    def __init__(self, size):
        self.bytes = max(size, 1)
        self.fd = native.create_memory("arena", self.bytes)
        self._memory = native.Memory.map_shared(self.fd, self.bytes)

    def tensor(self, offset, dtype, shape):
        return torch.from_dlpack(self._memory.tensor(offset, dtype, list(shape)))


class Layout:
    """Places tensors in an arena, slot after slot: gives bindings and the judge's own view of them."""

    def __init__(self, slots):
        self.slots = slots
        self._ends = {"input": 0, "output": 0}
        self._bindings = []

    def place(self, role, dtype, shape, arena=None):
        arena = arena or ("input" if role == "input" else "output")
        count = 1
        for size in shape:
            count *= size
        stride = -(-(count * values.ITEM_BYTES[dtype]) // 256) * 256
        binding = {"kind": "tensor", "role": role, "dtype": dtype, "shape": list(shape), "arena": arena,
                   "offset": self._ends[arena], "stride": stride}
        self._ends[arena] += stride * self.slots
        return binding

    def like(self, tensor, role="input", arena=None):
        return self.place(role, values.DTYPE_NAMES[tensor.dtype], tensor.shape, arena)

    def arenas(self, kind):
        return {name: kind(size) for name, size in self._ends.items()}


def scalar(value):
    kind = {bool: "bool", int: "int", float: "float", str: "str"}[type(value)]
    return {"kind": kind, "value": values.encode_float(value) if kind == "float" else value}


class Judge:
    """One runner and the judge's end of its channel."""

    device, arena_kind = "cpu", Arena

    def __init__(self, fork_child):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self.pid = fork_child(theirs, ours)
        theirs.close()
        self._channel = native.Channel(ours.detach())
        self.page, self.arenas, self.window = None, None, 0

    def send(self, request, descriptors=()):
        self._channel.send(json.dumps(request).encode(), list(descriptors), 10.0)

    def send_bytes(self, text):
        self._channel.send(text, [], 10.0)

    def receive(self):
        """(answer, descriptors), or None when the runner closed."""
        frame = self._channel.receive(4 << 20, ANSWER_SECONDS)
        return None if frame is None else (json.loads(frame[0]), frame[1])

    def ask(self, op, descriptors=(), **fields):
        self.send({"op": op, **fields}, descriptors)
        frame = self.receive()
        assert frame is not None, f"the runner ended at {op}"
        answer, received = frame
        self.memfd = received[0] if received else None
        return answer

    def error(self, op, descriptors=(), **fields):
        answer = self.ask(op, descriptors, **fields)
        assert answer["ok"] is False, answer
        return answer["error"]

    def ok(self, op, descriptors=(), **fields):
        answer = self.ask(op, descriptors, **fields)
        assert answer["ok"] is True, answer
        return answer

    def prepare(self):
        return self.ok("prepare", device={"kind": self.device, "index": 0, "uuid": ""})

    def load(self, source, role="candidate", seed=7, init_inputs=None, descriptors=(), ask=None, **metadata):
        kernel = {"source_code": source, "kernel_type": metadata.pop("kernel_type", "torch"), "metadata": metadata}
        return (ask or self.ok)("load", descriptors, role=role, kernel=kernel, seed=seed, init_inputs=init_inputs)

    def bind(self, layout, arguments, outputs, ask=None, page=None):
        self.arenas = layout.arenas(self.arena_kind)
        self.page = page or Page()
        fds = [self.page.fd] + [arena.fd for arena in self.arenas.values()]
        return (ask or self.ok)(
            "bind", fds, slots=layout.slots, arguments=arguments, outputs=outputs,
            input_bytes=self.arenas["input"].bytes, output_bytes=self.arenas["output"].bytes)

    def view(self, binding, slot=0):
        offset = binding["offset"] + slot * binding["stride"]
        return self.arenas[binding["arena"]].tensor(offset, binding["dtype"], binding["shape"])

    def run_pass(self, slots, kind="check", mode="stream", warmup=0, before_release=None, **fields):
        """Both frames of a pass; the second alone where it failed before it was ready."""
        self.window += 1
        ready = self.ask("pass", kind=kind, window=self.window, slots=slots, mode=mode, warmup=warmup,
                         tf32=False, **fields)
        if not ready["ok"]:
            return None, ready
        if before_release:
            before_release()
        self.page.release(self.window, slots)
        self.page.wait_done(self.window)
        return ready, self.receive()[0]

    def call_once(self, inputs, output_like=None, scalars=()):
        """Binds these tensors, probes, and runs a check pass over one slot: the outputs as the judge sees them."""
        layout = Layout(1)
        arguments = [layout.like(tensor) for tensor in inputs] + [scalar(value) for value in scalars]
        self.bind(layout, arguments, None)
        self.fill(arguments, inputs)
        probed = self.ok("probe", slot=0)["outputs"]
        outputs = [layout.place("output", output["dtype"], output["shape"]) for output in probed]
        self.bind(layout, arguments, outputs)
        self.fill(arguments, inputs)
        _, answer = self.run_pass([0])
        assert answer["ok"], answer
        return [self.view(output).clone() for output in outputs], probed

    def fill(self, arguments, inputs, slot=0):
        for binding, tensor in zip(arguments, inputs):
            if binding["kind"] == "tensor" and tensor.numel() > 0:
                self.view(binding, slot).copy_(tensor)

    def exit_status(self):
        """What the runner ended with, after its channel is closed."""
        self._channel.close()
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def kill(self):
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


def fork_runner(theirs, ours):
    """A runner in a fork of the test; its standard output and error go to files, as under a keeper."""
    pid = os.fork()
    if pid != 0:
        return pid
    status = 70
    try:
        ours.close()
        quiet = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(quiet, number)
        from assay_runner import runner

        runner.main(theirs.detach())
        status = 0
    finally:
        os._exit(status)


@contextlib.contextmanager
def judge(kind=Judge, fork_child=fork_runner, prepared=True):
    made = kind(fork_child)
    try:
        if prepared:
            made.prepare()
        yield made
    finally:
        made.kill()
