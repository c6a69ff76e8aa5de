# SPDX-License-Identifier: Apache-2.0
"""The request loop: one submission, step by step, as the judge asks.

States: FORKED (nothing done) -> PREPARED (confined, channel open) -> CONTEXT (device ready) -> LOADED (submission
constructed) -> PASS (memory bound, passes may run). A step asked for too early is a protocol error.
"""

import enum
import json
import os

import torch

import _assay_native as native
from assay_runner import cuda_passes, extensions_runtime, loader, passes, weights
from assay_runner.bindings import Bound
from assay_runner.errors import CUDA, EXCEPTION, OUT_OF_MEMORY, PROTOCOL, Fault, fault_from
from assay_runner.protocol import Link
from assay_runner.values import decode_values, encode_values

MAX_CPU_THREADS = 64
ROLES = ("inputs", "reference", "candidate")


class Artifact:
    """What a compiler made of the kernel: `launch` as it was answered, and its bytes."""

    def __init__(self, launch, fd):
        self.launch = launch
        self.bytes = os.pread(fd, os.fstat(fd).st_size, 0)


class State(enum.IntEnum):
    FORKED = 0
    PREPARED = 1
    CONTEXT = 2
    LOADED = 3
    PASS = 4


class Runner:
    """One runner's life. `answer` never raises; what the submission raises is reported."""

    def __init__(self, link):
        self._link = link
        self._state = State.FORKED
        self._device = None  # "cpu" or "cuda:0"
        self._role = None
        self._loaded = None
        self._bound = None
        # op -> (state needed, handler)
        self._steps = {
            "prepare": (State.PREPARED, self._prepare),
            "load": (State.CONTEXT, self._load),
            "init_inputs": (State.LOADED, self._init_inputs),
            "draw": (State.LOADED, self._draw),
            "get_weights": (State.LOADED, self._get_weights),
            "set_weights": (State.LOADED, self._set_weights),
            "bind": (State.LOADED, self._bind),
            "probe": (State.PASS, self._probe),
            "pass": (State.PASS, self._pass),
        }

    def serve(self):
        """Until `exit` or the end of the channel."""
        self._state = State.PREPARED
        while True:
            received = self._link.receive()
            if received is None:
                return
            text, descriptors = received
            try:
                request = _parsed(text)
                if request is not None and request.get("op") == "exit":
                    return
                answer, memfd = self.answer(request, descriptors)
                try:
                    self._link.send(answer, [] if memfd is None else [memfd])
                finally:
                    if memfd is not None:
                        os.close(memfd)
            finally:
                descriptors.close()

    def answer(self, request, descriptors):
        """(last frame of the answer, memfd or None)."""
        answer, memfd = self._answer(request, descriptors)
        missing = extensions_runtime.missing()
        if missing is None:
            return answer, memfd
        if memfd is not None:
            os.close(memfd)
        return missing.answer(), None

    def _answer(self, request, descriptors):
        try:
            if request is None:
                raise Fault(PROTOCOL, "a request must be a JSON object")
            needed, step = self._steps.get(request.get("op"), (None, None))
            if step is None:
                raise Fault(PROTOCOL, f"unknown op {request.get('op')!r:.80}")
            if self._state < needed:
                raise Fault(
                    PROTOCOL,
                    f"{request['op']} needs the state {needed.name.lower()}, this runner is {self._state.name.lower()}",
                )
            return step(request, descriptors)
        except Fault as fault:
            return fault.answer(), None
        except native.Error as error:
            return self._native_fault(error).answer(), None
        except BaseException as exception:
            # Our own reading of a request failed, or submitted code raised where none was expected.
            return fault_from(exception, PROTOCOL).answer(), None

    def _native_fault(self, error):
        code, message = error.args
        if code == "protocol_violation":
            return Fault(PROTOCOL, message)
        kind = OUT_OF_MEMORY if "OUT_OF_MEMORY" in message else CUDA
        return Fault(kind if self._device != "cpu" else EXCEPTION, message, message.split(":")[0])

    def _prepare(self, request, _):
        device = request.get("device") or {}
        kind = device.get("kind")
        if kind not in ("cpu", "cuda"):
            raise Fault(PROTOCOL, f"unknown kind of device {kind!r:.80}")
        name = "cpu" if kind == "cpu" else "cuda:0"  # the only one that it can see then
        if self._device not in (None, name):
            raise Fault(PROTOCOL, f"this runner is prepared for {self._device}")
        if self._device is None:
            if kind == "cpu":
                torch.set_num_threads(_cpu_threads(request))
            else:
                _open_context(name, device.get("uuid"))
            self._device = name
        self._state = max(self._state, State.CONTEXT)
        return {"ok": True, "tier": "host", "state": "context"}, None

    def _load(self, request, descriptors):
        if self._loaded is not None:
            raise Fault(PROTOCOL, "this runner has loaded its kernel")
        role = request.get("role")
        if role not in ROLES:
            raise Fault(PROTOCOL, f"unknown role {role!r:.80}")
        fds = [descriptors[i] for i in range(len(descriptors))]
        launch = request.get("launch")
        artifact = None if launch is None or not fds else Artifact(launch, fds.pop())
        nodes = request.get("init_inputs")
        init_inputs = None
        if nodes is not None:
            init_inputs = decode_values(nodes, fds[0] if fds else None)
        kernel = request.get("kernel") or {}
        self._loaded = loader.load(kernel, role, _seed(request), init_inputs, self._device, artifact)
        self._role = role
        self._state = State.LOADED
        return {
            "ok": True,
            "takes_get_inputs": self._loaded.function("get_inputs") is not None,
            "has_weights": bool(weights.state_of(self._loaded.instance)),
            "interpreted": self._loaded.interpreted,
        }, None

    def _init_inputs(self, request, _):
        self._demand_role("inputs")
        values = self._loaded.init_inputs(_seed(request))
        nodes, memfd = encode_values(values, "get_init_inputs()")
        return {"ok": True, "values": nodes}, memfd

    def _draw(self, request, _):
        self._demand_role("inputs")
        begin = passes.time.perf_counter_ns()
        values = self._loaded.inputs(_seed(request))
        passes.synchronize(self._device)
        elapsed = passes.time.perf_counter_ns() - begin
        nodes, memfd = encode_values(values, "get_inputs()")
        return {"ok": True, "values": nodes, "elapsed_ns": elapsed}, memfd

    def _get_weights(self, _, __):
        nodes, memfd, skipped = weights.get_weights(self._loaded.instance)
        return {"ok": True, "weights": nodes, "skipped": skipped}, memfd

    def _set_weights(self, request, descriptors):
        fd = descriptors[0] if len(descriptors) > 0 else None
        copied, skipped = weights.set_weights(self._loaded.instance, request.get("weights"), fd)
        return {"ok": True, "copied": copied, "skipped": skipped}, None

    def _bind(self, request, descriptors):
        self._demand_callable()
        self._bound = None  # the old arenas go before the new ones come
        self._state = State.LOADED
        self._bound = Bound(self._loaded, request, descriptors, self._device)
        self._state = State.PASS
        return {"ok": True}, None

    def _probe(self, request, _):
        return passes.probe(self._loaded, self._bound, request.get("slot"), self._device), None

    def _pass(self, request, _):
        return passes.run(self._link, self._loaded, self._bound, request, self._device), None

    def _demand_role(self, role):
        if self._role != role:
            raise Fault(PROTOCOL, f"this runner has the role {self._role}, not {role}")

    def _demand_callable(self):
        if self._loaded.call is None:
            raise Fault(PROTOCOL, f"a runner of the role {self._role} is not called")


