// SPDX-License-Identifier: Apache-2.0
// usage: node client.mjs ERA REQUEST.json URL
//        node client.mjs ERA REQUEST.json COMMAND ARGUMENT...
// Calls one tool of Assay with version 2 of the official TypeScript SDK. ERA: legacy, auto, or a version to insist
// on such as 2026-07-28. A request is {name, arguments}.
import { readFileSync } from "node:fs";

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

const [era, requestPath, target, ...args] = process.argv.slice(2);
const request = JSON.parse(readFileSync(requestPath, "utf8"));
const transport = target.startsWith("http")
  ? new StreamableHTTPClientTransport(new URL(target))
  : new StdioClientTransport({ command: target, args });

const mode = era === "legacy" || era === "auto" ? era : { pin: era };
const client = new Client({ name: "typescript-v2-example", version: "1.0.0" }, { versionNegotiation: { mode } });
await client.connect(transport);
console.log("server:", client.getServerVersion().name, client.getServerVersion().version);
console.log("protocol:", client.getNegotiatedProtocolVersion());
console.log("tools:", (await client.listTools()).tools.map((tool) => tool.name).join(" "));

// Kernels take their time: progress keeps the call alive beyond the SDK's limit of 60 s.
const result = await client.callTool(request, {
  resetTimeoutOnProgress: true,
  onprogress: ({ progress, message }) => console.log(`progress ${Math.round(progress)}: ${message}`),
});
console.log("summary:", result.structuredContent.summary);
await client.close();
