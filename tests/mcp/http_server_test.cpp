// SPDX-License-Identifier: Apache-2.0
// The HTTP end over real sockets, with a fake engine behind it.
#include "mcp/http_server.h"

#include <thread>

#include <catch2/catch.hpp>

#include "tests/mcp/raw_http.h"

namespace {

using assay::tests::body_of;
using assay::tests::Client;
using assay::tests::get;
using assay::tests::post;
using assay::tests::Running;
using Catch::Contains;
using Catch::StartsWith;
using nlohmann::json;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

std::string tool_call(json params, int id = 1) {
  return json({{"jsonrpc", "2.0"},
               {"id", id},
               {"method", "tools/call"},
               {"params", std::move(params)}})
      .dump();
}

const json kEvaluate = {{"name", "evaluate_kernel"},
                        {"arguments", {{"kernel_source", "x"}, {"kernel_type", "torch"}}}};
const std::string kStats = tool_call({{"name", "get_server_stats"}});

TEST_CASE("MCP and REST answer on one port, also over one connection") {
  Running running;
  Client client(running.port);
  client.send(post("/mcp", kStats));
  std::string answer = client.receive_answer();
  CHECK_THAT(answer, StartsWith("HTTP/1.1 200"));
  CHECK(body_of(answer)["result"]["isError"] == false);
  CHECK_THAT(answer, Contains("max=10000"));  // and not what the library would say
  client.send(get("/health"));
  answer = client.receive_answer();
  CHECK_THAT(answer, Contains("X-GPU-Type: cpu"));
  CHECK(body_of(answer)["status"] == "healthy");
  client.send(post("/evaluate", R"({"kernel":{"source_code":"x","kernel_type":"torch"}})"));
  CHECK(body_of(client.receive_answer())["kernel_exec_result"]["correctness"] == true);
  client.send(post("/mcp", R"({"jsonrpc":"2.0","method":"notifications/initialized"})"));
  CHECK_THAT(client.receive_answer(), StartsWith("HTTP/1.1 202"));
  client.send(get("/job/job-1"));
  CHECK(body_of(client.receive_answer())["status"] == "completed");
  client.send("POST /admin/cleanup-jobs HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(body_of(client.receive_answer())["removed_jobs"] == 1);
}

TEST_CASE("GET and DELETE on /mcp, wrong methods and unknown paths") {
  Running running;
  for (const char* method : {"GET", "DELETE"}) {
    Client client(running.port);
    client.send(std::string(method) + " /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const std::string answer = client.receive_answer();
    CHECK_THAT(answer, StartsWith("HTTP/1.1 405"));
    CHECK_THAT(answer, Contains("Allow: GET, POST, DELETE\r\n"));
  }
  Client client(running.port);
  client.send(get("/evaluate"));
  CHECK_THAT(client.receive_answer(), StartsWith("HTTP/1.1 405"));
  client.send(get("/nothing/here"));
  const std::string answer = client.receive_answer();
  CHECK_THAT(answer, StartsWith("HTTP/1.1 404"));
  CHECK(body_of(answer)["status"] == 404);
}

TEST_CASE("a quick call is answered as JSON, a long one as a stream with progress and response") {
  Running running;
  Client quick(running.port);
  quick.send(post("/mcp", tool_call(kEvaluate)));
  CHECK_THAT(quick.receive_answer(), Contains("Content-Type: application/json"));

  running.engine.hold = true;
  Client slow(running.port);
  json params = kEvaluate;
  params["arguments"]["fresh"] = true;  // not the job of the quick one
  params["_meta"]["progressToken"] = 5;
  const auto start = Clock::now();
  slow.send(post("/mcp", tool_call(params)));
  CHECK_THAT(slow.receive_until("notifications/progress"), Contains("text/event-stream"));
  CHECK(Clock::now() - start < 1s);
  CHECK_THAT(slow.receive_until("queued, position 1"), Contains("\"progressToken\":5"));
  running.engine.complete("job-2");
  const std::string all = slow.receive_until("\r\n0\r\n\r\n");
  CHECK_THAT(all, Contains("\"structuredContent\""));
  CHECK_THAT(all, Contains("X-Accel-Buffering: no"));
}

TEST_CASE("a long silence is broken: progress is told again, streams without it get comments") {
  Running running;
  running.engine.hold = true;
  const int patience_s = 10 * static_cast<int>(assay::mcp::kCommentInterval.count());
  Client watched(running.port, patience_s), silent(running.port, patience_s);
  json params = kEvaluate;
  params["_meta"]["progressToken"] = "again";
  watched.send(post("/mcp", tool_call(params)));
  silent.send(post("/mcp", tool_call(kEvaluate)));
  std::string told = watched.receive_until("queued, position 1 (job job-1)");
  const std::size_t first = told.size();
  CHECK_THAT(silent.receive_until(assay::mcp::kCommentFrame), !Contains("event: message"));
  told = watched.receive_until("queued, position 1 (job job-1)", first);
  CHECK_THAT(told.substr(first), Contains("\"progressToken\":\"again\""));
  running.engine.complete("job-1");
  CHECK_THAT(silent.receive_until("\r\n0\r\n\r\n"), Contains("\"structuredContent\""));
}

TEST_CASE(
    "a long call without a progress token opens its stream soon and ends it with the response") {
  Running running;
  running.engine.hold = true;
  Client client(running.port);
  client.send(post("/mcp", tool_call(kEvaluate)));
  CHECK_THAT(client.receive_until("\r\n\r\n"), Contains("text/event-stream"));
  running.engine.complete("job-1");
  CHECK_THAT(client.receive_until("\r\n0\r\n\r\n"), Contains("event: message\ndata: {"));
}

TEST_CASE("a client that takes no stream gets JSON however long it takes") {
  Running running;
  running.engine.hold = true;
  Client client(running.port);
  client.send(post("/mcp", tool_call(kEvaluate), "Accept: application/json\r\n"));
  std::this_thread::sleep_for(500ms);
  running.engine.complete("job-1");
  CHECK_THAT(client.receive_answer(), Contains("Content-Type: application/json"));
}

TEST_CASE(
    "closing a stream cancels the job in the modern era and leaves it alone in the legacy one") {
  for (const bool is_modern : {true, false}) {
    Running running;
    running.engine.hold = true;
    Client client(running.port);
    json params = kEvaluate;
    std::string headers;
    if (is_modern) {
      params["_meta"] = {{"io.modelcontextprotocol/protocolVersion", "2026-07-28"},
                         {"io.modelcontextprotocol/clientCapabilities", json::object()}};
      headers =
          "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: "
          "evaluate_kernel\r\n";
    }
    client.send(post("/mcp", tool_call(params), headers));
    CHECK_THAT(client.receive_until("\r\n\r\n"), Contains("text/event-stream"));
    client.close();
    for (int i = 0; i < 50 && !running.engine.was_cancelled(); ++i)
      std::this_thread::sleep_for(20ms);
    CHECK(running.engine.was_cancelled() == is_modern);
    running.engine.complete("job-1");
  }
}

TEST_CASE("answers are never compressed behind our back") {
  Running running;
  Client client(running.port);
  client.send(post("/mcp", R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})",
                   "Accept-Encoding: gzip, br\r\n"));
  const std::string answer = client.receive_answer();
  CHECK(answer.find("Content-Encoding") == std::string::npos);
  CHECK(body_of(answer)["result"]["tools"].size() == 5);
}

TEST_CASE("an answer to HEAD promises no ranges, which are refused") {
  Running running;
  Client client(running.port);
  client.send("HEAD /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const std::string answer = client.receive_until("\r\n\r\n");
  CHECK_THAT(answer, StartsWith("HTTP/1.1 200") && Contains("Content-Length: "));
  CHECK_THAT(answer, !Contains("Accept-Ranges"));
}

TEST_CASE("a path may end with a slash") {
  Running running;
  Client client(running.port);
  client.send(post("/mcp/", kStats));
  CHECK_THAT(client.receive_answer(), StartsWith("HTTP/1.1 200"));
  client.send(get("/health/"));
  CHECK_THAT(client.receive_answer(), StartsWith("HTTP/1.1 200"));
}

TEST_CASE("a port in use is an error, not a silent share") {
  Running running;
  assay::mcp::HttpOptions options;
  options.port = running.port;
  assay::mcp::HttpServer second(options);
  CHECK_FALSE(second.listen().ok());
}

TEST_CASE("forty streams do not hold up a health check") {
  Running running;
  running.engine.hold = true;
  std::vector<std::unique_ptr<Client>> streams;
  for (int i = 0; i < 40; ++i) {
    streams.push_back(std::make_unique<Client>(running.port));
    json params = kEvaluate;
    params["_meta"]["progressToken"] = i;
    streams.back()->send(post("/mcp", tool_call(params, i)));
    CHECK_THAT(streams.back()->receive_until("\r\n\r\n"), Contains("text/event-stream"));
  }
  const auto start = Clock::now();
  Client client(running.port);
  client.send(get("/health"));
  CHECK_THAT(client.receive_answer(), StartsWith("HTTP/1.1 200"));
  CHECK(Clock::now() - start < 1s);
  for (int i = 1; i <= 40; ++i) running.engine.complete("job-" + std::to_string(i));
  for (auto& stream : streams)
    CHECK_THAT(stream->receive_until("\r\n0\r\n\r\n"), Contains("structuredContent"));
}

}  // namespace
