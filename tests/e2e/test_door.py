# SPDX-License-Identifier: Apache-2.0
"""The real front under attack: its memory, its limits, its end. Attacks on parsing are in tests/mcp."""

import contextlib
import http.client
import json
import os
import socket
import subprocess
import threading
import time

import pytest

from assay_process import BINARY, SLACK, Assay, kernel

TOKEN = "a-token-that-is-long-enough"
HEALTH_AIM_S = 0.05
STREAMS = 1000
QUEUED_JOBS = 200
STOP_LIMIT_S = 10
QUICK = "def f(x):\n    return x\ndef get_inputs():\n    import torch\n    return [torch.ones(4)]\n"
ENDLESS = "def f(x):\n    while True: pass\ndef get_inputs():\n    import torch\n    return [torch.ones(4)]\n"


def resident_kib(pid, figure="VmRSS"):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(figure))


def connect(port, timeout=20):
    return socket.create_connection(("127.0.0.1", port), timeout=timeout)


def read_all(sock):
    """What comes until the server closes; a reset ends it too."""
    received = b""
    with contextlib.suppress(OSError):
        while piece := sock.recv(65536):
            received += piece
    return received


def talk(port, *pieces):
    """Sends the pieces as far as the server takes them and returns all that it answers."""
    with connect(port) as sock:
        with contextlib.suppress(OSError):
            for piece in pieces:
                sock.sendall(piece)
        return read_all(sock)


def post_head(length, *headers, path="/mcp"):
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json",
             f"Content-Length: {length}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def tool_call(name, arguments, number=1, progress=False):
    params = {"name": name, "arguments": arguments}
    if progress:
        params["_meta"] = {"progressToken": number}
    body = json.dumps({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}).encode()
    return post_head(len(body)) + body


def health_seconds(port):
    start = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", "/health")
    assert connection.getresponse().status == 200
    connection.close()
    return time.monotonic() - start


@pytest.fixture(name="server", scope="module")
def running_server():
    with Assay() as started:
        yield started


