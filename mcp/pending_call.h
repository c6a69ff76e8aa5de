// SPDX-License-Identifier: Apache-2.0
// A request that may take long, between the server that knows what to do and the transport that
// runs it.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "mcp/jsonrpc.h"
#include "schemas/result.h"

namespace assay::mcp {

// What a call in progress has of its client. Called by the thread that runs the call.
class CallPeer {
 public:
  virtual ~CallPeer() = default;
  virtual void notify(Json notification) = 0;
  // True once the client has withdrawn the call.
  virtual bool cancelled() const = 0;
  // Sends a request to the client and waits for its result; legacy era only. Error: internal.
  virtual schemas::Result<Json> ask(const std::string& method, Json params) = 0;
  // Ends the stream, not the call: the client is to come back for the rest after `retry`. Nothing
  // happens on transports without streams.
  virtual void send_away(std::chrono::milliseconds retry) = 0;
};

struct PendingCall {
  Json id;
  bool wants_progress = false;
  bool closing_cancels = false;  // modern era: a closed stream withdraws the call
  // Blocks; returns the whole response.
  std::function<Json(CallPeer&)> run;
  // The response when the transport cannot run the call.
  std::function<Json(const schemas::Error& error)> refuse;
};

}  // namespace assay::mcp
