// SPDX-License-Identifier: Apache-2.0
// Streamable HTTP without an HTTP library: POST, GET and DELETE of /mcp become messages for the
// server, its answers JSON or streams; sessions of the legacy era, resumption, batches.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mcp/call_stream.h"
#include "mcp/event_source.h"
#include "mcp/server.h"
#include "mcp/session.h"
#include "mcp/worker_pool.h"

namespace assay::mcp {

// What a client that can read no event stream is told where the answer is one.
inline constexpr const char* kWantsStream =
    "the answer is an event stream: accept text/event-stream, over HTTP/1.1";

struct McpRequest {
  std::string method;  // of HTTP, upper case
  std::string_view body;
  McpHeaders headers;
  bool accepts_stream = true;
  // True once nobody is left to read an answer; empty: not known.
  std::function<bool()> client_gone = {};
};

struct McpReply {
  int status = 200;
  Json body;                            // null: none
  std::shared_ptr<EventSource> events;  // instead of a body, with status 200
  std::vector<std::pair<std::string, std::string>> headers;
};

struct McpEndpointOptions {
  std::size_t max_calls = 512;  // long calls at a time
  // A call that is done within this time is answered as plain JSON, a longer one as a stream.
  std::chrono::milliseconds stream_after{1'000};
  // tools/list too is answered by a stream: for the conformance suite, which uses it to see whether
  // several streams work at a time.
  bool stream_lists = false;
};

class McpEndpoint {
 public:
  // `server` must outlive it.
  McpEndpoint(const Server& server, McpEndpointOptions options);

  // Thread-safe. Blocks until there is an answer or a stream of it.
  McpReply handle(const McpRequest& request);
  // Withdraws nothing; returns when the calls in progress are done.
  void stop() { calls_.stop(); }

 private:
  class CallOnHttp;
  class BatchAnswers;

  McpReply post(const McpRequest& request);
  McpReply resume(const McpRequest& request);
  McpReply end_session(const McpRequest& request);
  McpReply take(const Message& message, const Peer& peer, const McpRequest& request);
  McpReply take_batch(const std::vector<Decoded>& parts, const Peer& peer,
                      const McpRequest& request);
  // With ids where a session lets the client come back.
  std::shared_ptr<CallStream> new_stream(const std::shared_ptr<Session>& session);
  // Runs a call that says on `stream` what it has to say before its end. `ended` gets the response,
  // the refusal where the call could not be run, or nothing where the client has withdrawn it.
  using Ended = std::function<void(std::optional<Json>)>;
  void start(PendingCall call, const std::shared_ptr<Session>& session,
             const std::shared_ptr<CallStream>& stream, const Ended& ended);
  // What `stream` ends with as JSON, when that comes soon or its client takes no stream; else the
  // stream. `batch`: whose answers they are; null for a single call.
  struct Awaited {
    CallStream::ReaderOptions reading;
    bool wants_progress = false;
    BatchAnswers* batch = nullptr;
  };
  McpReply reply_from(const std::shared_ptr<CallStream>& stream, const Awaited& awaited,
                      const Peer& peer, const McpRequest& request);

  const Server& server_;
  const McpEndpointOptions options_;
  SessionStore sessions_;
  std::atomic<std::uint64_t> streams_ = 0;
  WorkerPool calls_;
};

}  // namespace assay::mcp
