#!/usr/bin/env python3
"""Starts Assay, has it evaluate the example kernels through MCP, shows each verdict and stops it.

    python examples/demo.py --assay build/release/bin/assay

Needs nothing but Python: MCP's Streamable HTTP is a POST that answers with JSON or with events.
"""

import argparse
import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

REQUESTS = pathlib.Path(__file__).resolve().parent / "requests"
PROTOCOL_VERSION = "2025-11-25"
START_LIMIT_S = 60
CALL_LIMIT_S = 120

# What is shown, the request that asks it, and the verdicts that are right for it.
WITH_GPU = [
    ("cuda vector add against torch", "vector_add_right", {"correct"}),
    ("cuda vector add that forgets the last element", "vector_add_wrong", {"incorrect"}),
    ("cuda matrix product against torch", "matmul_right", {"correct"}),
]
WITHOUT_GPU = [
    ("softmax written out, against torch.softmax", "softmax_right", {"correct"}),
    ("softmax whose sum misses one column", "softmax_wrong", {"incorrect"}),
    ("cuda vector add, compiled for real", "vector_add_right", {"compiled_only"}),
]


class Terminal:
    """Colours and a progress line where a person looks on; plain lines elsewhere."""

    CODES = {"green": "32", "red": "31", "yellow": "33", "bold": "1", "dim": "2"}

    def __init__(self):
        self.live = sys.stdout.isatty()
        self.coloured = self.live and not os.environ.get("NO_COLOR")

    def paint(self, text, *styles):
        if not self.coloured:
            return text
        return "".join(f"\033[{self.CODES[style]}m" for style in styles) + text + "\033[0m"

    def progress(self, text):
        if self.live:
            width = shutil.get_terminal_size().columns - 1
            print("\r\033[K" + self.paint(text[:width], "dim"), end="", flush=True)

    def line(self, text=""):
        print(("\r\033[K" if self.live else "") + text, flush=True)


