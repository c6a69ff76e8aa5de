// SPDX-License-Identifier: Apache-2.0
// usage: node client.mjs REQUEST.json URL
//        node client.mjs REQUEST.json COMMAND ARGUMENT...
// Calls one tool of Assay with version 1 of the official TypeScript SDK. A request is {name, arguments}.
import { readFileSync } from "node:fs";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const [requestPath, target, ...args] = process.argv.slice(2);
const request = JSON.parse(readFileSync(requestPath, "utf8"));
const transport = target.startsWith("http")
  ? new StreamableHTTPClientTransport(new URL(target))
  : new StdioClientTransport({ command: target, args });

const client = new Client({ name: "typescript-v1-example", version: "1.0.0" });
await client.connect(transport);
console.log("server:", client.getServerVersion().name, client.getServerVersion().version);
console.log("tools:", (await client.listTools()).tools.map((tool) => tool.name).join(" "));

// Kernels take their time: progress keeps the call alive beyond the SDK's limit of 60 s.
const result = await client.callTool(request, undefined, {
  resetTimeoutOnProgress: true,
  onprogress: ({ progress, message }) => console.log(`progress ${Math.round(progress)}: ${message}`),
});
console.log("summary:", result.structuredContent.summary);
await client.close();
