// SPDX-License-Identifier: Apache-2.0
// Clients that leave before their answer, and those that could not read it: over real sockets.
#include <memory>
#include <thread>

#include <catch2/catch.hpp>

#include "tests/mcp/raw_http.h"

namespace {

using assay::tests::body_of;
using assay::tests::Client;
using assay::tests::get;
using assay::tests::post;
using assay::tests::Running;
using assay::tests::test_http_options;
using Catch::Contains;
using Catch::StartsWith;
using nlohmann::json;
using namespace std::chrono_literals;

const std::string kRest = R"({"kernel":{"source_code":"x","kernel_type":"torch"}})";
const std::string kJsonOnly = "Accept: application/json\r\n";

std::string call_of_evaluate(bool is_modern, int id = 1) {
  json params = {
      {"name", "evaluate_kernel"},
      {"arguments", {{"kernel_source", "x"}, {"kernel_type", "torch"}, {"wait_seconds", 600}}}};
  if (is_modern)
    params["_meta"] = {{"io.modelcontextprotocol/protocolVersion", "2026-07-28"},
                       {"io.modelcontextprotocol/clientCapabilities", json::object()}};
  return json({{"jsonrpc", "2.0"}, {"id", id}, {"method", "tools/call"}, {"params", params}})
      .dump();
}

const std::string kModernHeaders =
    "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: evaluate_kernel\r\n";

bool is_cancelled_within(Running& running, std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!running.engine.was_cancelled() && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(20ms);
  return running.engine.was_cancelled();
}

TEST_CASE("a job ends with the client that alone waits for it") {
  const std::string modern = post("/mcp", call_of_evaluate(true), kModernHeaders + kJsonOnly);
  for (const std::string& request : {modern, post("/evaluate", kRest)}) {
    Running running;
    running.engine.hold = true;
    Client client(running.port);
    client.send(request);
    REQUIRE(running.engine.await_submission(2s));
    std::this_thread::sleep_for(300ms);
    CHECK_FALSE(running.engine.was_cancelled());
    client.close();
    CHECK(is_cancelled_within(running, 1'500ms));
    running.engine.complete("job-1");
  }
}

TEST_CASE("a legacy call goes on without its client: only a message withdraws it") {
  Running running;
  running.engine.hold = true;
  Client client(running.port);
  client.send(post("/mcp", call_of_evaluate(false), kJsonOnly));
  REQUIRE(running.engine.await_submission(2s));
  client.close();
  CHECK_FALSE(is_cancelled_within(running, 1'500ms));
  running.engine.complete("job-1");
}

TEST_CASE("whoever waits for a job and leaves frees the connection, and the job goes on") {
  auto options = test_http_options();
  options.max_connections = 2;
  Running running(options);
  running.engine.hold = true;
  Client owner(running.port);
  owner.send(post("/evaluate", kRest));
  REQUIRE(running.engine.await_submission(2s));
  auto waiting = std::make_unique<Client>(running.port);
  waiting->send(get("/job/job-1?wait=600"));
  std::this_thread::sleep_for(200ms);
  waiting.reset();
  std::string answer;
  for (int i = 0; i < 15 && !answer.starts_with("HTTP/1.1 200"); ++i) {
    std::this_thread::sleep_for(100ms);
    Client next(running.port);
    next.send(get("/health"));
    answer = next.receive_answer();
  }
  CHECK_THAT(answer, StartsWith("HTTP/1.1 200"));
  CHECK_FALSE(running.engine.was_cancelled());
  running.engine.complete("job-1");
  CHECK_THAT(owner.receive_answer(), StartsWith("HTTP/1.1 200"));
}

TEST_CASE("a client that can read no event stream is told so on every route that has one") {
  Running running;
  running.engine.hold = true;
  REQUIRE(running.engine.submit({}).ok());
  const std::string old_version =
      "GET /job/job-1/events HTTP/1.0\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n";
  for (const std::string& request :
       {old_version, get("/job/job-1/events", "Host: localhost\r\n" + kJsonOnly)}) {
    Client client(running.port);
    client.send(request);
    const std::string answer = client.receive_answer();
    CHECK_THAT(answer, Contains(" 406 ") && Contains("application/problem+json"));
    CHECK_THAT(answer, !Contains("chunked"));
  }
  // A listener that nobody wants leaves with the next word.
  running.engine.set("job-1", [](auto& job) { job.progress = 0.5; });
  CHECK(running.engine.listeners("job-1") == 0);
  Client resuming(running.port);
  resuming.send(
      "GET /mcp HTTP/1.0\r\nHost: localhost\r\nMcp-Session-Id: x\r\nLast-Event-ID: 1-0\r\n\r\n");
  CHECK_THAT(resuming.receive_answer(), Contains(" 406 ") && !Contains("chunked"));
  Client reader(running.port);
  reader.send(get("/job/job-1/events"));
  CHECK_THAT(reader.receive_until("event: "), StartsWith("HTTP/1.1 200"));
  running.engine.complete("job-1");
}

TEST_CASE("streams beyond the limit are told so, and there is room when one has ended") {
  auto options = test_http_options();
  options.max_streams = 1;
  Running running(options);
  running.engine.hold = true;
  REQUIRE(running.engine.submit({}).ok());
  REQUIRE(running.engine.submit({}).ok());
  Client first(running.port);
  first.send(get("/job/job-1/events"));
  CHECK_THAT(first.receive_until("event: "), StartsWith("HTTP/1.1 200"));
  Client second(running.port);
  second.send(get("/job/job-2/events"));
  const std::string answer = second.receive_answer();
  CHECK_THAT(answer, StartsWith("HTTP/1.1 503") && Contains("Retry-After: 5\r\n"));
  running.engine.complete("job-1");
  first.receive_until("\r\n0\r\n\r\n");
  std::this_thread::sleep_for(100ms);
  second.send(get("/job/job-2/events"));
  CHECK_THAT(second.receive_until("event: "), StartsWith("HTTP/1.1 200"));
  running.engine.complete("job-2");
}

TEST_CASE("calls beyond the limit are refused with a word to retry") {
  auto options = test_http_options();
  options.max_calls = 1;  // one runs, one waits
  Running running(options);
  running.engine.hold = true;
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<Client>(running.port));
    clients.back()->send(post("/mcp", call_of_evaluate(false, i), kJsonOnly));
    std::this_thread::sleep_for(300ms);
  }
  const json refused = body_of(clients[2]->receive_answer())["result"];
  CHECK(refused["isError"] == true);
  CHECK(refused["structuredContent"]["code"] == "overloaded");
  CHECK(refused["structuredContent"]["retryable"] == true);
  running.engine.hold = false;
  running.engine.complete("job-1");
  for (int i = 0; i < 2; ++i)
    CHECK(body_of(clients[static_cast<std::size_t>(i)]->receive_answer())["result"]["isError"] ==
          false);
}

}  // namespace
