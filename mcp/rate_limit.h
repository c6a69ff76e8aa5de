// SPDX-License-Identifier: Apache-2.0
// How much one client may take: requests per second (a token bucket) and connections at a time.
// A client is an address; for IPv6 its /64 network, of which one machine has all.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include <sys/socket.h>

namespace assay::mcp {

struct ClientLimitOptions {
  // Requests per second and client, saved up for one second; 0: no limit.
  double requests_per_second = 50;
  std::size_t connections = 128;  // at a time and client; each holds at most one stream
  // Loopback clients are usually one agent's tools, or a proxy that speaks for many.
  bool rate_for_loopback = false;
};

struct ClientName {
  std::string text = "unknown";
  bool loopback = false;
};
ClientName client_name(const sockaddr_storage& address);

// Thread-safe. Remembers at most kMaxClients; beyond them new ones share a bucket.
class ClientLimits {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t kMaxClients = 4'096;

  explicit ClientLimits(ClientLimitOptions options) : options_(options) {}

  // How long to wait before the next request when this one is too many.
  std::optional<std::chrono::seconds> admit_request(const ClientName& client,
                                                    Clock::time_point now = Clock::now());
  // False when the client has too many. Each true is followed by one close_connection.
  bool open_connection(const ClientName& client);
  void close_connection(const ClientName& client);

  std::size_t remembered() const;

 private:
  struct Client {
    double tokens;
    Clock::time_point filled_at;
    std::size_t connections = 0;
  };

  double capacity() const;
  Client& find(const std::string& name, Clock::time_point now);
  void forget_idle(Clock::time_point now);

  const ClientLimitOptions options_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Client> clients_;
  Clock::time_point forgot_at_{};
};

}  // namespace assay::mcp
