# SPDX-License-Identifier: Apache-2.0
"""Calling the submission: once to see what it returns, or once per slot within a window of the judge's.

A pass is: warm-up, the word `ready`, waiting for the release of the window, the calls, `done`, the figures.
Whatever was written before `ready` is the judge's to overwrite.
"""

import gc
import time

import torch

from assay_runner import cuda_passes, triton_host
from assay_runner.bindings import described
from assay_runner.errors import PROTOCOL, Fault, fault_from
from assay_runner.seeds import seed_everything

KINDS = ("check", "time", "profile", "sanitize")
MODES = ("stream", "graph", "events")  # events: the device tier's; a stream here
MAX_WARMUP = 10_000


class Aborted(Fault):
    def __init__(self):
        super().__init__(PROTOCOL, "the judge gave the window up", "Aborted")


class Plan:
    """A checked `pass` request."""

    def __init__(self, request, bound):
        self.kind = request.get("kind")
        self.mode = request.get("mode", "stream")
        self.window = request.get("window")
        self.slots = request.get("slots")
        self.warmup = request.get("warmup", 0)
        self.tf32 = request.get("tf32", False)
        self.seed = request.get("seed")
        if self.kind not in KINDS or self.mode not in MODES:
            raise Fault(PROTOCOL, f"unknown kind {self.kind!r:.80} or mode {self.mode!r:.80} of pass")
        if type(self.window) is not int or not 0 < self.window < 1 << 32:
            raise Fault(PROTOCOL, "window must be from 1 to 2^32 - 1")
        if type(self.warmup) is not int or not 0 <= self.warmup <= MAX_WARMUP:
            raise Fault(PROTOCOL, f"warmup must be from 0 to {MAX_WARMUP}")
        if self.seed is not None and type(self.seed) is not int:
            raise Fault(PROTOCOL, "seed must be an integer")
        if type(self.tf32) is not bool:
            raise Fault(PROTOCOL, "tf32 must be a boolean")
        if not isinstance(self.slots, list) or len(self.slots) > bound.slots:
            raise Fault(PROTOCOL, f"slots must name at most {bound.slots} slots")
        if not all(type(slot) is int and 0 <= slot < bound.slots for slot in self.slots):
            raise Fault(PROTOCOL, f"a slot lies outside 0 to {bound.slots - 1}")
        if not bound.stores:
            raise Fault(PROTOCOL, "bind named no outputs: only a probe is possible")

    def warmup_slots(self, at_least=0):
        if not self.slots:  # an empty window, by which the judge learns what a window costs in itself
            return
        for index in range(max(self.warmup, at_least)):
            yield self.slots[index % len(self.slots)]


def call(loaded, arguments):
    """One call of the submission; whatever it raises becomes a Fault."""
    try:
        with torch.no_grad():
            return loaded.call(*arguments)
    except BaseException as exception:
        raise fault_from(exception) from None


def results_of(bound, returned, slot):
    """The outputs of a call; a lazy output may fail only here."""
    try:
        return bound.results(returned, slot)
    except BaseException as exception:
        raise fault_from(exception) from None


def looked_at(look, returned, slot):
    try:
        return look(returned, slot)
    except BaseException as exception:
        raise fault_from(exception) from None


def store(bound, returned, slot):
    try:
        with torch.no_grad():
            bound.store(returned, slot)
    except BaseException as exception:
        raise fault_from(exception) from None


def synchronize(device):
    if device == "cpu":
        return
    try:
        torch.cuda.synchronize()
    except BaseException as exception:
        raise fault_from(exception) from None


def probe(loaded, bound, slot, device):
    """One call: what it returns and how long it took to the end of its GPU work."""
    if type(slot) is not int or not 0 <= slot < bound.slots:
        raise Fault(PROTOCOL, f"slot must be from 0 to {bound.slots - 1}")
    arguments = bound.arguments(slot)
    synchronize(device)
    begin = time.perf_counter_ns()
    returned = call(loaded, arguments)
    synchronize(device)
    elapsed = time.perf_counter_ns() - begin
    outputs = described(results_of(bound, returned, slot), looked_at(bound.paths, returned, slot))
    answer = {"ok": True, "outputs": outputs, "elapsed_ns": elapsed, "autotune": triton_host.tunings(loaded.module)}
    ignored = looked_at(bound.ignored, returned, slot)
    return {**answer, "ignored": described(ignored)} if ignored else answer


def run(link, loaded, bound, request, device):
    """The whole pass; its last frame is the return value. Faults inside the window also end it on the page."""
    plan = Plan(request, bound)
    set_tf32(plan.tf32)
    for slot in plan.slots:  # no tensor is made inside the window
        bound.arguments(slot), bound.outputs(slot)
    if device == "cpu":
        window = CpuWindow(loaded, bound, plan)
    else:
        window = cuda_passes.prepare(loaded, bound, plan)
    if plan.seed is not None:  # random calls then give both sides the same numbers
        seed_everything(plan.seed)
    gc.collect()
    gc.disable()  # no collection inside the window
    try:
        link.send({"ok": True, "ready": True, "mode": window.mode, **window.notes})
        if not bound.control.wait_release(plan.window):
            raise Aborted()
        window.calls()
        synchronize(device)
    except BaseException as exception:
        bound.control.finish(plan.window, True)
        raise fault_from(exception) from None
    finally:
        gc.enable()
    bound.control.finish(plan.window, False)
    return {"ok": True, "calls_ns": window.calls_ns(), "copy_ns": window.copy_ns(), "mode": window.mode}


def wait_slot(bound, plan, slot):
    if not bound.control.wait_slot(slot, plan.window):
        raise Aborted()


def set_tf32(allowed):
    """For float32 matrix products and convolutions, until the next pass says otherwise."""
    torch.set_float32_matmul_precision("high" if allowed else "highest")
    torch.backends.cudnn.allow_tf32 = allowed


class CpuWindow:
    """Calls on the CPU, each timed by itself; outputs are copied when its clock has stopped."""

    mode = "stream"
    notes = {}

    def __init__(self, loaded, bound, plan):
        self._loaded, self._bound, self._plan = loaded, bound, plan
        self._calls_ns, self._copy_ns = [], 0
        for slot in plan.warmup_slots():
            results_of(bound, call(loaded, bound.arguments(slot)), slot)

    def calls(self):
        clock = time.perf_counter_ns
        for slot in self._plan.slots:
            wait_slot(self._bound, self._plan, slot)
            arguments = self._bound.arguments(slot)
            begin = clock()
            returned = call(self._loaded, arguments)
            end = clock()
            store(self._bound, returned, slot)
            self._copy_ns += clock() - end
            self._calls_ns.append(end - begin)

    def calls_ns(self):
        return self._calls_ns

    def copy_ns(self):
        return self._copy_ns
