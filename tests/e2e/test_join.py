# SPDX-License-Identifier: Apache-2.0
"""Equal requests share a job, over a real server: who joins, what a joined answer says, and what a withdrawn call ends."""

import http.client
import json
import pathlib
import threading
import time

import pytest
from assay_process import SLACK, Assay, descendants, kernel
from test_faults import REFERENCE, check_next_job

CANCEL_LIMIT_S = 1.0
RUNNER_NAME = "spinning-kernel"
# Its process carries a name that can be found from outside.
SPIN = f"""
import ctypes, torch
def f(x):
    ctypes.CDLL(None).prctl(15, b"{RUNNER_NAME}", 0, 0, 0)
    while True: pass
def get_inputs():
    return [torch.randn(8)]
"""
SLOW = "import time, torch\ndef f(x):\n    time.sleep(0.1)\n    return x * 2\ndef get_inputs():\n    return [torch.randn(8)]\n"


@pytest.fixture(scope="module")
def server():
    with Assay() as own:
        own.await_healthy()
        check_next_job(own)
        yield own


def request(source, **more):
    return {"kernel_source": source, "kernel_type": "torch", "metadata": {"function_name": "f"}, "num_trials": 20,
            **more}


def evaluate(server, source, **more):
    result = server.call_tool("evaluate_kernel", request(source, **more))["result"]
    assert not result["isError"], result
    return result["structuredContent"]


def jobs_made(server):
    return server.get("/stats").body["job_stats"]["total"]


def until(condition, limit_s, what):
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < limit_s, what
        time.sleep(0.01)
    return time.monotonic() - start


class ModernCall:
    """A tool call whose stream is open; closing it withdraws the call."""

    def __init__(self, server, arguments):
        meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {}, "progressToken": 1}
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        self.connection.request("POST", "/mcp", json.dumps({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"_meta": meta, "name": "evaluate_kernel", "arguments": arguments}}), {
            "Content-Type": "application/json", "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "evaluate_kernel"})
        self.response = self.connection.getresponse()
        assert self.response.headers.get_content_type() == "text/event-stream"
        self.response.readline()

    def close(self):
        self.response.close()
        self.connection.close()

    def answer(self):
        for line in self.response:
            if line.startswith(b"data: ") and "result" in (message := json.loads(line[6:])):
                return message["result"]["structuredContent"]
        raise AssertionError("the stream ended without a result")


def spinning(server):
    def name(pid):
        try:
            return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
        except OSError:
            return ""

    return [pid for pid in descendants(server.process.pid) if name(pid) == RUNNER_NAME]


def test_equal_calls_at_once_are_one_job(server):
    before, answers = jobs_made(server), []
    calls = [threading.Thread(target=lambda: answers.append(evaluate(server, SLOW))) for _ in range(3)]
    for call in calls:
        call.start()
    for call in calls:
        call.join()
    assert len({answer["job_id"] for answer in answers}) == 1
    assert sorted(answer.get("joined", False) for answer in answers) == [False, True, True]
    assert all(answer["verdict"]["code"] == "ran_unchecked" for answer in answers)
    assert jobs_made(server) == before + 1


def test_a_finished_job_answers_its_equal_and_fresh_runs_anew(server):
    source = REFERENCE + "# finished\n"
    first = evaluate(server, source)
    again = evaluate(server, source, wait_seconds=10)
    assert "joined" not in first
    assert again["joined"] is True and again["job_id"] == first["job_id"] and again["job_age_s"] > 0
    assert again["timing"] == first["timing"] and "fresh: true" in again["summary"]
    fresh = evaluate(server, source, fresh=True)
    assert fresh["job_id"] != first["job_id"] and "joined" not in fresh
    body = {"kernel": kernel(source, function_name="f"), "num_trials": 20}
    measured = [server.post("/evaluate", body).body for _ in range(2)]
    assert len({first["job_id"], fresh["job_id"], *(answer["job_id"] for answer in measured)}) == 4


def test_a_key_names_one_request(server):
    first = evaluate(server, REFERENCE, idempotency_key="a name")
    assert evaluate(server, REFERENCE, idempotency_key="a name")["job_id"] == first["job_id"]
    message = server.call_tool("evaluate_kernel", request(REFERENCE + "# other\n", idempotency_key="a name"))
    assert message["error"]["code"] == -32602
    assert "a name" in message["error"]["message"] and first["job_id"] in message["error"]["message"]
    assert message["error"]["data"]["validation_errors"][0]["path"] == "idempotency_key"


def test_a_withdrawn_call_leaves_the_others_their_job_and_the_last_one_ends_it(server):
    before = jobs_made(server)
    patient, hasty = (ModernCall(server, request(SLOW + "# shared\n")) for _ in range(2))
    assert jobs_made(server) == before + 1
    hasty.close()
    assert patient.answer()["verdict"]["code"] == "ran_unchecked"
    patient.close()

    calls = [ModernCall(server, request(SPIN, timeout=60)) for _ in range(2)]
    until(lambda: spinning(server), 20 * SLACK, "the kernel does not run")
    calls[0].close()
    time.sleep(1)
    assert spinning(server), "the other call's job was ended"
    calls[1].close()
    took = until(lambda: not spinning(server), CANCEL_LIMIT_S * SLACK, "the runner outlives its last waiter")
    freed = until(lambda: not server.get("/stats").body["job_stats"]["active"], CANCEL_LIMIT_S * SLACK, "not freed")
    print(f"runner gone {took:.2f} s, device free {took + freed:.2f} s after the last call was withdrawn")
    check_next_job(server)


def test_a_job_whose_handle_was_taken_outlives_its_calls(server):
    handle = evaluate(server, SPIN, timeout=8, wait_seconds=0)
    assert handle["status"] == "running"
    call = ModernCall(server, request(SPIN, timeout=8))
    until(lambda: spinning(server), 20 * SLACK, "the kernel does not run")
    call.close()
    job = server.call_tool("get_job_status", {"job_id": handle["job_id"], "wait_seconds": 60})
    assert job["result"]["structuredContent"]["result"]["verdict"]["code"] == "timed_out"
    # A cancelled job is no answer; this one is, though its kernel was too slow.
    assert evaluate(server, SPIN, timeout=8)["joined"] is True


def test_after_a_restart_ids_are_known_and_equal_requests_find_their_job():
    with Assay() as first:
        first.await_healthy()
        answer = evaluate(first, REFERENCE)
        first.kill()
        with Assay(data=first.data) as second:
            second.await_healthy()
            assert second.get(f"/job/{answer['job_id']}").body["status"] == "completed"
            again = evaluate(second, REFERENCE)
            assert again["job_id"] == answer["job_id"] and again["joined"] is True
            anew = evaluate(second, REFERENCE, fresh=True)
            assert anew["job_id"] != answer["job_id"] and "joined" not in anew
