# SPDX-License-Identifier: Apache-2.0
"""The configurations of examples/hosts lead to a server: their command starts one, their address is the endpoint."""

import json
import os
import subprocess
import tomllib
import urllib.parse

import pytest
from assay_process import BINARY, ROOT, START_LIMIT_S

HOSTS = ROOT / "examples" / "hosts"
INITIALIZE = {"jsonrpc": "2.0", "id": 1, "method": "initialize",
              "params": {"protocolVersion": "2025-11-25", "capabilities": {},
                         "clientInfo": {"name": "test", "version": "1"}}}
NAMES = sorted(path.name for path in (HOSTS / "http").iterdir())


def entry(transport, name):
    """The one server that a configuration names, and nothing else."""
    text = (HOSTS / transport / name).read_text()
    whole = tomllib.loads(text) if name.endswith(".toml") else json.loads(text)
    [(key, servers)] = whole.items()
    assert key in ("mcpServers", "servers", "mcp_servers")
    [(server, settings)] = servers.items()
    assert server == "assay"
    return settings


def test_each_host_has_both_transports():
    assert NAMES and NAMES == sorted(path.name for path in (HOSTS / "stdio").iterdir())


@pytest.mark.parametrize("name", NAMES)
def test_http(assay, name):
    settings = entry("http", name)
    [url] = [urllib.parse.urlsplit(settings[key]) for key in ("url", "httpUrl") if key in settings]
    assert (url.scheme, url.netloc) == ("http", "127.0.0.1:8000")  # the defaults of assay serve
    answer = assay.post(url.path, INITIALIZE, headers={"Accept": "application/json, text/event-stream"})
    assert answer.body["result"]["serverInfo"]["name"] == "assay"


def test_stdio(tmp_path):
    commands = {(entry("stdio", name)["command"], *entry("stdio", name)["args"]) for name in NAMES}
    [(placeholder, *arguments)] = commands  # the same for all
    assert placeholder == "/path/to/assay"
    ended = subprocess.run([BINARY, *arguments], input=json.dumps(INITIALIZE) + "\n", capture_output=True, text=True,
                           timeout=START_LIMIT_S, env={**os.environ, "ASSAY_DATA_DIR": str(tmp_path)})
    assert json.loads(ended.stdout)["result"]["serverInfo"]["name"] == "assay"
