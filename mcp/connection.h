// SPDX-License-Identifier: Apache-2.0
// One accepted socket with a bound on everything: what is kept of it, how long its peer may take to
// say or to take something. Used by one thread. Free of the HTTP library.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "mcp/rate_limit.h"
#include "mcp/request_head.h"

namespace assay::mcp {

struct ConnectionLimits {
  std::chrono::milliseconds keep_alive{5'000};         // between two requests
  std::chrono::milliseconds head_limit{10'000};        // from a head's first byte to its last
  std::chrono::milliseconds read_timeout{10'000};      // of a body without a byte
  std::chrono::milliseconds write_timeout{15'000};     // for a peer to take one piece of an answer
  std::uint64_t min_body_bytes_per_second = 16 << 10;  // once read_timeout is over
};

// Memory that the bodies of all connections may take together. Thread-safe.
class BodyBudget {
 public:
  explicit BodyBudget(std::uint64_t most_bytes) : left_bytes_(most_bytes) {}
  bool take(std::uint64_t bytes);
  void give_back(std::uint64_t bytes) { left_bytes_ += bytes; }

 private:
  std::atomic<std::uint64_t> left_bytes_;
};

// What one body has taken, given back with it.
class BodyLease {
 public:
  explicit BodyLease(BodyBudget& budget) : budget_(budget) {}
  ~BodyLease() { budget_.give_back(taken_); }
  BodyLease(const BodyLease&) = delete;
  BodyLease& operator=(const BodyLease&) = delete;
  bool grow_to(std::uint64_t bytes);

 private:
  BodyBudget& budget_;
  std::uint64_t taken_ = 0;
};

HttpRefusal stopping_refusal();

enum class Wait { ready, closed, timed_out, stopped };

// Descriptors that become readable and stay so.
struct StopEvents {
  int idle = -1;  // connections that wait for a request have to end
  int all = -1;   // whatever waits for its peer has to end
};

class Connection {
 public:
  // Takes the socket over.
  Connection(int socket, StopEvents stops, ConnectionLimits limits);
  // Closes it so that the peer can read what was written, even if it is still sending.
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // For the first byte of a request.
  Wait await_request(std::chrono::milliseconds patience);
  // Up to and with the blank line; 431 when it is too long, 408 when it takes too long, 503 when
  // the server stops, status 0 when the peer has gone.
  ParsedHead read_head();
  // Exactly `bytes`, which then are no longer in the connection. `refused`: 408 or 503 (memory,
  // stopping).
  struct Body {
    std::string text;
    std::optional<HttpRefusal> refused;
  };
  Body read_body(std::uint64_t bytes, BodyLease& lease);
  // Reads on and forgets it. False when that takes too long.
  bool discard(std::uint64_t bytes);

  // False when the peer did not take all of it in time, or has gone; then nothing more is written.
  bool write(std::string_view bytes);
  // Waits for nothing, and gives up rather than wait.
  void write_at_once(std::string_view bytes);
  // Sees a peer that closed even when it left bytes behind. Also true once all has to end.
  bool peer_has_gone() const;

  const ClientName& client() const { return client_; }
  int port() const { return port_; }
  int socket() const { return socket_; }

 private:
  using Clock = std::chrono::steady_clock;

  // Waits until the socket is ready for `events`. `idle`: nothing is in progress meanwhile.
  Wait await(short events, Clock::time_point until, bool idle) const;
  // Reads what there is behind what is kept.
  Wait receive(Clock::time_point until, bool idle);
  std::string take_kept(std::uint64_t bytes);

  const int socket_;
  const StopEvents stops_;
  const ConnectionLimits limits_;
  ClientName client_;
  int port_ = 0;
  std::string kept_;  // received and not used yet: at most a head and one piece
  bool broken_ = false;
};

}  // namespace assay::mcp
