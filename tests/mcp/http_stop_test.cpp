// SPDX-License-Identifier: Apache-2.0
// What the end of the server does to clients that are slow: over real sockets.
#include <atomic>
#include <optional>
#include <thread>

#include <catch2/catch.hpp>

#include "tests/mcp/raw_http.h"

namespace {

using assay::tests::Client;
using assay::tests::get;
using assay::tests::post;
using assay::tests::Running;
using assay::tests::test_http_options;
using Catch::Contains;
using Catch::StartsWith;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPatience{600};

assay::mcp::HttpOptions patient_for_a_moment() {
  auto options = test_http_options();
  options.drain_patience = kPatience;
  return options;
}

// How long the end took.
std::chrono::milliseconds stop(std::optional<Running>& running) {
  const auto start = Clock::now();
  running.reset();
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
}

TEST_CASE("a client that stops within a request is told so when the server ends") {
  const std::string half_a_body =
      "POST /evaluate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Content-Length: 1000\r\n\r\n{";
  for (const std::string& part : {std::string("GET /health HT"), half_a_body}) {
    std::optional<Running> running(patient_for_a_moment());
    Client client(running->port);
    client.send(part);
    std::this_thread::sleep_for(100ms);
    CHECK(stop(running) < kPatience + 2s);
    CHECK_THAT(client.receive_all(),
               StartsWith("HTTP/1.1 503") && Contains("the server is stopping"));
  }
}

TEST_CASE("an upload that goes on and on is cut off when the server ends") {
  std::optional<Running> running(patient_for_a_moment());
  Client client(running->port);
  client.send(
      "POST /evaluate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Content-Length: 60000000\r\n\r\n");
  std::atomic<bool> enough = false;
  std::thread uploading([&] {
    const auto until = Clock::now() + 6s;
    while (!enough && Clock::now() < until) {
      client.send(std::string(3'000, 'x'));
      std::this_thread::sleep_for(50ms);
    }
  });
  std::this_thread::sleep_for(200ms);
  CHECK(stop(running) < kPatience + 2s);
  enough = true;
  uploading.join();
}

TEST_CASE("a client that reads nothing does not hold up the end of the server") {
  std::optional<Running> running(patient_for_a_moment());
  Client client(running->port);
  client.take_little();
  std::string questions;
  for (int i = 0; i < 60; ++i)
    questions += post("/mcp", R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})");
  client.send(questions);
  std::this_thread::sleep_for(200ms);
  CHECK(stop(running) < kPatience + 2s);
}

TEST_CASE(
    "what is in progress when the server ends is answered, idle connections wait for nothing") {
  std::optional<Running> running(patient_for_a_moment());
  running->engine.hold = true;
  Client idle(running->port);
  idle.send(get("/health"));
  CHECK_THAT(idle.receive_answer(), StartsWith("HTTP/1.1 200"));
  Client client(running->port);
  client.send(post("/evaluate", R"({"kernel":{"source_code":"x","kernel_type":"torch"}})"));
  REQUIRE(running->engine.await_submission(2s));
  std::thread completing([&engine = running->engine] {
    std::this_thread::sleep_for(150ms);
    engine.complete("job-1");
  });
  CHECK(stop(running) < kPatience + 300ms);
  completing.join();
  CHECK_THAT(client.receive_answer(), StartsWith("HTTP/1.1 200") && Contains("\"success\""));
}

TEST_CASE("an event stream that outlasts the patience is cut off") {
  std::optional<Running> running(patient_for_a_moment());
  running->engine.hold = true;
  REQUIRE(running->engine.submit({}).ok());
  Client reader(running->port);
  reader.send(get("/job/job-1/events"));
  CHECK_THAT(reader.receive_until("event: "), StartsWith("HTTP/1.1 200"));
  const auto took = stop(running);
  CHECK(took >= kPatience);
  CHECK(took < kPatience + 2s);
}

}  // namespace
