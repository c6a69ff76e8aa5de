// SPDX-License-Identifier: Apache-2.0
// The HTTP library behind our own reader of requests. The library accepts connections and writes
// answers; heads and bodies are read, bounded and judged here, and it is only ever shown "GET /".
// So what its parser does with hostile bytes (Debian's 0.11.4: headers without a bound, chunked and
// inflated bodies without a limit, percent-decoded header values, lost pipelined requests, left
// bodies taken for requests) does not matter. Compiles with 0.11.4 and with today's versions.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <httplib.h>
#include <string>

#include "mcp/connection.h"
#include "mcp/http_guard.h"
#include "mcp/rate_limit.h"

namespace assay::mcp {

struct GuardedServerOptions {
  GuardOptions guard = {};
  ConnectionLimits connection = {};
  ClientLimitOptions clients = {};
  // At a time; one more is told so (503) and closed. Each has a thread.
  std::size_t max_connections = 1'280;
  std::size_t requests_per_connection = 10'000;     // then it is closed
  std::uint64_t max_bodies_bytes = 1'024ULL << 20;  // of all requests at a time
};

class GuardedServer final : public httplib::Server {
 public:
  // True once nobody is left to read the answer; to be asked on the thread that answers.
  using ClientGone = std::function<bool()>;
  // Answers a request that passed the guard; its headers are as the client sent them, its body is
  // whole. Called by one thread per connection.
  using Answer =
      std::function<void(const httplib::Request&, httplib::Response&, const ClientGone&)>;
  // The body of a refusal of ours and its type; the head holds what was read of it.
  struct RefusalBody {
    std::string type, text;
  };
  using RefusalText = std::function<RefusalBody(const RequestHead&, const HttpRefusal&)>;

  GuardedServer(GuardedServerOptions options, Answer answer, RefusalText refusal_text);
  ~GuardedServer() override;

  // New requests are refused and idle connections end from here on. Returns when the requests in
  // progress are answered; after `patience`, whatever still waits for its client is cut off.
  void drain(std::chrono::milliseconds patience);

  std::size_t connections() const { return connections_; }

 private:
  struct Opened;

  bool process_and_close_socket(socket_t socket) override;
  void serve(Connection& connection);
  // False when the connection has to end.
  bool serve_request(Connection& connection, bool last);
  bool answer(Connection& connection, const RequestHead& head, std::string body, bool close);
  bool refuse(Connection& connection, const RequestHead& head, const HttpRefusal& refused,
              bool close);
  // The guard's rules in their order; those that close come first.
  std::optional<HttpRefusal> judge(const Connection& connection, const RequestHead& head);
  std::chrono::milliseconds keep_alive_patience() const;
  std::string refusal_answer(const RequestHead& head, const HttpRefusal& refused, bool close) const;

  const GuardedServerOptions options_;
  const Answer answer_;
  const RefusalText refusal_text_;
  ClientLimits clients_;
  BodyBudget bodies_;
  const StopEvents stops_;
  std::atomic<bool> draining_ = false;
  std::atomic<std::size_t> connections_ = 0;
  std::atomic<std::size_t> requests_in_progress_ = 0;
};

}  // namespace assay::mcp
