// SPDX-License-Identifier: Apache-2.0
// A request that is being answered, and the answers there are.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "mcp/jsonrpc.h"
#include "mcp/pending_call.h"
#include "mcp/protocol.h"
#include "mcp/session.h"

namespace assay::mcp {

// Who sent a message.
struct Peer {
  const McpHeaders* headers = nullptr;  // null on transports that have none
  std::shared_ptr<Session> session;     // null in the modern era, and without a session
};

// Its parts live as long as the server works on it; what runs later has to copy them.
struct Request {
  const Message& message;
  Era era;
  const Peer& peer;
  const std::string& server_version;

  // What the client can do: of this request (modern) or of its session.
  Json client_capabilities() const;
};

// One of `call` and `body` (null when there is nothing to send: HTTP 202).
struct Handled {
  int http_status = 200;
  Json body;
  std::optional<PendingCall> call = std::nullopt;
  std::optional<SessionStart> opens = std::nullopt;  // an initialize that was agreed to
};

// The envelope of the request's era is put round a result.
Handled answer_with(const Request& request, Json result);
// `http_status` 0: 404 for an unknown method of the modern era, else 200.
Handled refuse_with(const Request& request, const RpcError& error, int http_status = 0);
// `work` blocks on a thread of the transport; its error is the response's.
using Work = std::function<std::variant<Json, RpcError>(CallPeer& peer)>;
Handled run_later(const Request& request, Work work);

}  // namespace assay::mcp
