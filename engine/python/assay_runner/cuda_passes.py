# SPDX-License-Identifier: Apache-2.0
"""Windows on a GPU: all calls captured in one CUDA graph where the submission allows it, else one after the other on
the stream, each between two events."""

import ctypes
import functools

import torch

from assay_runner import passes
from assay_runner.errors import fault_from, shortened

# Copies measured beside a graph write to scratch of at most this size, reused.
MAX_SCRATCH_BYTES = 256 << 20
MAX_REASON_CHARACTERS = 500


def prepare(loaded, bound, plan):
    """A warmed-up window in the mode asked for; a graph that cannot be captured becomes a stream, with the reason."""
    if plan.mode != "graph" or plan.kind != "time" or not plan.slots:
        return StreamWindow(loaded, bound, plan, {})
    if bound.graph_refused is None:
        try:
            return _graph_window(loaded, bound, plan)
        except NotCapturable as reason:
            bound.graph_refused = shortened(str(reason), MAX_REASON_CHARACTERS)
    return StreamWindow(loaded, bound, plan, {"graph_refused": bound.graph_refused})


def _graph_window(loaded, bound, plan):
    """Slots keep their addresses from window to window, so one capture serves every window over the same slots."""
    key = (tuple(plan.slots), plan.tf32)
    window = bound.kept_windows.get(key)
    if window is None:
        window = bound.kept_windows[key] = GraphWindow(loaded, bound, plan)
    window.plan = plan
    return window


class NotCapturable(Exception):
    pass


def warm_up(device):
    """What a process waits for once, before it is a submission that waits: the module of the commonest kernels, and
    capturing. No cuBLAS: it reads the environment at its first use, where a submission may set it. What fails here
    fails again, and is told, where it is needed.
    """
    try:
        values = torch.ones(16, device=device)
        target = torch.empty_like(values)
        target.copy_(values + values)
        graph = _captured(lambda _: target.copy_(values), range(1))
        graph.replay()
        torch.cuda.synchronize()
    except Exception:
        pass


@functools.cache
def _capture_stream():
    """A stream that CUDA orders with the legacy default stream. Extensions often launch there without saying so: while
    a stream of torch's own captures, such a launch runs at once and is missing from the graph, and nobody is told; while
    this one does, it is an error.
    """
    stream = ctypes.c_void_p()
    status = torch.cuda.cudart().cudaStreamCreate(ctypes.addressof(stream))
    if int(status) != 0:
        raise NotCapturable(f"no stream to capture on: {status}")
    return torch.cuda.ExternalStream(stream.value)


class StreamWindow:
    """start event, call, end event, copy of the outputs, copy event: once per slot."""

    mode = "stream"

    def __init__(self, loaded, bound, plan, notes):
        self._loaded, self._bound, self._plan = loaded, bound, plan
        self.notes = notes
        for slot in plan.warmup_slots():
            _call_and_discard(loaded, bound, slot)
        passes.synchronize("cuda")
        self._events = [[torch.cuda.Event(enable_timing=True) for _ in range(3)] for _ in plan.slots]
        for triple in self._events:  # events are made at their first record: not inside the window
            for event in triple:
                event.record()
        passes.synchronize("cuda")

    def calls(self):
        for slot, (begin, end, copied) in zip(self._plan.slots, self._events):
            passes.wait_slot(self._bound, self._plan, slot)
            arguments = self._bound.arguments(slot)
            begin.record()
            returned = passes.call(self._loaded, arguments)
            end.record()
            passes.store(self._bound, returned, slot)
            copied.record()

    def calls_ns(self):
        return [_nanoseconds(begin, end) for begin, end, _ in self._events]

    def copy_ns(self):
        return sum(_nanoseconds(end, copied) for _, end, copied in self._events)


class GraphWindow:
    """Every call and every copy of outputs in one graph, timed by one pair of events."""

    mode = "graph"
    notes = {}

    def __init__(self, loaded, bound, plan):
        self._bound, self.plan = bound, plan
        stream = _capture_stream()
        stream.wait_stream(torch.cuda.current_stream())
        example = None
        with torch.cuda.stream(stream):
            for slot in plan.warmup_slots(at_least=1):
                example = _call_and_discard(loaded, bound, slot)
        torch.cuda.current_stream().wait_stream(stream)
        passes.synchronize("cuda")
        self._copy_ns = _copies_ns(bound, plan, example)
        self._graph = _captured(lambda slot: _call_and_store(loaded, bound, slot), plan.slots)
        self._begin, self._end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        self._begin.record(), self._end.record()
        passes.synchronize("cuda")

    def calls(self):
        for slot in self.plan.slots:
            passes.wait_slot(self._bound, self.plan, slot)
        self._begin.record()
        self._graph.replay()
        self._end.record()

    def calls_ns(self):
        return [_nanoseconds(self._begin, self._end)]

    def copy_ns(self):
        return self._copy_ns


def _call_and_discard(loaded, bound, slot):
    """A warm-up call with its copy, so that the copy's kernels are loaded too; the outputs."""
    results = passes.results_of(bound, passes.call(loaded, bound.arguments(slot)), slot)
    for result in results:
        torch.empty_like(result).copy_(result)
    return results


def _call_and_store(loaded, bound, slot):
    passes.store(bound, passes.call(loaded, bound.arguments(slot)), slot)


def _captured(step, slots):
    """A graph of `step` for each slot. What goes wrong while capturing may be due to the capture alone."""
    stream = torch.cuda.current_stream()
    graph = torch.cuda.CUDAGraph()
    try:
        with torch.cuda.graph(graph, stream=_capture_stream(), capture_error_mode="thread_local"):
            for slot in slots:
                step(slot)
    except BaseException as exception:
        _recover(graph, stream)
        raise NotCapturable(fault_from(exception).message) from None
    return graph


def _recover(graph, stream):
    """Undoes what torch leaves behind when a capture fails; an error that stays shows in the calls on the stream."""
    device = torch.cuda.current_device()
    generator = torch.cuda.default_generators[device]
    for undo in (
        lambda: torch.cuda.set_stream(stream),
        lambda: torch._C._cuda_endAllocateToPool(device, graph.pool()),
        lambda: generator.graphsafe_set_state(generator.clone_state()),  # a copy that is in no capture
        torch.cuda.synchronize,
    ):
        try:
            undo()
        except BaseException:  # it was not left behind after all
            pass


def _copies_ns(bound, plan, results):
    """What the copies of all slots cost, by a graph of copies alone; 0 where nothing is copied."""
    slot = plan.slots[0]
    copied = [
        (result.clone(), target)
        for result, target in zip(results, bound.outputs(slot))
        if result.data_ptr() != target.data_ptr()
    ]
    size = sum(target.numel() * target.element_size() for _, target in copied)
    if size == 0:
        return 0
    rounds = max(1, min(len(plan.slots), MAX_SCRATCH_BYTES // size))
    scratch = [[torch.empty_like(target) for _, target in copied] for _ in range(rounds)]

    def copy_one(index):
        for (result, _), target in zip(copied, scratch[index % rounds]):
            target.copy_(result)

    graph = _captured(copy_one, range(len(plan.slots)))
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    graph.replay()
    begin.record()
    graph.replay()
    end.record()
    passes.synchronize("cuda")
    return _nanoseconds(begin, end)


def _nanoseconds(begin, end):
    return max(0, round(begin.elapsed_time(end) * 1e6))
