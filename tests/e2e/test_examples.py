# SPDX-License-Identifier: Apache-2.0
"""The examples are what they say: requests that fit the published schemas, sources as in kernels/, a demo that works."""

import json
import os
import subprocess
import sys
import time

import jsonschema
import pytest
from assay_process import BINARY, ROOT, SLACK

EXAMPLES = ROOT / "examples"
REQUESTS = sorted((EXAMPLES / "requests").glob("*.json"))
DEMO_AIM_S = 10


@pytest.fixture(scope="module")
def input_schemas(assay):
    return {tool["name"]: tool["inputSchema"] for tool in assay.rpc("tools/list")["result"]["tools"]}


@pytest.mark.parametrize("path", REQUESTS, ids=lambda path: path.stem)
def test_a_request_fits_its_tools_schema(input_schemas, path):
    request = json.loads(path.read_text())
    schema = input_schemas[request["name"]]
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(request["arguments"], schema)
    assert set(request["arguments"]) <= set(schema["properties"])


@pytest.mark.parametrize("path", REQUESTS, ids=lambda path: path.stem)
def test_a_requests_sources_are_files_of_kernels(path):
    sources = {file.read_text() for file in (EXAMPLES / "kernels").iterdir()}
    arguments = json.loads(path.read_text())["arguments"]
    inline = [value for key, value in arguments.items() if key.endswith("_source")]
    assert inline and all(source in sources for source in inline)


def test_the_demo_shows_the_expected_verdicts_in_time():
    start = time.monotonic()
    demo = subprocess.run([sys.executable, str(EXAMPLES / "demo.py"), "--assay", BINARY], capture_output=True,
                          text=True, timeout=120, env={**os.environ, "PYTHONIOENCODING": "utf-8"})
    seconds = time.monotonic() - start
    print(demo.stdout, demo.stderr)
    assert demo.returncode == 0
    assert "CORRECT" in demo.stdout and "INCORRECT" in demo.stdout and "worst" in demo.stdout
    assert "registers" in demo.stdout
    assert "\033" not in demo.stdout  # no colours into a pipe
    assert seconds < DEMO_AIM_S * SLACK