def _parsed(text):
    try:
        request = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return request if isinstance(request, dict) else None


def _seed(request):
    seed = request.get("seed", 0)
    if type(seed) is not int or not 0 <= seed < 1 << 64:
        raise Fault(PROTOCOL, "seed must be from 0 to 2^64 - 1")
    return seed


def _cpu_threads(request):
    """The policy's number, else one per processor that this process may use."""
    threads = request.get("cpu_threads", len(os.sched_getaffinity(0)))
    if type(threads) is not int or threads < 1:
        raise Fault(PROTOCOL, "cpu_threads must be at least 1")
    return min(threads, MAX_CPU_THREADS)


def _open_context(device, uuid):
    """The context, and all that is set up at first use, so that none of it falls into a later step."""
    if isinstance(uuid, str) and uuid:
        os.environ["CUDA_VISIBLE_DEVICES"] = uuid  # read when the driver starts: now
    try:
        torch.cuda.init()
        torch.empty(1, device=device).fill_(0)
        torch.cuda.synchronize()
    except BaseException as exception:
        fault = fault_from(exception, CUDA)
        if fault.kind == EXCEPTION:
            fault.kind = CUDA
        raise fault from None
    cuda_passes.warm_up(device)


def main(channel_fd):
    """Serves the judge over this descriptor; returns when it is done with this runner."""
    Runner(Link(channel_fd)).serve()
