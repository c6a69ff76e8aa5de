// SPDX-License-Identifier: Apache-2.0
// The MCP server without a transport: one message in, one answer out. HTTP and stdio are two thin
// ends of it. Immutable after construction: every member may be called by any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mcp/answer.h"
#include "tools/registry.h"

namespace assay::mcp {

class Extension;

class Server {
 public:
  // `registry` and `extension` (may be null) must outlive the server.
  Server(const tools::Registry& registry, std::string version,
         const Extension* extension = nullptr);

  // A message that is no request gets no body; a cancellation reaches the session's call, a
  // response the one of ours that waits for it.
  Handled handle(const Message& message, const Peer& peer) const;
  // Decodes a text of one message first.
  Handled handle(std::string_view text, const Peer& peer) const;

 private:
  struct Method;
  static const Method* find_method(const std::string& name, Era era);

  Json server_info() const;
  Json capabilities(Era era) const;
  Handled initialize(const Request& request) const;
  Handled discover(const Request& request) const;
  Handled ping(const Request& request) const;
  Handled list_tools(const Request& request) const;
  Handled call_tool(const Request& request) const;
  Handled list_prompts(const Request& request) const;
  Handled get_prompt(const Request& request) const;
  Handled list_resources(const Request& request) const;
  Handled list_resource_templates(const Request& request) const;
  Handled read_resource(const Request& request) const;

  Handled list(const Request& request, const char* field, Json items) const;
  std::optional<Handled> extended(const Request& request) const;

  const tools::Registry& registry_;
  std::string version_;
  const Extension* extension_;
};

}  // namespace assay::mcp
