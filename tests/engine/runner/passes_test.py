# SPDX-License-Identifier: Apache-2.0
"""Windows: warm-up, ready, release word, slot words, done; and the order in which steps may be asked for."""

import os
import threading
import time

import pytest
from runner_support import ABORT, DONE, RELEASE, SLOTS, STATUS, Layout, judge

SCALE = "calls = 0\ndef f(x):\n    global calls\n    calls += 1\n    return x * 2, torch.tensor(calls)\n"


def bound(runner, slots, source=SCALE, function="f", outputs=("float32", "int64")):
    """Input [slot, slot] in every slot; the output bindings."""
    runner.load(source, function_name=function)
    layout = Layout(slots)
    x = layout.place("input", "float32", [2])
    places = [layout.place("output", dtype, [2] if dtype == "float32" else []) for dtype in outputs]
    runner.bind(layout, [x], places)
    for slot in range(slots):
        runner.view(x, slot).fill_(slot)
    return places


def test_each_slot_is_called_once_in_the_order_given():
    with judge() as runner:
        doubled, count = bound(runner, 5)
        ready, answer = runner.run_pass([3, 0, 4], kind="time", warmup=2)
        assert ready == {"ok": True, "ready": True, "mode": "stream"}
        assert answer["mode"] == "stream" and len(answer["calls_ns"]) == 3 and all(ns > 0 for ns in answer["calls_ns"])
        assert answer["copy_ns"] > 0
        assert [runner.view(count, slot).item() for slot in (3, 0, 4)] == [3, 4, 5]  # two calls warmed up
        assert runner.view(doubled, 4).tolist() == [8.0, 8.0]
        assert runner.view(doubled, 1).tolist() == [0.0, 0.0] and runner.view(count, 1).item() == 0


def test_warm_up_and_probe_store_nothing():
    with judge() as runner:
        doubled, _ = bound(runner, 2)
        runner.ok("probe", slot=1)
        runner.window += 1
        runner.ok("pass", kind="check", window=1, slots=[1], mode="stream", warmup=3, tf32=False)
        assert runner.view(doubled, 1).tolist() == [0.0, 0.0]
        runner.page.release(1, [1])
        runner.page.wait_done(1)
        assert runner.receive()[0]["ok"] and runner.view(doubled, 1).tolist() == [2.0, 2.0]


def test_passes_may_repeat_and_values_are_read_at_the_release():
    with judge() as runner:
        doubled, _ = bound(runner, 1)
        for window in range(3):
            def refill(value=window):
                runner.arenas["input"].tensor(0, "float32", [2]).fill_(value)
            _, answer = runner.run_pass([0], before_release=refill)
            assert answer["ok"] and runner.view(doubled).tolist() == [2.0 * window] * 2


def test_an_empty_window_calls_nothing():
    with judge() as runner:
        _, count = bound(runner, 1)
        for mode in ("stream", "graph"):
            ready, answer = runner.run_pass([], kind="time", mode=mode, warmup=3)
            assert ready["mode"] == "stream" and answer["calls_ns"] == [] and answer["copy_ns"] == 0
        assert runner.run_pass([0])[1]["ok"] and runner.view(count).item() == 1


def test_graph_and_events_become_a_stream_on_the_cpu():
    with judge() as runner:
        bound(runner, 1)
        assert [runner.run_pass([0], kind="time", mode=mode)[0]["mode"] for mode in ("graph", "events")] == ["stream"] * 2


def test_a_slot_is_not_called_before_its_word():
    with judge() as runner:
        doubled, _ = bound(runner, 3)
        runner.ok("pass", kind="time", window=1, slots=[2, 1], mode="stream", warmup=0, tf32=False)
        page = runner.page
        page.write(SLOTS + 4 * 1, 7)  # another window's word
        page.write(SLOTS + 4 * 2, 1)
        page.write(RELEASE, 1)
        time.sleep(0.2)
        assert runner.view(doubled, 2).tolist() == [4.0, 4.0]
        assert page.read(DONE) == 0 and runner.view(doubled, 1).tolist() == [0.0, 0.0]
        page.write(SLOTS + 4 * 1, 1)
        page.wait_done(1)
        assert page.read(STATUS) == 0 and runner.receive()[0]["ok"] and runner.view(doubled, 1).tolist() == [2.0, 2.0]


