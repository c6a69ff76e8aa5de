# SPDX-License-Identifier: Apache-2.0
"""The official Python SDK as the client, in both eras, over HTTP and stdio."""

import asyncio

import pytest
from assay_process import BINARY, example

from mcp import Client, MCPError, StdioServerParameters

TOOLS = ["evaluate_kernel", "compare_kernels", "validate_kernel", "get_server_stats", "get_job_status"]


def with_client(target, mode, use):
    async def run():
        async with Client(target, mode=mode) as client:
            return await use(client)

    return asyncio.run(run())


async def use_all(client):
    """Calls each of the five tools once; the SDK checks each answer against its output schema."""
    assert [tool.name for tool in (await client.list_tools()).tools] == TOOLS

    seen = []

    async def on_progress(progress, total, message):
        seen.append((progress, total, message))

    right = await client.call_tool(*example("softmax_right"), progress_callback=on_progress)
    assert not right.is_error, right.structured_content
    assert right.structured_content["verdict"]["code"] == "correct", right.structured_content["summary"]
    assert right.structured_content["timing"]["speedup"] > 0
    assert [value for value, _, _ in seen] == sorted({value for value, _, _ in seen})

    wrong = await client.call_tool(*example("softmax_wrong"))
    assert not wrong.is_error
    assert wrong.structured_content["verdict"]["code"] == "incorrect", wrong.structured_content["summary"]
    worst = wrong.structured_content["checks"]["worst"]
    assert worst["error"] > worst["allowed"]

    alone = await client.call_tool(*example("softmax_evaluate"))
    assert alone.structured_content["verdict"]["code"] == "ran_unchecked", alone.structured_content["summary"]

    validated = await client.call_tool(*example("vector_add_validate"))
    assert validated.structured_content["compiled"] is True, validated.structured_content["summary"]
    kernels = validated.structured_content["compile"][0]["kernels"]
    assert kernels[0]["registers"] > 0

    stats = await client.call_tool("get_server_stats", {})
    assert stats.structured_content["job_stats"]["completed"] >= 3

    job = await client.call_tool("get_job_status", {"job_id": wrong.structured_content["job_id"]})
    assert job.structured_content["status"] == "completed"
    assert job.structured_content["result"]["verdict"]["code"] == "incorrect"


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_five_tools_over_http(assay, mode):
    with_client(f"http://127.0.0.1:{assay.port}/mcp", mode, use_all)


def test_five_tools_over_stdio(tmp_path):
    server = StdioServerParameters(command=BINARY, args=["stdio", "--data-dir", str(tmp_path / "data")])
    with_client(server, "auto", use_all)


def test_a_job_handle_is_a_way_back(assay):
    async def use(client):
        name, arguments = example("softmax_right")
        handle = await client.call_tool(name, {**arguments, "wait_seconds": 0, "fresh": True})
        content = handle.structured_content
        assert not handle.is_error
        assert content["status"] == "running" and content["poll_after_ms"] > 0
        job = await client.call_tool("get_job_status", {"job_id": content["job_id"], "wait_seconds": 60})
        assert job.structured_content["status"] == "completed"
        assert job.structured_content["result"]["verdict"]["code"] == "correct"

    with_client(f"http://127.0.0.1:{assay.port}/mcp", "auto", use)


def test_the_three_channels(assay):
    async def use(client):
        with pytest.raises(MCPError) as malformed:  # a malformed call
            await client.call_tool("evaluate_kernel", {"kernel_type": "torch"})
        assert "kernel_source" in str(malformed.value)
        unknown = await client.call_tool("get_job_status", {"job_id": "no-such-job"})
        assert unknown.is_error  # ours: the job may have expired
        bad = await client.call_tool("evaluate_kernel", {"kernel_source": "def f(:", "kernel_type": "torch"})
        assert not bad.is_error  # a bad kernel
        assert bad.structured_content["verdict"]["code"] == "compilation_failed"

    with_client(f"http://127.0.0.1:{assay.port}/mcp", "auto", use)