class Server:
    """An assay process with a data folder of its own."""

    def __init__(self, binary):
        self.folder = tempfile.mkdtemp(prefix="assay-demo-")
        port_file = pathlib.Path(self.folder) / "port"
        self.log = open(pathlib.Path(self.folder) / "log", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [binary, "serve", "--port", "0", "--port-file", str(port_file)]
            + ["--data-dir", os.path.join(self.folder, "data"), "--log-level", "warning"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.log)
        try:
            self.port = self._await(lambda: port_file.exists() and int(port_file.read_text()))
        except BaseException:
            self.stop()
            raise

    def _await(self, ask):
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with status {self.process.returncode}: {self.log_text()}")
            answer = ask()
            if answer:
                return answer
            time.sleep(0.02)
        raise RuntimeError(f"the server was not ready after {START_LIMIT_S} s: {self.log_text()}")

    def log_text(self):
        self.log.flush()
        self.log.seek(0)
        return self.log.read()[-2000:].strip() or "it logged nothing"

    def await_health(self, terminal):
        def healthy():
            health = self.get("/health")
            if health["status"] == "healthy":
                return health
            terminal.progress("  starting: " + ", ".join(health.get("starting", [])))
            return None

        return self._await(healthy)

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=CALL_LIMIT_S)
        try:
            connection.request("GET", path)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=12)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class McpClient:
    """Just enough of MCP over Streamable HTTP: one POST per message."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=CALL_LIMIT_S)
        self.last_id = 0
        hello = self.request("initialize", {
            "protocolVersion": PROTOCOL_VERSION, "capabilities": {},
            "clientInfo": {"name": "assay-demo", "version": "1"}})
        self.server = hello["serverInfo"]
        self._post({"jsonrpc": "2.0", "method": "notifications/initialized"}).read()

    def call_tool(self, name, arguments, on_progress):
        result = self.request(
            "tools/call", {"name": name, "arguments": arguments, "_meta": {"progressToken": "demo"}}, on_progress)
        if result["isError"]:
            raise RuntimeError(f"{name} failed: {result['structuredContent'].get('error')}")
        return result["structuredContent"]

    def request(self, method, params, on_progress=None):
        self.last_id += 1
        response = self._post({"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params})
        for message in self._messages(response):
            if message.get("method") == "notifications/progress" and on_progress:
                on_progress(message["params"].get("message", ""))
            if message.get("id") == self.last_id:
                response.read()
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']['message']}")
                return message["result"]
        raise RuntimeError(f"{method}: the stream ended without an answer")

    def _post(self, message):
        self.connection.request("POST", "/mcp", json.dumps(message).encode(), {
            "Content-Type": "application/json", "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": PROTOCOL_VERSION})
        return self.connection.getresponse()

    @staticmethod
    def _messages(response):
        if response.headers.get_content_type() == "application/json":
            yield json.loads(response.read())
            return
        for line in response:
            if line.startswith(b"data: "):
                yield json.loads(line[len(b"data: "):])


def time_text(milliseconds):
    """Always three figures and a unit, aligned: ' 12.3 µs'."""
    for factor, unit in ((1e6, "ns"), (1e3, "µs"), (1, "ms"), (1e-3, "s ")):
        value = milliseconds * factor
        if value < 1000 or unit == "s ":
            return f"{value:#5.4g}"[:5].rstrip(".").rjust(5) + f" {unit}"
    return ""


def counted(stats):
    return f"{stats['n']} {stats['kind'] if stats['n'] != 1 else stats['kind'].removesuffix('s')}"


def spread_bar(stats, low, high, width=36):
    """min to max as a line, median to the 95th percentile as a block: where the calls lie."""
    def column(value):
        return round((value - low) / (high - low) * (width - 1)) if high > low else 0

    cells = [" "] * width
    for i in range(column(stats["min"]), column(min(stats["max"], high)) + 1):
        cells[i] = "─"
    for i in range(column(stats["min"]), column(min(stats["percentile_95"], high)) + 1):
        cells[i] = "▒"
    cells[column(stats["median"])] = "█"
    return "".join(cells)


def show_timing(terminal, answer):
    timing = answer["timing"]
    sides = [(name, timing[key]["stats"]) for name, key in (("reference", "reference"), ("candidate", "candidate"))
             if timing[key]]
    if not sides:
        return
    low = min(stats["min"] for _, stats in sides)
    high = max(stats["percentile_99"] for _, stats in sides)
    terminal.line(terminal.paint(
        f"      {'':10}  {'median':>8}  {'p95':>8}   {time_text(low).strip()} to {time_text(high).strip()}", "dim"))
    for name, stats in sides:
        terminal.line(f"      {name:10}  {time_text(stats['median'])}  {time_text(stats['percentile_95'])}   "
                      f"{spread_bar(stats, low, high)}  {counted(stats)}")
    if timing["speedup"]:
        interval = ""
        if timing["speedup_low"] and timing["speedup_high"]:
            interval = f"   (95 % interval {timing['speedup_low']:.2f} to {timing['speedup_high']:.2f})"
        factor = terminal.paint(f"{timing['speedup']:.2f}x", "bold")
        terminal.line(f"      {'speed-up':10}  {factor}{interval}")


def show_worst(terminal, answer):
    checks = answer["checks"]
    worst = checks["worst"]
    if answer["verdict"]["code"] == "correct" or not worst:
        return False

    def figure(value):
        return value if isinstance(value, str) else f"{value:.7g}"

    where = (worst["output_name"] or f"output {worst['output']}") + str(worst["index"])
    terminal.line(f"      worst       {where}: got {figure(worst['got'])}, expected {figure(worst['want'])}")
    terminal.line(f"      {'':10}  off by {figure(worst['error'])}, allowed {figure(worst['allowed'])}; "
                  f"{checks['elements_wrong']:,} of {checks['elements_checked']:,} elements are wrong "
                  f"in {checks['calls_failed']} of {checks['calls_checked']} calls")
    return True


def show_compile(terminal, answer):
    for report in answer["compile"]:
        for kernel in report["kernels"]:
            if kernel["registers"] is None:
                continue
            spills = (kernel["spill_store_bytes"] or 0) + (kernel["spill_load_bytes"] or 0)
            shared = kernel["shared_static_bytes"] or 0
            terminal.line(f"      compiled    {kernel['kernel_name']} by {report['tool']} for {report['architecture']} "
                          f"in {time_text(report['seconds'] * 1000).strip()}"
                          + (" (cached)" if report["cache_hit"] else ""))
            terminal.line(f"      {'':10}  {kernel['registers']} registers, {spills} bytes spilled, "
                          f"{shared} bytes of shared memory")


def show(terminal, number, title, answer, seconds):
    code = answer["verdict"]["code"]
    colour = {"correct": "green", "compiled_only": "yellow", "ran_unchecked": "yellow"}.get(code, "red")
    label = code.replace("_", " ").upper()
    terminal.line(f"  {number}  {title:<48}" + terminal.paint(f"{label:<14}", colour, "bold")
                  + terminal.paint(f"{seconds:5.2f} s", "dim"))
    if not show_worst(terminal, answer):
        terminal.line(f"      {answer['verdict']['summary']}")
    show_compile(terminal, answer)
    show_timing(terminal, answer)
    if answer["timing"]["unavailable_reason"]:
        terminal.line(f"      not timed   {answer['timing']['unavailable_reason']}")
    terminal.line()


def run(binary, terminal):
    start = time.monotonic()
    terminal.line(terminal.paint("Assay demo", "bold"))
    terminal.progress("  starting the server")
    server = Server(binary)
    client = None
    try:
        health = server.await_health(terminal)
        devices = ", ".join(device["name"] for device in health["devices"]) or "no device"
        client = McpClient(server.port)
        terminal.line(f"  {client.server['name']} {client.server['version']} at http://127.0.0.1:{server.port}/mcp, "
                      f"ready in {time.monotonic() - start:.1f} s: {devices}\n")
        unexpected = 0
        for number, (title, name, expected) in enumerate(WITH_GPU if health["gpu_available"] else WITHOUT_GPU, 1):
            request = json.loads((REQUESTS / f"{name}.json").read_text(encoding="utf-8"))
            began = time.monotonic()
            answer = client.call_tool(request["name"], request["arguments"],
                                      lambda message: terminal.progress(f"  {number}  {title}: {message}"))
            show(terminal, number, title, answer, time.monotonic() - began)
            if answer["verdict"]["code"] not in expected:
                terminal.line(terminal.paint(f"      expected {' or '.join(sorted(expected))}", "red"))
                unexpected += 1
        if not health["gpu_available"]:
            terminal.line("  There is no GPU here: torch kernels ran on the CPU, the cuda kernel was compiled but "
                          "neither run nor timed.")
        missing = health["isolation"]["missing"]
        if missing:
            names = ", ".join(layer["name"] for layer in missing)
            terminal.line(f"  Isolation layers missing on this machine: {names} (assay doctor says why).")
    finally:
        terminal.progress("  stopping the server")
        if client:
            client.connection.close()  # the server waits for idle connections
        server.stop()
    terminal.line(f"  Done in {time.monotonic() - start:.1f} s.")
    return 1 if unexpected else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--assay", default="assay", help="the assay binary")
    arguments = parser.parse_args()
    try:
        return run(arguments.assay, Terminal())
    except (RuntimeError, OSError, http.client.HTTPException) as error:
        print(f"\ndemo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
