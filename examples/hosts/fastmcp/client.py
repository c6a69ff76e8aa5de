# SPDX-License-Identifier: Apache-2.0
"""usage: client.py REQUEST.json URL
       client.py REQUEST.json COMMAND ARGUMENT...

Calls one tool of Assay with the FastMCP client (pip install fastmcp==4.1.2). A request is {name, arguments}."""

import asyncio
import json
import pathlib
import sys

from fastmcp import Client
from fastmcp.client.transports import StdioTransport


async def show_progress(progress, total, message):
    print(f"progress {progress:.0f}: {message}")


async def main(request_path, target, *arguments):
    request = json.loads(pathlib.Path(request_path).read_text())
    server = target if target.startswith("http") else StdioTransport(command=target, args=list(arguments))
    async with Client(server, progress_handler=show_progress) as client:
        print("tools:", *[tool.name for tool in await client.list_tools()])
        result = await client.call_tool(request["name"], request["arguments"])
        print("summary:", result.structured_content["summary"])


asyncio.run(main(*sys.argv[1:]))
