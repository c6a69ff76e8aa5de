# SPDX-License-Identifier: Apache-2.0
"""deploy/nginx.conf in a real nginx, with the real front behind it; deploy/Caddyfile as Caddy reads it."""

import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import time

import pytest

from assay_process import ROOT, Assay

TOKEN = "a-token-that-is-long-enough"
NAME = "kernels.example"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
STATS = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "get_server_stats"}}
ENDLESS = "def f(x):\n    while True: pass\ndef get_inputs():\n    import torch\n    return [torch.ones(4)]\n"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def settings(folder, assay_port, port):
    """The file as it is, with this test's ports and certificate, inside what an nginx.conf has around it."""
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    for old, new in {"listen 443 ssl http2": f"listen 127.0.0.1:{port} ssl http2",
                     "/etc/ssl/kernels.example.pem": f"{folder}/cert.pem",
                     "/etc/ssl/private/kernels.example.key": f"{folder}/key.pem",
                     "http://127.0.0.1:8000": f"http://127.0.0.1:{assay_port}"}.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    places = "".join(f"{kind}_temp_path {folder}/{kind};\n"
                     for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root;\n" if os.getuid() == 0 else ""
    return (f"{user}daemon off; pid {folder}/pid; error_log {folder}/error.log;\nevents {{}}\n"
            f"http {{\naccess_log off;\n{places}{text}}}\n")


class Nginx:
    def __init__(self, folder, assay_port):
        self.port = free_port()
        folder = pathlib.Path(folder)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={NAME}",
                        "-addext", f"subjectAltName=DNS:{NAME}", "-keyout", folder / "key.pem",
                        "-out", folder / "cert.pem"], check=True, capture_output=True)
        (folder / "nginx.conf").write_text(settings(folder, assay_port, self.port))
        self.context = ssl.create_default_context(cafile=folder / "cert.pem")
        with open(folder / "start.log", "wb") as log:
            self.process = subprocess.Popen([NGINX, "-p", folder, "-c", folder / "nginx.conf"], stderr=log)
        for _ in range(300):
            assert self.process.poll() is None, (folder / "start.log").read_text()
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("nginx does not listen")

    def connect(self, timeout=60):
        return self.context.wrap_socket(socket.create_connection(("127.0.0.1", self.port), timeout=timeout),
                                        server_hostname=NAME)

    def request(self, method, path, body=None, headers=None, chunked=False):
        connection = http.client.HTTPConnection(NAME, timeout=60)
        connection.sock = self.connect()
        try:
            sent = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json", **(headers or {})}
            connection.request(method, path, body, sent, encode_chunked=chunked)
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=20)


@pytest.fixture(name="front", scope="module")
def nginx_before_assay(tmp_path_factory):
    if NGINX is None or shutil.which("openssl") is None:
        pytest.skip("skipped: no nginx or openssl here")
    flags = ["--allowed-host", NAME, "--public-url", f"https://{NAME}", "--auth-server", "https://login.example"]
    with Assay(arguments=flags, environment={"ASSAY_TOKEN": TOKEN}) as server:
        server.await_healthy()
        nginx = Nginx(tmp_path_factory.mktemp("nginx"), server.port)
        try:
            yield nginx
        finally:
            nginx.close()


def test_requests_pass_and_the_token_is_wanted(front):
    status, _, body = front.request("POST", "/mcp", json.dumps(STATS))
    assert status == 200 and json.loads(body)["result"]["isError"] is False
    status, headers, _ = front.request("POST", "/mcp", json.dumps(STATS), {"Authorization": "Bearer no"})
    assert status == 401
    metadata = f"https://{NAME}/.well-known/oauth-protected-resource/mcp"
    assert f'resource_metadata="{metadata}"' in headers["WWW-Authenticate"]
    status, _, body = front.request("GET", "/.well-known/oauth-protected-resource/mcp", headers={"Authorization": ""})
    assert status == 200 and json.loads(body)["resource"] == f"https://{NAME}/mcp"


def test_a_chunked_upload_arrives_with_a_length(front):
    pieces = iter([json.dumps(STATS)[:20].encode(), json.dumps(STATS)[20:].encode()])
    status, _, body = front.request("POST", "/mcp", pieces, {"Transfer-Encoding": "chunked"}, chunked=True)
    assert status == 200 and json.loads(body)["id"] == 1


def test_what_is_too_large_ends_at_the_proxy(front):
    assert front.request("POST", "/evaluate", b" ", {"Content-Length": str((64 << 20) + 1)})[0] == 413
    assert front.request("GET", "/health", headers={"X": "a" * 40_000})[0] == 400


def test_two_lengths_or_a_hidden_request_are_not_served(front):
    hidden = b"GET /stats HTTP/1.1\r\nHost: kernels.example\r\n\r\n"
    with front.connect() as sock:
        sock.sendall(b"POST /mcp HTTP/1.1\r\nHost: kernels.example\r\nContent-Length: 5\r\n"
                     b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n" + hidden)
        received = b""
        while piece := sock.recv(65536):
            received += piece
    assert received.startswith(b"HTTP/1.1 4") and received.count(b"HTTP/1.1") == 1


def test_events_come_through_one_by_one(front):
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": "evaluate_kernel", "_meta": {"progressToken": 1},
        "arguments": {"kernel_source": ENDLESS, "kernel_type": "torch", "timeout": 5,
                      "metadata": {"function_name": "f"}, "wait_seconds": 60}}}
    body = json.dumps(call).encode()
    with front.connect() as sock:
        sock.sendall(b"POST /mcp HTTP/1.1\r\nHost: kernels.example\r\nContent-Type: application/json\r\n"
                     b"Authorization: Bearer " + TOKEN.encode() + b"\r\nConnection: close\r\n"
                     b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body)
        start, received, first_event = time.monotonic(), b"", None
        while piece := sock.recv(65536):
            received += piece
            if first_event is None and b"notifications/progress" in received:
                first_event = time.monotonic() - start
        took = time.monotonic() - start
    print(f"first event after {first_event:.2f} s of {took:.2f} s")
    text = re.sub(rb"\r\n[0-9a-f]+\r\n", b"", received)  # without the edges of chunks
    assert b"structuredContent" in text and received.endswith(b"0\r\n\r\n")
    assert first_event < took - 1


def test_one_client_cannot_ask_without_end(front):
    statuses = []
    for _ in range(120):
        statuses.append(front.request("GET", "/health")[0])
        if statuses[-1] == 429:
            break
    else:
        # A machine that is busy enough is no faster than the limit.
        pytest.skip("skipped: 120 requests took too long to reach the limit")
    assert statuses[0] == 200


def test_caddy_takes_its_file():
    caddy = shutil.which("caddy")
    if caddy is None:
        pytest.skip("skipped: no caddy here")
    done = subprocess.run([caddy, "validate", "--adapter", "caddyfile", "--config", ROOT / "deploy" / "Caddyfile"],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
