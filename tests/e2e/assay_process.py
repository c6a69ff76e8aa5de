# SPDX-License-Identifier: Apache-2.0
"""A real assay process for tests, and the two ways to talk to it."""

import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("ASSAY_BUILD_DIR", ROOT / "build" / "release"))
BINARY = str(BUILD / "bin" / "assay")
START_LIMIT_S = 90
CALL_LIMIT_S = 180
# How much slower than a quiet machine this one may be before a limit on time fails.
SLACK = float(os.environ.get("ASSAY_TIME_SLACK", "10"))


class Answer:
    """Status, headers and parsed body of an HTTP answer; shown by what tells most."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    TELLING = ("verdict", "error", "retryable", "validation_errors", "kernel_exec_result", "process_ends", "stages")

    def __repr__(self):
        body = self.body if isinstance(self.body, dict) else {"body": self.body}
        known = {key: body[key] for key in self.TELLING if key in body} or body
        return f"{self.status} {json.dumps(known)[:3000]}"


class Assay:
    """`data` outlives the process, so that a second one can go on where the first ended."""

    def __init__(self, data=None, arguments=(), environment=None, binary=BINARY):
        self.folder = tempfile.mkdtemp(prefix="assay-test-")
        self.data = data or os.path.join(self.folder, "data")
        self.port_file = pathlib.Path(self.folder) / "port"
        self.log_path = os.path.join(self.folder, "log")
        with open(self.log_path, "wb") as log:
            self.started = time.monotonic()
            self.process = subprocess.Popen(
                [binary, "serve", "--port", "0", "--port-file", str(self.port_file)]
                + ["--data-dir", self.data, *arguments],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
                env={**os.environ, **(environment or {})})
        try:
            self.port = self._await(lambda: self.port_file.exists() and int(self.port_file.read_text()))
        except BaseException:
            self.close()
            raise

    def _await(self, ask, limit_s=START_LIMIT_S):
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"assay ended: {self.process.returncode}\n{self.log()}"
            answer = ask()
            if answer:
                return answer
            time.sleep(0.01)
        raise AssertionError(f"assay was not ready after {limit_s} s\n{self.log()}")

    def log(self):
        return pathlib.Path(self.log_path).read_text(errors="replace")[-4000:]

    def await_healthy(self):
        def healthy():
            health = self.get("/health").body
            return health if health["status"] == "healthy" else None

        return self._await(healthy)

    def request(self, method, path, body=None, headers=None, raw=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=CALL_LIMIT_S)
        try:
            data = raw if raw is not None else (json.dumps(body).encode() if body is not None else None)
            sent = {"Content-Type": "application/json"} if data is not None else {}
            connection.request(method, path, data, {**sent, **(headers or {})})
            response = connection.getresponse()
            text = response.read()
            is_json = "json" in response.headers.get("Content-Type", "json")
            return Answer(response.status, response.headers,
                          (json.loads(text) if is_json else text.decode()) if text else None)
        finally:
            connection.close()

    def get(self, path):
        return self.request("GET", path)

    def post(self, path, body=None, **keywords):
        return self.request("POST", path, body, **keywords)

    def rpc(self, method, params=None):
        """One legacy MCP request, answered as JSON however long it takes."""
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}
        return self.post("/mcp", message, headers={"Accept": "application/json"}).body

    def call_tool(self, name, arguments):
        return self.rpc("tools/call", {"name": name, "arguments": arguments})

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self, limit_s=12):
        """Ends it as an operator would; returns the exit status and the seconds that took."""
        start = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=limit_s), time.monotonic() - start

    def close(self):
        if self.process.poll() is None:
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.close()


def descendants(pid):
    """{pid: command line} of everything below a process."""
    parents, commands = {}, {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            stat = pathlib.Path(f"/proc/{entry}/stat").read_text()
            parents[int(entry)] = int(stat.rpartition(")")[2].split()[1])
            commands[int(entry)] = pathlib.Path(f"/proc/{entry}/cmdline").read_bytes().replace(b"\0", b" ").decode(
                errors="replace") or stat[: stat.rindex(")") + 1]
        except (OSError, ValueError):
            continue
    found, ends = {}, [pid]
    while ends:
        parent = ends.pop()
        for child, its_parent in parents.items():
            if its_parent == parent and child not in found:
                found[child] = commands[child]
                ends.append(child)
    return found


def kernel(source, kernel_type="torch", io=None, **metadata):
    """A KernelCode object of the REST routes."""
    code = {"source_code": source, "kernel_type": kernel_type}
    if io:
        code["io"] = io
    if metadata:
        code["metadata"] = metadata
    return code


def example(name):
    """(tool, arguments) of a request of examples/requests."""
    request = json.loads((ROOT / "examples" / "requests" / f"{name}.json").read_text())
    return request["name"], request["arguments"]
