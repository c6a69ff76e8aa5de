# SPDX-License-Identifier: Apache-2.0
"""How fast the front starts and ends, and how small it stays."""

import http.client
import json
import os
import socket
import statistics
import subprocess
import time

from assay_process import BINARY, SLACK, Assay, descendants, kernel

LISTEN_AIM_S = 0.1
MEMORY_AIM_KIB = 30 * 1024
STOP_LIMIT_S = 10


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def seconds_until_listening(data):
    port = free_port()
    start = time.monotonic()
    process = subprocess.Popen(
        [BINARY, "serve", "--port", str(port), "--data-dir", data],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return time.monotonic() - start
            except OSError:
                assert process.poll() is None and time.monotonic() - start < 30
                time.sleep(0.001)
    finally:
        process.terminate()
        process.wait(timeout=12)


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def test_it_listens_at_once(tmp_path):
    seconds = statistics.median(seconds_until_listening(str(tmp_path / str(i))) for i in range(3))
    print(f"listening after {seconds * 1000:.0f} ms (aim {LISTEN_AIM_S * 1000:.0f} ms)")
    assert seconds < LISTEN_AIM_S * 10  # machines that run tests are busy


def test_health_starts_as_starting_and_memory_stays_small():
    with Assay() as server:
        first = server.get("/health").body["status"]
        assert first in ("starting", "healthy")
        server.await_healthy()
        time.sleep(0.5)
        kib = resident_kib(server.process.pid)
        print(f"first health: {first}; idle resident set {kib / 1024:.1f} MiB (aim 30 MiB)")
        assert kib <= MEMORY_AIM_KIB


def test_sigterm_ends_everything_also_with_an_idle_connection_and_a_running_job():
    with Assay() as server:
        server.await_healthy()
        idle = http.client.HTTPConnection("127.0.0.1", server.port)
        idle.request("GET", "/health")
        idle.getresponse().read()
        endless = kernel("def f(x):\n    while True: pass\ndef get_inputs():\n    import torch\n"
                         "    return [torch.ones(4)]\n", function_name="f")
        busy = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        busy.request("POST", "/evaluate", json.dumps({"kernel": endless, "timeout": 60}),
                     {"Content-Type": "application/json"})
        time.sleep(1)
        below = descendants(server.process.pid)
        status, seconds = server.stop()
        answer = busy.getresponse()
        print(f"ended after {seconds:.1f} s with {len(below)} processes below it")
        assert status == 0
        assert seconds < STOP_LIMIT_S
        assert answer.status == 500  # the client was told
        time.sleep(0.5 * SLACK)
        assert [pid for pid in below if os.path.exists(f"/proc/{pid}")] == []
