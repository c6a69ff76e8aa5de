# SPDX-License-Identifier: Apache-2.0
"""Our own processes die in the middle of a job: what the client hears, and that the next job is served."""

import os
import pathlib
import signal
import threading
import time

import pytest
from assay_process import SLACK, Assay, descendants, kernel
from test_faults import REFERENCE, check_next_job, comparison

SLOW = "import time\ndef f(x):\n    time.sleep(0.3)\n    return x + x\n"
GONE_LIMIT_S = 3


@pytest.fixture
def server():
    with Assay() as own:
        own.await_healthy()
        check_next_job(own)
        yield own


def running_job(server):
    """Starts a job that takes a while; returns its id once it runs."""
    message = server.call_tool("compare_kernels", {
        "ref_kernel_source": REFERENCE, "ref_kernel_metadata": {"function_name": "f"}, "custom_kernel_type": "torch",
        "custom_kernel_source": SLOW, "custom_kernel_metadata": {"function_name": "f"}, "num_trials": 100,
        "wait_seconds": 0})
    job_id = message["result"]["structuredContent"]["job_id"]
    deadline = time.monotonic() + 20
    while server.get(f"/job/{job_id}").body["status"] not in ("validating", "profiling"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.3)
    return job_id


def processes(server, word):
    return [pid for pid, command in descendants(server.process.pid).items() if word in command]


def test_the_judge_is_killed_in_the_middle_of_a_job(server):
    job_id = running_job(server)
    judges = processes(server, "assay-judge")
    assert judges
    for pid in judges:
        os.kill(pid, signal.SIGKILL)
    job = server.call_tool("get_job_status", {"job_id": job_id, "wait_seconds": 60})["result"]["structuredContent"]
    result = job["result"]
    if job["status"] == "completed" and result["verdict"]["code"] == "correct":
        pass  # done again by a fresh judge
    else:  # or our own failure, said to be worth a retry; never a verdict about the kernel
        assert result is None or result["verdict"]["code"] == "infrastructure_failed", job
        assert (result or job)["retryable"] is True
    check_next_job(server)


def warm_runners(server):
    """Processes that wait for a job: forked by the zygote, each in a PID namespace of its own."""
    found = []
    for pid in processes(server, "zygote"):
        try:
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        if len(next(line for line in status.splitlines() if line.startswith("NSpid:")).split()) > 2:
            found.append(pid)
    return found


def parent_of(pid):
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.mark.parametrize("noticed", (True, False))
def test_runners_that_wait_for_a_job_are_killed(server, noticed):
    """Unnoticed: their keepers cannot tell before a job has been given the dead."""
    deadline = time.monotonic() + 20
    while len(killed := warm_runners(server)) < 3:
        assert time.monotonic() < deadline, killed
        time.sleep(0.05)
    keepers = [] if noticed else [parent_of(pid) for pid in killed]
    for pid in keepers:
        os.kill(pid, signal.SIGSTOP)
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    check_next_job(server)
    for pid in keepers:
        try:
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:  # its job is over, so it was not asked any more
            pass


@pytest.mark.parametrize("maker", ("get_inputs", "get_init_inputs"))
def test_the_maker_of_inputs_kills_itself(server, maker):
    reference = ("import os, torch\nclass Model(torch.nn.Module):\n    def __init__(self, *a):\n"
                 "        super().__init__()\n    def forward(self, x):\n        return x + x\n"
                 "def get_inputs():\n    return [torch.randn(64)]\ndef get_init_inputs():\n    return []\n")
    reference = reference.replace(f"def {maker}():\n", f"def {maker}():\n    os.kill(os.getpid(), 9)\n")
    body = comparison("def f(x):\n    return x + x\n")
    body["ref_kernel"] = kernel(reference)
    answer = server.post("/compare", body)
    assert answer.body["verdict"]["code"] == "reference_failed" and "killed" in str(answer.body), answer
    check_next_job(server)


def test_the_zygote_is_killed(server):
    zygotes = processes(server, "zygote")
    assert zygotes
    for pid in zygotes:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    deadline = time.monotonic() + 30
    while True:  # until a new one has imported torch, a failure of ours is the right answer
        answer = server.post("/compare", comparison("def f(x):\n    return x + x\n"))
        if answer.status == 200:
            break
        assert answer.status == 500 and answer.body["retryable"], answer
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert answer.body["verdict"]["code"] == "correct"
    check_next_job(server)


def test_the_front_is_killed_and_its_job_is_reported_interrupted():
    with Assay() as first:
        first.await_healthy()
        job_id = running_job(first)
        below = descendants(first.process.pid)
        first.kill()
        deadline = time.monotonic() + GONE_LIMIT_S * SLACK
        while left := [command for pid, command in below.items() if os.path.exists(f"/proc/{pid}")]:
            assert time.monotonic() < deadline, left
            time.sleep(0.05)
        with Assay(data=first.data) as second:
            job = second.get(f"/job/{job_id}").body
            assert job["status"] == "interrupted", job
            assert job["error"] and job["retryable"] is True and job["stages"]
            message = second.call_tool("get_job_status", {"job_id": job_id})
            assert message["result"]["structuredContent"]["status"] == "interrupted"
            second.await_healthy()
            check_next_job(second)


def test_finished_jobs_survive_a_restart():
    with Assay() as first:
        first.await_healthy()
        job_id = first.post("/compare", comparison("def f(x):\n    return x + x\n")).body["job_id"]
        first.kill()
        with Assay(data=first.data) as second:
            job = second.get(f"/job/{job_id}").body
            assert job["status"] == "completed"
            assert job["result"]["verdict"]["code"] == "correct"


def test_a_client_that_leaves_a_modern_stream_ends_its_job(server):
    import http.client
    import json

    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {}, "progressToken": 1}
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("POST", "/mcp", json.dumps({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"_meta": meta, "name": "evaluate_kernel", "arguments": {
            "kernel_source": REFERENCE.replace("return x * 2", "while True: pass"), "kernel_type": "torch",
            "metadata": {"function_name": "f"}, "timeout": 60}}}), {
        "Content-Type": "application/json", "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "evaluate_kernel"})
    response = connection.getresponse()
    assert response.headers.get_content_type() == "text/event-stream"
    response.readline()
    time.sleep(0.5)
    assert server.get("/stats").body["job_stats"]["active"] == 1
    response.close()
    connection.close()
    deadline = time.monotonic() + 1 * SLACK
    while server.get("/stats").body["job_stats"]["active"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    check_next_job(server)


def test_jobs_of_several_clients_at_once_all_get_their_own_verdict(server):
    sources = {f"x * 2 + {i}": "incorrect" if i else "correct" for i in range(4)}
    verdicts = {}

    def ask(expression):
        answer = server.post("/compare", comparison(f"def f(x):\n    return {expression}\n"))
        verdicts[expression] = answer.body["verdict"]["code"]

    threads = [threading.Thread(target=ask, args=(expression,)) for expression in sources]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verdicts == sources
