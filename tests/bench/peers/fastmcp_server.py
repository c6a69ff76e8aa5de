# SPDX-License-Identifier: Apache-2.0
"""A FastMCP server with one trivial tool, stateless, answering in JSON: what Assay is compared with.
Usage: fastmcp_server.py PORT"""

import sys
import time

from fastmcp import FastMCP

STARTED = time.monotonic()
mcp = FastMCP("fastmcp")


@mcp.tool
def get_server_stats() -> dict:
    """Server statistics."""
    return {"status": "healthy", "uptime_s": time.monotonic() - STARTED}


mcp.run(transport="http", host="127.0.0.1", port=int(sys.argv[1]), stateless_http=True, json_response=True,
        show_banner=False, log_level="error")
