# SPDX-License-Identifier: Apache-2.0
"""The routes about jobs against the real server: the list, waiting, events, cancelling."""

import http.client
import json
import threading
import time

from assay_process import CALL_LIMIT_S, Assay, kernel

SOURCE = "import torch\ndef f(x):\n    return x * 2\ndef get_inputs():\n    return [torch.ones(8)]\n"
ENDLESS = SOURCE.replace("return x * 2", "\n    while True: pass")


def evaluate(assay, source=SOURCE, **options):
    return assay.post("/evaluate", {"kernel": kernel(source, function_name="f"), "num_trials": 5, **options})


class Running:
    """A kernel that never ends, in evaluation until it is cancelled; `answer` is what its sender got."""

    def __init__(self, assay, count=1):
        known = {job["job_id"] for job in assay.get("/jobs").body["jobs"]}
        self.answers = []
        self.threads = [threading.Thread(target=self._send, args=(assay,)) for _ in range(count)]
        for thread in self.threads:
            thread.start()
        deadline = time.monotonic() + 60
        self.ids = []
        while len(self.ids) < count and time.monotonic() < deadline:
            self.ids = [job["job_id"] for job in assay.get("/jobs").body["jobs"] if job["job_id"] not in known]
        assert len(self.ids) == count

    def _send(self, assay):
        self.answers.append(evaluate(assay, ENDLESS, timeout=100))

    def join(self):
        for thread in self.threads:
            thread.join(30)
        return self.answers


def events(assay, job_id):
    """(name, data) of the events as they come."""
    connection = http.client.HTTPConnection("127.0.0.1", assay.port, timeout=CALL_LIMIT_S)
    try:
        connection.request("GET", f"/job/{job_id}/events")
        response = connection.getresponse()
        assert response.status == 200 and response.headers["Content-Type"] == "text/event-stream"
        name = None
        for line in response:
            text = line.decode().rstrip("\n")
            if text.startswith("event: "):
                name = text[len("event: "):]
            elif text.startswith("data: "):
                yield name, json.loads(text[len("data: "):])
    finally:
        connection.close()


def test_jobs_are_listed_newest_first_in_pages(assay):
    ids = [evaluate(assay).body["job_id"] for _ in range(3)]
    page = assay.get("/jobs?limit=2").body
    assert [job["job_id"] for job in page["jobs"]] == [ids[2], ids[1]], page
    job = page["jobs"][0]
    assert job["status"] == "completed" and job["kind"] == "evaluate" and job["created_at"] <= job["finished_at"]
    rest = assay.get(f"/jobs?limit=2&cursor={page['next_cursor']}").body
    assert rest["jobs"][0]["job_id"] == ids[0]
    completed = assay.get("/jobs?state=completed").body["jobs"]
    assert ids[0] in [job["job_id"] for job in completed] and {job["status"] for job in completed} == {"completed"}
    wrong = assay.get("/jobs?limit=none&state=done")
    assert wrong.status == 400 and wrong.headers["Content-Type"] == "application/problem+json"
    assert [error["path"] for error in wrong.body["errors"]] == ["limit", "state"]


def test_a_running_job_is_watched_waited_for_and_cancelled(assay):
    running = Running(assay)
    job_id = running.ids[0]
    seen = []
    watcher = threading.Thread(target=lambda: seen.extend(events(assay, job_id)))
    watcher.start()
    start = time.monotonic()
    waited = assay.get(f"/job/{job_id}?wait=1").body
    assert time.monotonic() - start >= 1 and waited["status"] not in ("completed", "failed"), waited
    gone = http.client.HTTPConnection("127.0.0.1", assay.port, timeout=10)  # a reader who does not stay
    gone.request("GET", f"/job/{job_id}/events")
    gone.getresponse().read(10)
    gone.close()
    cancelled = assay.request("DELETE", f"/job/{job_id}")
    assert cancelled.status in (200, 202) and cancelled.body["job_id"] == job_id, cancelled
    assert assay.get(f"/job/{job_id}?wait=20").body["status"] == "cancelled"
    watcher.join(20)
    names = [name for name, _ in seen]
    assert names[-1] == "result" and {"stage", "progress"} <= set(names), names
    assert seen[-1][1]["status"] == "cancelled" and names.count("result") == 1
    entered = [data["stage"] for name, data in seen if name == "stage" and data["seconds"] is None]
    left = [data["stage"] for name, data in seen if name == "stage" and data["seconds"] is not None]
    assert entered == left and "validating" in entered, seen
    answer, = running.join()
    assert answer.status == 500 and answer.body["status"] == "error" and answer.body["job_id"] == job_id, answer
    again = assay.request("DELETE", f"/job/{job_id}")
    assert again.status == 200 and again.body["status"] == "cancelled", again


def test_the_events_of_an_ended_job_have_its_compile_log_and_result(assay):
    broken = 'extern "C" __global__ void f(int* x) { *x = missing; }'
    io = {"args": [{"name": "x", "type": "tensor", "role": "output", "tensor_spec": {"shape": [1], "dtype": "int32"}}],
          "launch": {"grid": {"x": 1}, "block": {"x": 1}}}
    job_id = assay.post("/evaluate", {"kernel": kernel(broken, "cuda", io)}).body["job_id"]
    seen = list(events(assay, job_id))
    logs = "".join(data["text"] for name, data in seen if name == "log" and data["source"] == "compiler")
    assert "missing" in logs, seen
    assert seen[-1][0] == "result" and seen[-1][1]["result"]["verdict"]["code"] == "compilation_failed", seen[-1]


def test_unknown_jobs_and_wrong_parameters(assay):
    for method, path in (("DELETE", "/job/none"), ("GET", "/job/none/events")):
        answer = assay.request(method, path)
        assert answer.status == answer.body["status"] == 404, answer
        assert answer.headers["Content-Type"] == "application/problem+json"
    job_id = evaluate(assay).body["job_id"]
    answer = assay.get(f"/job/{job_id}?wait=long")
    assert answer.status == 400 and answer.body["validation_errors"][0]["path"] == "wait", answer


def test_streams_end_properly_when_the_server_stops():
    with Assay() as server:
        server.await_healthy()
        jobs = Running(server, 6)  # more than run at once
        seen = {job_id: [] for job_id in jobs.ids}
        watchers = [threading.Thread(target=lambda job_id=job_id: seen[job_id].extend(events(server, job_id)))
                    for job_id in jobs.ids]
        for watcher in watchers:
            watcher.start()
        deadline = time.monotonic() + 20
        while not all(seen.values()) and time.monotonic() < deadline:
            time.sleep(0.05)
        status, seconds = server.stop()
        assert status == 0 and seconds < 10, server.log()
        for watcher in watchers:
            watcher.join(5)
        last = [events[-1] for events in seen.values()]
        assert {name for name, _ in last} == {"result", "held_over"}, last
        assert all(data["status"] == "interrupted" for name, data in last if name == "result"), last
        answers = sorted((answer.status, answer.body["status"]) for answer in jobs.join())
        assert {status for status, _ in answers} == {500, 503} and {word for _, word in answers} == {"error"}, answers
