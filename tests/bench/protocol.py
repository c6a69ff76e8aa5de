# SPDX-License-Identifier: Apache-2.0
"""The same trivial tool call over keep-alive connections against Assay and its peers, in turns on the same two cores;
then what load does to Assay's /health and to its memory, and how soon it listens. Prints figures and ratios.

Usage: protocol.py FASTMCP_PYTHON GO_SDK_BINARY (an empty one is left out)
"""

import http.client
import json
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from assay_process import BINARY, ROOT

CORES = 2
ROUNDS = 3
ROUND_S = 5
CONNECTIONS = 16
CALLS = 100_000
HEALTH_S = 10
HEALTH_PAUSE_S = 0.005
STARTS = 5
START_LIMIT_S = 60
HERE = pathlib.Path(__file__).parent
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "get_server_stats", "arguments": {}}}
INITIALIZE = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
    "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A server process that listens; `seconds_to_listen` from its start to the first connection it took."""

    def __init__(self, command):
        self.port = free_port()
        begin = time.monotonic()
        self.process = subprocess.Popen([word.replace("PORT", str(self.port)) for word in command],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                break
            except OSError:
                assert self.process.poll() is None, f"{command[0]} ended: {self.process.returncode}"
                assert time.monotonic() - begin < START_LIMIT_S, f"{command[0]} does not listen"
                time.sleep(0.001)
        self.seconds_to_listen = time.monotonic() - begin

    def post(self, message, session=""):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream",
                   "MCP-Protocol-Version": "2025-11-25"}
        connection.request("POST", "/mcp", json.dumps(message), {**headers, **({"Mcp-Session-Id": session} if session else {})})
        response = connection.getresponse()
        text = response.read()
        connection.close()
        return response, text

    def check_call(self):
        """That the answer is a tool's result, and in which session calls are to be made."""
        opened, _ = self.post(INITIALIZE)
        self.session = opened.headers.get("Mcp-Session-Id", "")
        response, text = self.post(CALL, self.session)
        assert response.status == 200, (response.status, text)
        assert json.loads(text)["result"]["structuredContent"], text
        self.answer_bytes = len(text)

    def load_command(self, seconds):
        return ["wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", f"{seconds}s", "-s", str(HERE / "call.lua"),
                f"http://127.0.0.1:{self.port}/mcp"]

    def load_environment(self):
        return {**os.environ, "BODY": json.dumps(CALL), "SESSION": self.session}

    def load(self, seconds):
        """Requests, requests per second and the server's processor seconds per request of one round."""
        busy = self.processor_seconds()
        text = subprocess.run(self.load_command(seconds), env=self.load_environment(), check=True, capture_output=True,
                              text=True).stdout
        assert "Non-2xx" not in text and "Socket errors" not in text, text
        requests = int(re.search(r"(\d+) requests in", text).group(1))
        return requests, float(re.search(r"Requests/sec:\s*([\d.]+)", text).group(1)), (self.processor_seconds() - busy) / requests

    def processor_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s*(\d+) kB", status).group(1)) * 1024

    def await_healthy(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while True:
            connection.request("GET", "/health")
            if json.loads(connection.getresponse().read())["status"] == "healthy":
                return connection
            time.sleep(0.05)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def measure_calls(servers):
    """Processor time per call hardly depends on who else uses the cores; calls per second do."""
    rounds = {name: [] for name in servers}
    for server in servers.values():
        server.check_call()
        server.load(1)  # the first calls open what is opened once
    for _ in range(ROUNDS):
        for name, server in servers.items():
            rounds[name].append(server.load(ROUND_S)[1:])
    rates = {name: statistics.median(rate for rate, _ in each) for name, each in rounds.items()}
    costs = {name: statistics.median(cost for _, cost in each) for name, each in rounds.items()}
    print(f"tools/call get_server_stats over {CONNECTIONS} connections kept alive, median of {ROUNDS} rounds of {ROUND_S} s:")
    for name, server in servers.items():
        ratios = "" if name == "assay" else (f"; Assay: {rates['assay'] / rates[name]:.1f} times the calls, "
                                             f"1/{costs[name] / costs['assay']:.1f} of the processor time")
        print(f"  {name}: {rates[name]:.0f}/s, {costs[name] * 1e6:.0f} us of its processor time per call, "
              f"answers of {server.answer_bytes} bytes{ratios}")


def measure_health(server):
    """One request after the other while wrk calls the tool as fast as it can."""
    connection = server.await_healthy()
    load = subprocess.Popen(server.load_command(HEALTH_S), env=server.load_environment(), stdout=subprocess.DEVNULL)
    seconds = []
    while load.poll() is None:
        begin = time.monotonic()
        connection.request("GET", "/health")
        assert connection.getresponse().read()
        seconds.append(time.monotonic() - begin)
        time.sleep(HEALTH_PAUSE_S)
    cuts = statistics.quantiles(seconds, n=100)
    print(f"/health under that load: median {cuts[49] * 1e3:.1f} ms, p99 {cuts[98] * 1e3:.1f} ms ({len(seconds)} requests)")


def measure_memory(command):
    server = Server(command)
    try:
        server.await_healthy().close()
        start = server.resident_bytes()
        server.check_call()
        calls = 0
        while calls < CALLS:
            calls += server.load(ROUND_S)[0]
        end = server.resident_bytes()
        print(f"resident set of the front: {start / 1e6:.1f} MB at its start, {end / 1e6:.1f} MB after {calls} calls: "
              f"{(end - start) / 1e6:+.1f} MB")
    finally:
        server.stop()


def measure_starts(commands):
    seconds = {name: [] for name in commands}
    for _ in range(STARTS):
        for name, command in commands.items():
            server = Server(command)
            seconds[name].append(server.seconds_to_listen)
            server.stop()
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    for name, value in medians.items():
        ratio = "" if name == "assay" else f": {value / medians['assay']:.0f} times Assay's"
        print(f"start to listening: {name} {value * 1e3:.0f} ms{ratio}")


def main():
    fastmcp, go_sdk = sys.argv[1:3]
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    commit = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True).stdout
    print(f"{time.strftime('%Y-%m-%d')}, {commit.strip() or 'no commit'}, {CORES} cores, load before {os.getloadavg()[0]:.1f}")
    if os.getloadavg()[0] > CORES / 2:
        print("others use these cores: servers of many threads look better than they are")
    with tempfile.TemporaryDirectory() as data:
        commands = {"assay": [BINARY, "serve", "--port", "PORT", "--data-dir", data]}
        if fastmcp:
            commands["FastMCP"] = [fastmcp, str(HERE / "peers" / "fastmcp_server.py"), "PORT"]
        if go_sdk:
            commands["Go SDK"] = [go_sdk, "127.0.0.1:PORT"]
        servers = {name: Server(command) for name, command in commands.items()}
        try:
            servers["assay"].await_healthy().close()
            measure_calls(servers)
            measure_health(servers["assay"])
        finally:
            for server in servers.values():
                server.stop()
        measure_memory(commands["assay"])
        measure_starts(commands)


if __name__ == "__main__":
    main()
