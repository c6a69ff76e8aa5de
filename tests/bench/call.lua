-- SPDX-License-Identifier: Apache-2.0
-- For wrk: POSTs the JSON-RPC message in BODY, with the session id in SESSION where the server gave one.
wrk.method = "POST"
wrk.body = os.getenv("BODY")
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Accept"] = "application/json, text/event-stream"
wrk.headers["MCP-Protocol-Version"] = "2025-11-25"
if os.getenv("SESSION") ~= "" then wrk.headers["Mcp-Session-Id"] = os.getenv("SESSION") end
