// SPDX-License-Identifier: Apache-2.0
#include "mcp/rate_limit.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace assay::mcp {
namespace {

constexpr std::chrono::seconds kForgetInterval{1};  // a full table is not searched at every request
constexpr const char* kEveryoneElse = "";

ClientName name_of(const in_addr& address) {
  std::array<char, INET_ADDRSTRLEN> text{};
  ::inet_ntop(AF_INET, &address, text.data(), text.size());
  return {text.data(), (ntohl(address.s_addr) >> 24) == 127};
}

ClientName name_of(in6_addr address) {
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    in_addr inner{};
    std::memcpy(&inner, address.s6_addr + 12, sizeof inner);
    return name_of(inner);
  }
  const bool loopback = IN6_IS_ADDR_LOOPBACK(&address);
  if (!loopback) std::memset(address.s6_addr + 8, 0, 8);
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(AF_INET6, &address, text.data(), text.size());
  return {text.data(), loopback};
}

}  // namespace

ClientName client_name(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET)
    return name_of(reinterpret_cast<const sockaddr_in&>(address).sin_addr);
  if (address.ss_family == AF_INET6)
    return name_of(reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
  return {};
}

double ClientLimits::capacity() const {
  return std::max(1.0, options_.requests_per_second);
}

std::optional<std::chrono::seconds> ClientLimits::admit_request(const ClientName& client,
                                                                Clock::time_point now) {
  if (options_.requests_per_second <= 0 || (client.loopback && !options_.rate_for_loopback))
    return std::nullopt;
  const std::lock_guard lock(mutex_);
  Client& found = find(client.text, now);
  const double elapsed = std::chrono::duration<double>(now - found.filled_at).count();
  found.tokens = std::min(capacity(), found.tokens + elapsed * options_.requests_per_second);
  found.filled_at = now;
  if (found.tokens >= 1) {
    found.tokens -= 1;
    return std::nullopt;
  }
  const double missing = (1 - found.tokens) / options_.requests_per_second;
  return std::chrono::seconds(std::max(1L, std::lround(std::ceil(missing))));
}

bool ClientLimits::open_connection(const ClientName& client) {
  if (client.loopback) return true;
  const std::lock_guard lock(mutex_);
  Client& found = find(client.text, Clock::now());
  if (found.connections >= options_.connections) return false;
  ++found.connections;
  return true;
}

void ClientLimits::close_connection(const ClientName& client) {
  if (client.loopback) return;
  const std::lock_guard lock(mutex_);
  // A client with connections is never forgotten, so a missing one was counted for everyone else.
  const auto own = clients_.find(client.text);
  const auto found =
      own != clients_.end() && own->second.connections > 0 ? own : clients_.find(kEveryoneElse);
  if (found != clients_.end() && found->second.connections > 0) --found->second.connections;
}

std::size_t ClientLimits::remembered() const {
  const std::lock_guard lock(mutex_);
  return clients_.size();
}

ClientLimits::Client& ClientLimits::find(const std::string& name, Clock::time_point now) {
  const auto known = clients_.find(name);
  if (known != clients_.end()) return known->second;
  if (clients_.size() >= kMaxClients) forget_idle(now);
  const bool has_room = clients_.size() < kMaxClients;
  return clients_.try_emplace(has_room ? name : kEveryoneElse, Client{capacity(), now, 0})
      .first->second;
}

void ClientLimits::forget_idle(Clock::time_point now) {
  if (now - forgot_at_ < kForgetInterval) return;
  forgot_at_ = now;
  // A bucket that is full again is as good as a new one: forgetting it changes nothing.
  const double rate = options_.requests_per_second;
  const std::chrono::duration<double> refill(rate > 0 ? capacity() / rate : 0);
  std::erase_if(clients_, [&](const auto& entry) {
    return entry.second.connections == 0 && now - entry.second.filled_at > refill;
  });
}

}  // namespace assay::mcp
