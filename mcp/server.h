// SPDX-License-Identifier: Apache-2.0
// The MCP server without a transport: one message in, one answer out. HTTP and stdio are two thin
// ends of it. Immutable after construction: every member may be called by any thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "mcp/jsonrpc.h"
#include "mcp/protocol.h"
#include "tools/registry.h"

namespace assay::mcp {

// A call of a tool that may take long. The transport runs it on a thread of its choice.
struct PendingCall {
  using Notify = std::function<void(Json)>;
  using Cancelled = std::function<bool()>;

  Json id;
  bool wants_progress = false;
  bool closing_cancels = false;  // modern era: a closed stream withdraws the call
  // Blocks; returns the whole response. `notify` gets progress notifications on the same thread.
  std::function<Json(const Notify& notify, const Cancelled& cancelled)> run;
  // The response when the transport cannot run the call.
  std::function<Json(const schemas::Error& error)> refuse;
};

// Exactly one of the two: `call`, or `body` (null when there is nothing to send: HTTP 202).
struct Handled {
  int http_status = 200;
  Json body;
  std::optional<PendingCall> call;
};

class Server {
 public:
  // `registry` must outlive the server.
  Server(const tools::Registry& registry, std::string version);

  // `headers` is null on transports that have none.
  Handled handle(std::string_view text, const McpHeaders* headers) const;

 private:
  struct Method;
  struct Context;
  static const Method* find_method(const std::string& name, Era era);

  Json server_info() const;
  Handled initialize(const Context& context) const;
  Handled discover(const Context& context) const;
  Handled ping(const Context& context) const;
  Handled list_tools(const Context& context) const;
  Handled call_tool(const Context& context) const;

  Handled result(const Context& context, Json result) const;
  Handled error(const Context& context, const RpcError& error) const;
  Json call_response(const Json& id, Era era, const schemas::Result<tools::Outcome>& outcome) const;
  Json finished(Era era, Json result) const;

  const tools::Registry& registry_;
  std::string version_;
};

}  // namespace assay::mcp
