// SPDX-License-Identifier: Apache-2.0
// The HTTP end: POST /mcp as Streamable HTTP and the REST routes, on one port. The only part that
// knows the HTTP library.
//
// Threads: serve() accepts on the calling thread; each connection has a thread of a growing pool
// for its life, each long tool call one of another. stop() may be called from any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mcp/auth.h"
#include "mcp/rate_limit.h"
#include "mcp/rest.h"
#include "mcp/server.h"
#include "schemas/result.h"

namespace assay::mcp {

struct HttpOptions {
  std::string host = "127.0.0.1";
  int port = 8000;                                // 0: a free one
  std::vector<std::string> allowed_hosts = {};    // names clients may call us, beside our own
  std::vector<std::string> allowed_origins = {};  // whole origins that pages may come from
  AuthOptions auth = {};
  ClientLimitOptions clients = {};
  // A thread each. More than streams, so that there is room for questions while all of those are
  // open.
  std::size_t max_connections = 1'280;
  std::size_t max_streams = 1'152;                  // one more is told so (503)
  std::size_t max_calls = 1'024;                    // long tool calls at a time
  std::uint64_t max_bodies_bytes = 1'024ULL << 20;  // of all requests at a time
  std::size_t requests_per_connection = 10'000;     // then it is closed
  std::chrono::seconds keep_alive{5};
  std::chrono::seconds read_timeout{10};
  std::chrono::seconds write_timeout{15};
  // For the answers that are on their way when the server stops; then they are cut off.
  std::chrono::milliseconds drain_patience{4'000};
  // A call that is done within this time is answered as plain JSON, a longer one as a stream.
  std::chrono::milliseconds stream_after{1'000};
  bool stream_lists = false;  // tools/list by a stream: for the conformance suite
};

class HttpServer {
 public:
  explicit HttpServer(HttpOptions options);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Binds and listens; clients may connect from here on and wait for serve(). The value is the
  // port.
  schemas::Result<int> listen();
  // Blocks until stop(). `server` and `rest` must outlive it. False when accepting failed.
  bool serve(const Server& server, const Rest& rest);
  // Closes the listener; serve() returns when the connections are done.
  void stop();

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace assay::mcp
