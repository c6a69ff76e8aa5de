// SPDX-License-Identifier: Apache-2.0
#include "mcp/rate_limit.h"

#include <arpa/inet.h>
#include <catch2/catch.hpp>
#include <netinet/in.h>

namespace {

using assay::mcp::client_name;
using assay::mcp::ClientLimits;
using assay::mcp::ClientName;
using namespace std::chrono_literals;

const ClientLimits::Clock::time_point kStart{1h};
const ClientName kAlice{"10.0.0.1", false}, kBob{"10.0.0.2", false}, kLocal{"127.0.0.1", true};

sockaddr_storage address(const char* text) {
  sockaddr_storage made{};
  auto& four = reinterpret_cast<sockaddr_in&>(made);
  auto& six = reinterpret_cast<sockaddr_in6&>(made);
  if (::inet_pton(AF_INET, text, &four.sin_addr) == 1)
    made.ss_family = AF_INET;
  else if (::inet_pton(AF_INET6, text, &six.sin6_addr) == 1)
    made.ss_family = AF_INET6;
  return made;
}

TEST_CASE("a client gets its rate, saved up for one second, and others are unharmed") {
  ClientLimits limits({5, 10, false});
  for (int i = 0; i < 5; ++i) CHECK_FALSE(limits.admit_request(kAlice, kStart));
  CHECK(limits.admit_request(kAlice, kStart) == 1s);
  CHECK_FALSE(limits.admit_request(kBob, kStart));
  CHECK_FALSE(limits.admit_request(kAlice, kStart + 200ms));
  CHECK(limits.admit_request(kAlice, kStart + 200ms) == 1s);
  for (int i = 0; i < 5; ++i) CHECK_FALSE(limits.admit_request(kAlice, kStart + 1h));
  CHECK(limits.admit_request(kAlice, kStart + 1h));
}

TEST_CASE("slow rates still let one request through, and say how long to wait") {
  ClientLimits limits({0.1, 10, false});
  CHECK_FALSE(limits.admit_request(kAlice, kStart));
  CHECK(limits.admit_request(kAlice, kStart) == 10s);
  CHECK_FALSE(limits.admit_request(kAlice, kStart + 10s));
}

TEST_CASE("loopback is limited only when asked for; a rate of 0 is no limit") {
  ClientLimits usual({1, 10, false}), asked({1, 10, true}), off({0, 10, true});
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(usual.admit_request(kLocal, kStart));
    CHECK(asked.admit_request(kLocal, kStart).has_value() == (i > 0));
    CHECK_FALSE(off.admit_request(kAlice, kStart));
  }
}

TEST_CASE("connections of one client are counted") {
  ClientLimits limits({50, 2, false});
  CHECK(limits.open_connection(kAlice));
  CHECK(limits.open_connection(kAlice));
  CHECK_FALSE(limits.open_connection(kAlice));
  CHECK(limits.open_connection(kBob));
  limits.close_connection(kAlice);
  CHECK(limits.open_connection(kAlice));
  for (int i = 0; i < 10; ++i) CHECK(limits.open_connection(kLocal));
}

TEST_CASE("the table of clients is bounded, and those without a place share one bucket") {
  ClientLimits limits({1, 1, false});
  const auto name = [](std::size_t i) { return ClientName{"c" + std::to_string(i), false}; };
  const auto now = ClientLimits::Clock::now();
  for (std::size_t i = 0; i < ClientLimits::kMaxClients + 5; ++i)
    (void)limits.admit_request(name(i), now);
  CHECK(limits.remembered() <= ClientLimits::kMaxClients + 1);
  CHECK(limits.admit_request(name(9'000'000), now));
  // Once their buckets are full again they are forgotten and newcomers get their own.
  CHECK_FALSE(limits.admit_request(name(9'000'001), now + 5s));
  CHECK(limits.remembered() < 10);
}

TEST_CASE("clients are addresses, or networks of IPv6") {
  CHECK(client_name(address("10.1.2.3")).text == "10.1.2.3");
  CHECK(client_name(address("127.9.9.9")).loopback);
  CHECK(client_name(address("::1")).loopback);
  CHECK(client_name(address("::ffff:127.0.0.1")).loopback);
  CHECK(client_name(address("::ffff:10.1.2.3")).text == "10.1.2.3");
  CHECK(client_name(address("2001:db8::1")).text == client_name(address("2001:db8::ff:1")).text);
  CHECK(client_name(address("2001:db8::1")).text != client_name(address("2001:db8:0:1::1")).text);
  CHECK_FALSE(client_name(address("2001:db8::1")).loopback);
}

}  // namespace