def test_nothing_is_called_before_the_release():
    with judge() as runner:
        doubled, _ = bound(runner, 1, source=SCALE.replace("x * 2", "x * 2 + 1"))
        runner.ok("pass", kind="time", window=5, slots=[0], mode="stream", warmup=0, tf32=False)
        runner.page.write(SLOTS, 5)
        runner.page.write(RELEASE, 4)  # an earlier window
        time.sleep(0.15)
        assert runner.view(doubled).tolist() == [0.0, 0.0] and runner.page.read(DONE) == 0
        runner.page.write(RELEASE, 5)
        runner.page.wait_done(5)
        assert runner.receive()[0]["ok"] and runner.view(doubled).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("released", [False, True])
def test_a_window_can_be_given_up(released):
    with judge() as runner:
        bound(runner, 1)
        runner.ok("pass", kind="time", window=1, slots=[0], mode="stream", warmup=0, tf32=False)
        if released:
            runner.page.write(RELEASE, 1)  # but not the slot
        runner.page.write(ABORT, 1)
        answer = runner.receive()[0]
        assert answer["error"]["kind"] == "protocol" and answer["error"]["type"] == "Aborted"
        assert runner.page.read(STATUS) == 1 and runner.page.read(DONE) == 1
        runner.page.write(ABORT, 0)
        runner.window = 1
        assert runner.run_pass([0])[1]["ok"]  # the runner lives on


def test_an_error_in_a_window_ends_it_at_once():
    source = "def f(x):\n    if x[0] == 1:\n        raise ValueError('one')\n    return x * 2\n"
    with judge() as runner:
        (doubled,) = bound(runner, 3, source=source, outputs=("float32",))
        _, answer = runner.run_pass([2, 1, 0])
        assert answer["error"]["message"] == "one" and "line 3, in f" in answer["error"]["traceback"]
        assert runner.page.read(STATUS) == 1
        assert runner.view(doubled, 2).tolist() == [4.0, 4.0]
        _, answer = runner.run_pass([0])
        assert answer["ok"] and runner.page.read(STATUS) == 0


def test_an_error_in_warm_up_comes_instead_of_ready():
    with judge() as runner:
        bound(runner, 1, source="def f(x):\n    raise ValueError('cold')\n")
        ready, answer = runner.run_pass([0], warmup=1)
        assert ready is None and answer["error"]["message"] == "cold"


def test_tf32_follows_the_request():
    source = "def f(x):\n    return torch.tensor(float(torch.backends.cuda.matmul.allow_tf32)), torch.tensor(float(torch.backends.cudnn.allow_tf32))\n"
    with judge() as runner:
        runner.load(source, function_name="f")
        layout = Layout(1)
        x = layout.place("input", "float32", [2])
        places = [layout.place("output", "float32", []) for _ in range(2)]
        runner.bind(layout, [x], places)
        for allowed in (True, False):
            runner.window += 1
            runner.ok("pass", kind="check", window=runner.window, slots=[0], mode="stream", warmup=0, tf32=allowed)
            runner.page.release(runner.window, [0])
            runner.page.wait_done(runner.window)
            assert runner.receive()[0]["ok"]
            assert [runner.view(place).item() for place in places] == [float(allowed)] * 2


def test_calls_run_without_gradients():
    with judge() as runner:
        bound(runner, 1, source="def f(x):\n    return x + float(torch.is_grad_enabled())\n", outputs=("float32",))
        assert runner.run_pass([0])[1]["ok"] and runner.arenas["output"].tensor(0, "float32", [2]).tolist() == [0.0, 0.0]


def test_calls_are_timed():
    source = "import time\ndef f(x):\n    time.sleep(0.02)\n    return x\n"
    with judge() as runner:
        bound(runner, 4, source=source, outputs=("float32",))
        _, answer = runner.run_pass([0, 1, 2, 3], kind="time")
        assert all(20e6 <= ns < 60e6 for ns in answer["calls_ns"])
        assert runner.ok("probe", slot=0)["elapsed_ns"] >= 20e6


def test_the_submission_cannot_reach_the_answers_by_threads_that_print():
    source = "import threading\ndef noise():\n    while True:\n        print('{}')\nthreading.Thread(target=noise, daemon=True).start()\ndef f(x):\n    return x\n"
    with judge() as runner:
        bound(runner, 2, source=source, outputs=("float32",))
        assert runner.run_pass([0, 1])[1]["ok"]
        runner.send({"op": "exit"})
        assert runner.exit_status() == 0


# --- order and form ---