def megabytes(count, unit=b"a"):
    """`count` pieces of 1 MiB."""
    piece = unit * ((1 << 20) // len(unit))
    return (piece for _ in range(count))


ATTACKS = {
    "a header line of 200 MB": (lambda: [b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: ", *megabytes(200)], b"431"),
    "200,000 headers": (lambda: [b"GET /health HTTP/1.1\r\nHost: localhost\r\n", b"X: a\r\n" * 200_000], b"431"),
    "a path of 200 MB": (lambda: [b"GET /", *megabytes(200)], b"431"),
    "empty lines without end": (lambda: megabytes(50, b"\r\n"), b"400"),
    "a chunked body of 200 MB": (
        lambda: [b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
                 *(b"100000\r\n" + piece + b"\r\n" for piece in megabytes(200))], b"501"),
    "a body of 200 MB": (lambda: [post_head(200 << 20, path="/evaluate"), *megabytes(200)], b"413"),
    "a body of 200 MB without a length": (
        lambda: [b"POST /evaluate HTTP/1.1\r\nHost: localhost\r\n\r\n", *megabytes(200)], b"411"),
    "a gzip body": (
        lambda: [post_head(1000, "Content-Encoding: gzip"), b"\x1f\x8b" + b"\0" * 998], b"415"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_do_not_grow_the_front(server, attack):
    pieces, status = ATTACKS[attack]
    before = resident_kib(server.process.pid)
    answer = talk(server.port, *pieces())
    grown = resident_kib(server.process.pid) - before
    print(f"{attack}: {answer[:24]!r}, grown by {grown} KiB")
    assert not answer or answer.startswith(b"HTTP/1.1 " + status)
    assert grown < 8 * 1024
    assert server.get("/health").status == 200


def test_the_largest_honest_requests_are_read_and_leave_nothing_that_piles_up(server):
    """JSON that is no request at all costs no job; what one leaves is used by the next."""
    padding = json.dumps({"padding": "a" * (40 << 20)}).encode()
    resident = []
    for _ in range(4):
        assert server.post("/evaluate", raw=padding).status == 400
        resident.append(resident_kib(server.process.pid))
    print(f"resident after each body of 40 MiB: {[kib >> 10 for kib in resident]} MiB")
    assert resident[3] < resident[0] + 24 * 1024


def test_many_small_values_cost_little_more_than_their_bytes(server):
    """Parsed, a value of two bytes takes up to a hundred: too many are refused before they are made."""
    body = b"[" + b"0," * (30 << 20) + b"0]"
    before = resident_kib(server.process.pid, "VmHWM")
    answer = server.post("/evaluate", raw=body)
    grown = resident_kib(server.process.pid, "VmHWM") - before
    print(f"{len(body) >> 20} MiB of small values: grown by {grown >> 10} MiB at the most")
    assert answer.status == 400 and "values" in answer.body["error"]
    assert grown < 128 * 1024


def test_what_a_large_body_was_parsed_into_is_given_back(server):
    body = json.dumps({"kernel": [{"a": "b" * 20}] * 90_000}).encode()
    before = resident_kib(server.process.pid)
    assert server.post("/evaluate", raw=body).status == 400
    time.sleep(0.2)
    grown = resident_kib(server.process.pid) - before
    print(f"{len(body) >> 20} MiB in 180,000 values left {grown} KiB")
    assert grown < 8 * 1024


def test_a_public_bind_wants_a_token(tmp_path):
    refused = subprocess.run([BINARY, "serve", "--host", "0.0.0.0", "--port", "0", "--data-dir", str(tmp_path)],
                             capture_output=True, text=True, timeout=30, check=False,
                             env={key: value for key, value in os.environ.items() if key != "ASSAY_TOKEN"})
    assert refused.returncode != 0
    assert "--token" in refused.stderr and "ASSAY_TOKEN" in refused.stderr
    with Assay(arguments=["--host", "0.0.0.0"], environment={"ASSAY_TOKEN": TOKEN}) as server:
        assert server.get("/health").status == 200
        refused = server.get("/stats")
        assert refused.status == 401
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
        assert server.request("GET", "/stats", headers={"Authorization": f"Bearer {TOKEN}"}).status == 200
        assert server.request("GET", "/stats", headers={"Authorization": f"Bearer {TOKEN}x"}).status == 401
        assert server.request("GET", "/stats", headers={"Authorization": f"Bearer {TOKEN}",
                                                        "Origin": "http://evil.example"}).status == 403
        assert TOKEN not in server.log()


def test_a_rate_limit_answers_429_and_lets_the_patient_through():
    with Assay(arguments=["--rate-limit", "5"]) as server:
        answers = [server.get("/health") for _ in range(25)]
        refused = [answer for answer in answers if answer.status == 429]
        print(f"{len(refused)} of 25 requests refused")
        assert refused and all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
        time.sleep(1.1)
        assert server.get("/health").status == 200


class Streams:
    """Event streams held open by one thread, each read to its end."""

    def __init__(self, port, requests):
        self.sockets = []
        for request in requests:
            sock = connect(port, timeout=60)
            sock.sendall(request)
            self.sockets.append(sock)
        self.received = [b""] * len(self.sockets)

    def await_heads(self):
        for index, sock in enumerate(self.sockets):
            while b"\r\n\r\n" not in self.received[index]:
                piece = sock.recv(65536)
                assert piece, self.received[index]
                self.received[index] += piece
        return sum(b"text/event-stream" in received for received in self.received)

    def read_to_end(self):
        for index, sock in enumerate(self.sockets):
            self.received[index] += read_all(sock)

    def close(self):
        for sock in self.sockets:
            sock.close()


def endless(number, wait_seconds):
    return {"kernel_source": ENDLESS + f"# {number}\n", "kernel_type": "torch", "timeout": 60,
            "wait_seconds": wait_seconds, "metadata": {"function_name": "f"}}


def stream_of(number, jobs):
    """The first QUEUED_JOBS start a job each, the others wait for those."""
    if number < QUEUED_JOBS:
        return tool_call("evaluate_kernel", endless(number, 600), number, progress=True)
    waits = {"job_id": jobs[number % len(jobs)], "wait_seconds": 600}
    return tool_call("get_job_status", waits, number, progress=True)


def test_many_streams_and_queued_jobs_leave_health_quick_and_end_properly():
    """1,000 open streams, of which 200 wait for jobs of their own; then SIGTERM."""
    with Assay() as server:
        server.await_healthy()
        started = time.monotonic()
        first = server.call_tool("evaluate_kernel", endless("first", 0))
        jobs = [first["result"]["structuredContent"]["job_id"]]
        streams = Streams(server.port, (stream_of(number, jobs) for number in range(STREAMS)))
        try:
            opened = streams.await_heads()
            print(f"{opened} streams after {time.monotonic() - started:.1f} s, "
                  f"{resident_kib(server.process.pid) / 1024:.0f} MiB")
            assert opened == STREAMS
            seconds = sorted(health_seconds(server.port) for _ in range(50))
            print(f"/health: median {seconds[25] * 1000:.1f} ms, worst {seconds[-1] * 1000:.1f} ms "
                  f"(aim {HEALTH_AIM_S * 1000:.0f} ms)")
            assert seconds[25] < HEALTH_AIM_S * SLACK
            reader = threading.Thread(target=streams.read_to_end)
            reader.start()
            status, took = server.stop(limit_s=STOP_LIMIT_S * 3)
            reader.join()
            whole = sum(received.endswith(b"0\r\n\r\n") and b"structuredContent" in received
                        for received in streams.received)
            print(f"ended after {took:.1f} s; {whole} of {STREAMS} streams ended with their last event")
            assert status == 0, server.log()
            assert took < STOP_LIMIT_S
            assert whole == STREAMS
        finally:
            streams.close()


def drip(sock, until):
    """About 60 kB/s until the server has had enough."""
    with contextlib.suppress(OSError):
        while time.monotonic() < until:
            sock.sendall(b"x" * 3000)
            time.sleep(0.05)


def test_slow_clients_do_not_hold_up_the_end():
    """Half a head, an upload without end, a client that reads nothing: each would wait for ever."""
    with Assay() as server:
        server.await_healthy()
        listing = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).encode()
        with connect(server.port) as silent, connect(server.port) as uploading, connect(server.port) as deaf:
            silent.sendall(b"GET /health HT")
            uploading.sendall(post_head(60_000_000, path="/evaluate"))
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            deaf.sendall((post_head(len(listing)) + listing) * 60)
            dripping = threading.Thread(target=drip, args=(uploading, time.monotonic() + 20))
            dripping.start()
            time.sleep(1)
            status, took = server.stop(limit_s=STOP_LIMIT_S * 2)
            dripping.join()
            print(f"ended after {took:.1f} s with {status}")
            assert status == 0, server.log()
            assert took < STOP_LIMIT_S
            assert read_all(silent).startswith(b"HTTP/1.1 503")


def test_nothing_acknowledged_is_lost_by_sigkill():
    with Assay() as first:
        first.await_healthy()

        def submit(arguments):
            return first.call_tool("evaluate_kernel", arguments)["result"]["structuredContent"]["job_id"]

        running = submit(endless(0, 0))
        deadline = time.monotonic() + 60
        while first.get(f"/job/{running}").body["status"] != "validating":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        quick = {"kernel_type": "torch", "wait_seconds": 0, "metadata": {"function_name": "f"}}
        # Some are taken up at once and wait for the device, the others wait in the queue.
        waiting = [submit({**quick, "kernel_source": f"{QUICK}# {number}\n"}) for number in range(6)]
        first.kill()
        with Assay(data=first.data) as second:
            assert second.get(f"/job/{running}").body["status"] == "interrupted"
            for job in waiting:
                ended = second.get(f"/job/{job}?wait=120").body
                assert ended["status"] == "completed" and ended["result"]["verdict"]["code"] == "ran_unchecked", ended
