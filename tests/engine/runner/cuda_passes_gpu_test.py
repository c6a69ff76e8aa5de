# SPDX-License-Identifier: Apache-2.0
"""The host tier on a GPU: memory exported by the judge, calls on the stream and in one CUDA graph."""

import ctypes
import os
import statistics
import subprocess
import sys

import pytest
import torch
from runner_support import PYTHON_DIR, Judge, Layout, judge, native

pytestmark = pytest.mark.skipif(not os.path.exists("/dev/nvidiactl"), reason="no GPU here")

PINNED, DEVICE, POSIX_DESCRIPTOR = 1, 1, 1
DEVICE_ASSERT = "def f(x):\n    return x[torch.full_like(x, 1 << 20, dtype=torch.int64)]\n"


class AllocationProperties(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("handle_types", ctypes.c_int), ("location_type", ctypes.c_int),
                ("location_id", ctypes.c_int), ("metadata", ctypes.c_void_p), ("flags", ctypes.c_uint8 * 8)]


class CudaArena:
    """GPU memory of the judge's, exported by descriptor."""

    def __init__(self, size):
        torch.zeros(1, device="cuda")  # the primary context
        cuda = ctypes.CDLL("libcuda.so.1")
        properties = AllocationProperties(PINNED, POSIX_DESCRIPTOR, DEVICE, 0)
        granule, handle, fd = ctypes.c_size_t(), ctypes.c_uint64(), ctypes.c_int(-1)
        assert cuda.cuMemGetAllocationGranularity(ctypes.byref(granule), ctypes.byref(properties), 0) == 0
        self.bytes = max(size, 1)
        rounded = ctypes.c_size_t(-(-self.bytes // granule.value) * granule.value)
        assert cuda.cuMemCreate(ctypes.byref(handle), rounded, ctypes.byref(properties), ctypes.c_uint64(0)) == 0
        assert cuda.cuMemExportToShareableHandle(ctypes.byref(fd), handle, POSIX_DESCRIPTOR, ctypes.c_uint64(0)) == 0
        self.fd = fd.value
        self._memory = native.Memory.import_cuda(self.fd, self.bytes, 0)

    def tensor(self, offset, dtype, shape):
        return torch.from_dlpack(self._memory.tensor(offset, dtype, list(shape)))


class CudaJudge(Judge):
    device, arena_kind = "cuda", CudaArena


def start_runner(theirs, ours):
    """A fresh process: this one has used CUDA, so its forks cannot."""
    code = f"import sys; sys.path.insert(0, {PYTHON_DIR!r}); from assay_runner import runner; runner.main({theirs.fileno()})"
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    return subprocess.Popen([sys.executable, "-c", code], pass_fds=[theirs.fileno()], env=environment).pid


def gpu_judge():
    return judge(CudaJudge, start_runner)


def bound(runner, source, slots, elements, outputs=1, **metadata):
    runner.load(source, **(metadata or {"function_name": "f"}))
    layout = Layout(slots)
    x = layout.place("input", "float32", [elements])
    places = [layout.place("output", "float32", [elements]) for _ in range(outputs)]
    runner.bind(layout, [x], places)
    for slot in range(slots):
        runner.view(x, slot).normal_()
    torch.cuda.synchronize()
    return x, places


@pytest.mark.parametrize("mode", ["stream", "graph"])
def test_every_slot_is_computed_and_timed(mode):
    source = "def f(x):\n    return torch.nn.functional.softplus(torch.relu(x))\n"
    with gpu_judge() as runner:
        x, (y,) = bound(runner, source, 100, 1 << 18)
        probed = runner.ok("probe", slot=5)
        assert probed["outputs"] == [{"dtype": "float32", "shape": [1 << 18], "strides": [1]}]
        for _ in range(2):
            def refill():
                for slot in range(100):
                    runner.view(x, slot).normal_()
                    runner.view(y, slot).fill_(float("nan"))
                torch.cuda.synchronize()
            ready, answer = runner.run_pass(list(range(100)), kind="time", mode=mode, warmup=3, before_release=refill)
            assert ready["mode"] == mode and answer["ok"] and answer["mode"] == mode, (ready, answer)
            for slot in range(100):
                wanted = torch.nn.functional.softplus(torch.relu(runner.view(x, slot)))
                assert torch.allclose(runner.view(y, slot), wanted), slot
            calls = answer["calls_ns"]
            assert len(calls) == (100 if mode == "stream" else 1) and all(ns > 0 for ns in calls) and answer["copy_ns"] > 0
            each = statistics.median(calls) if mode == "stream" else calls[0] / 100
            print(f"{mode}: {each / 1e3:.2f} us per call, copies {answer['copy_ns'] / 1e5:.2f} us per call")


@pytest.mark.parametrize("line", [
    "    return x * x.sum().item()", "    return torch.rand_like(x) * x.sum().item() + torch.rand_like(x)",
    "    torch.cuda.synchronize()\n    return x * 2"])
def test_what_cannot_be_captured_runs_on_the_stream(line):
    with gpu_judge() as runner:
        x, (y,) = bound(runner, f"def f(x):\n{line}\n", 4, 1024)
        ready, answer = runner.run_pass([0, 1, 2, 3], kind="time", mode="graph", warmup=1)
        assert ready["mode"] == answer["mode"] == "stream" and ready["graph_refused"]
        assert answer["ok"] and len(answer["calls_ns"]) == 4
        assert not torch.equal(runner.view(y, 3), torch.zeros(1024, device="cuda"))
        again, answer = runner.run_pass([0, 1], kind="time", mode="graph", warmup=1)
        assert answer["ok"] and again["graph_refused"] == ready["graph_refused"]


def test_work_on_the_legacy_default_stream_is_not_lost_from_a_graph():
    """As an extension launches that names no stream: such calls would run at capture and not at replay."""
    source = "def f(x):\n    with torch.cuda.stream(torch.cuda.default_stream()):\n        return x * 2 + 1\n"
    with gpu_judge() as runner:
        x, (y,) = bound(runner, source, 4, 1024)
        for _ in range(2):
            for slot in range(4):
                runner.view(x, slot).normal_()
            torch.cuda.synchronize()
            ready, answer = runner.run_pass([0, 1, 2, 3], kind="time", mode="graph", warmup=1)
            assert answer["ok"] and ready["mode"] == "stream" and ready["graph_refused"]
            for slot in range(4):
                assert torch.equal(runner.view(y, slot), runner.view(x, slot) * 2 + 1)


def test_an_empty_window_calls_nothing():
    with gpu_judge() as runner:
        bound(runner, "def f(x):\n    raise ValueError\n", 1, 64)
        for mode in ("stream", "graph"):
            _, answer = runner.run_pass([], kind="time", mode=mode, warmup=2)
            assert answer["ok"] and answer["calls_ns"] == [] and answer["copy_ns"] == 0


def test_a_check_pass_is_never_a_graph():
    with gpu_judge() as runner:
        bound(runner, "def f(x):\n    return x + 1\n", 2, 64)
        ready, answer = runner.run_pass([0, 1], kind="check", mode="graph")
        assert ready["mode"] == "stream" and answer["ok"]


def test_a_model_with_weights_equals_the_one_made_here():
    source = ("class Model(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n"
              "        self.linear = torch.nn.Linear(256, 256)\n    def forward(self, x):\n        return self.linear(x)\n")
    with gpu_judge() as runner:
        x, (y,) = bound(runner, source, 8, 256, class_name="Model")
        _, answer = runner.run_pass(list(range(8)), kind="time", mode="graph", warmup=1)
        assert answer["ok"] and answer["mode"] == "graph", answer
        torch.manual_seed(7)
        linear = torch.nn.Linear(256, 256).cuda()
        for slot in range(8):
            assert torch.allclose(runner.view(y, slot), linear(runner.view(x, slot)), atol=1e-5)


def test_in_place_outputs_are_not_copied():
    with gpu_judge() as runner:
        runner.load("def launch(x, y):\n    torch.mul(x, 3, out=y)\n", kernel_type="multi_kernel", entry_point="launch")
        layout = Layout(4)
        x, y = layout.place("input", "float32", [4096]), layout.place("output", "float32", [4096])
        runner.bind(layout, [x, y], [y])
        for slot in range(4):
            runner.view(x, slot).fill_(slot)
        torch.cuda.synchronize()
        _, answer = runner.run_pass([0, 1, 2, 3], kind="time", mode="graph", warmup=1)
        assert answer["ok"] and answer["copy_ns"] == 0
        assert [runner.view(y, slot)[0].item() for slot in range(4)] == [0.0, 3.0, 6.0, 9.0]


@pytest.mark.parametrize("kind, source", [
    ("cuda", DEVICE_ASSERT), ("out_of_memory", "def f(x):\n    return torch.empty(1 << 45, device=x.device)\n"),
    ("exception", "def f(x):\n    return x @ x[:3]\n")])
def test_errors_on_the_gpu(kind, source):
    with gpu_judge() as runner:
        bound(runner, source, 1, 64)
        error = runner.error("probe", slot=0)
        assert error["kind"] == kind, error


def test_an_error_within_the_window_reaches_the_judge():
    with gpu_judge() as runner:
        bound(runner, DEVICE_ASSERT, 2, 64)
        _, answer = runner.run_pass([0, 1])
        assert answer["error"]["kind"] == "cuda" and runner.page.read(16) == 1