def test_steps_out_of_order():
    kernel = {"source_code": "def f(x):\n    return x\n", "kernel_type": "torch", "metadata": {"function_name": "f"}}
    with judge(prepared=False) as runner:
        error = runner.error("load", role="candidate", kernel=kernel, seed=1)
        assert error["kind"] == "protocol" and error["message"] == "load needs the state context, this runner is prepared"
        runner.prepare()
        assert runner.prepare() == {"ok": True, "tier": "host", "state": "context"}  # twice is fine
        for op in ("draw", "init_inputs", "get_weights", "set_weights", "bind", "probe", "pass"):
            assert runner.error(op)["kind"] == "protocol"
        runner.ok("load", role="candidate", kernel=kernel, seed=1)
        for op in ("probe", "pass", "draw", "init_inputs", "load"):
            assert runner.error(op, role="candidate", kernel=kernel, seed=1)["kind"] == "protocol", op
        error = runner.error("prepare", device={"kind": "cuda"})
        assert "prepared for cpu" in error["message"]


def test_a_runner_of_inputs_is_never_called():
    with judge() as runner:
        runner.load("def get_inputs():\n    return []\n", role="inputs")
        error = runner.error("bind", slots=1, arguments=[], outputs=None, input_bytes=0, output_bytes=0)
        assert error["kind"] == "protocol" and "role inputs" in error["message"]


def test_a_pass_needs_places_for_outputs():
    with judge() as runner:
        runner.load("def f(x):\n    return x\n", function_name="f")
        layout = Layout(1)
        runner.bind(layout, [layout.place("input", "float32", [2])], None)
        error = runner.error("pass", kind="check", window=1, slots=[0], mode="stream", warmup=0, tf32=False)
        assert error["kind"] == "protocol" and "only a probe" in error["message"]


@pytest.mark.parametrize("change", [
    {"kind": "other"}, {"mode": "fast"}, {"window": 0}, {"window": 1 << 32}, {"window": True}, {"slots": None}, {"slots": [2]},
    {"slots": [-1]}, {"slots": [0, 1, 0]}, {"slots": "0"}, {"slots": [0.0]}, {"warmup": -1}, {"warmup": 1 << 40}, {"tf32": 1}])
def test_passes_that_make_no_sense(change):
    with judge() as runner:
        bound(runner, 2)
        fields = {"kind": "check", "window": 1, "slots": [0], "mode": "stream", "warmup": 0, "tf32": False, **change}
        assert runner.error("pass", **fields)["kind"] == "protocol"


@pytest.mark.parametrize("text", [b"", b"[]", b"nonsense", b"[" * 100000, b'{"op":3}', b'{"op":"no"}', b"\xff\xfe", b'{"op":null}'])
def test_requests_that_make_no_sense(text):
    with judge(prepared=False) as runner:
        runner.send_bytes(text)
        answer, _ = runner.receive()
        assert answer["error"]["kind"] == "protocol"
        runner.prepare()


@pytest.mark.parametrize("op, fields", [
    ("bind", {"slots": 0}), ("bind", {"slots": 9000}), ("bind", {"arguments": None}), ("bind", {"arguments": [3]}),
    ("bind", {"input_bytes": -1}), ("bind", {"input_bytes": 4096}), ("bind", {"outputs": 4}),
    ("probe", {"slot": 1}), ("probe", {"slot": None}), ("set_weights", {"weights": 3}), ("set_weights", {"weights": [3]})])
def test_fields_that_make_no_sense(op, fields):
    with judge() as runner:
        bound(runner, 1)
        request = {"slots": 1, "arguments": [], "outputs": None, "input_bytes": 0, "output_bytes": 0, **fields}
        assert runner.error(op, [runner.page.fd] if op == "bind" else [], **request)["kind"] == "protocol"


def test_exit_and_end_of_channel():
    with judge() as runner:
        runner.send({"op": "exit"})
        assert runner.receive() is None and runner.exit_status() == 0
    with judge() as runner:
        assert runner.exit_status() == 0


def test_a_killed_submission_closes_the_channel():
    with judge() as runner:
        runner.send({"op": "load", "role": "candidate", "seed": 1,
                     "kernel": {"source_code": "import os\nos._exit(3)\n", "kernel_type": "torch"}})
        assert runner.receive() is None
        assert runner.exit_status() == 3


def test_cuda_without_a_driver_is_said_plainly():
    if os.path.exists("/dev/nvidiactl"):
        pytest.skip("there is a GPU here")
    with judge(prepared=False) as runner:
        error = runner.error("prepare", device={"kind": "cuda", "index": 0, "uuid": ""})
        assert error["kind"] == "cuda" and "NVIDIA" in error["message"]


def test_the_judge_may_be_slow_to_release():
    with judge() as runner:
        bound(runner, 1)
        runner.ok("pass", kind="check", window=1, slots=[0], mode="stream", warmup=0, tf32=False)
        timer = threading.Timer(0.3, lambda: runner.page.release(1, [0]))
        timer.start()
        runner.page.wait_done(1)
        assert runner.receive()[0]["ok"]
