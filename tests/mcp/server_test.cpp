// SPDX-License-Identifier: Apache-2.0
#include "mcp/server.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>

#include "mcp/tool_messages.h"
#include "tests/support/fake_engine.h"
#include "tools/all_tools.h"

namespace {

using assay::mcp::Handled;
using assay::mcp::McpHeaders;
using assay::tests::FakeEngine;
using nlohmann::json;

// A client that listens to nothing and withdraws nothing.
struct SilentPeer : assay::mcp::CallPeer {
  void notify(json notification) override { on_notification(notification); }
  bool cancelled() const override { return false; }
  assay::schemas::Result<json> ask(const std::string&, json) override {
    return assay::schemas::Error{assay::schemas::ErrorCode::internal, "nobody answers", false, {}};
  }
  void send_away(std::chrono::milliseconds) override {}
  std::function<void(const json&)> on_notification = [](const json&) {};
};

struct ServerFixture {
  FakeEngine engine;
  assay::tools::Registry registry = assay::tools::all_tools(engine);
  assay::mcp::Server server{registry, "1.2.3"};

  Handled send(const json& message, const McpHeaders& headers = {}) const {
    return server.handle(message.dump(), {&headers, nullptr});
  }
  Handled call(const char* tool, const json& arguments) const {
    return send({{"jsonrpc", "2.0"},
                 {"id", 7},
                 {"method", "tools/call"},
                 {"params", {{"name", tool}, {"arguments", arguments}}}});
  }
  static json run(const Handled& handled) {
    REQUIRE(handled.call);
    SilentPeer peer;
    return handled.call->run(peer);
  }
};

json request(const char* method, json params = json::object(), json id = 1) {
  return {
      {"jsonrpc", "2.0"}, {"id", std::move(id)}, {"method", method}, {"params", std::move(params)}};
}

json modern(const char* method, json params = json::object()) {
  params["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2026-07-28";
  params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json::object();
  return request(method, std::move(params));
}

McpHeaders modern_headers(const char* method, std::optional<std::string> name = std::nullopt) {
  return {"2026-07-28", method, std::move(name)};
}

const json kEvaluateArguments = {{"kernel_source", "x"}, {"kernel_type", "torch"}};

TEST_CASE_METHOD(
    ServerFixture,
    "initialize echoes a version we speak and offers our newest legacy one otherwise") {
  for (const char* version : {"2025-11-25", "2025-06-18", "2025-03-26"})
    CHECK(send(request("initialize", {{"protocolVersion", version}}))
              .body["result"]["protocolVersion"] == version);
  for (const char* version : {"2024-11-05", "2026-07-28", "x"})
    CHECK(send(request("initialize", {{"protocolVersion", version}}))
              .body["result"]["protocolVersion"] == "2025-11-25");
  const json result =
      send(request("initialize", {{"protocolVersion", "2025-11-25"}})).body["result"];
  CHECK(result["serverInfo"]["version"] == "1.2.3");
  CHECK(result["capabilities"] == json({{"tools", json::object()},
                                        {"prompts", json::object()},
                                        {"resources", json::object()}}));
  CHECK(result["instructions"].get<std::string>().size() < 2'048);
}

TEST_CASE_METHOD(ServerFixture, "initialize without a version is a malformed call") {
  CHECK(send(request("initialize")).body["error"]["code"] == -32602);
  CHECK(send(request("initialize", {{"protocolVersion", 7}})).body["error"]["code"] == -32602);
}

TEST_CASE_METHOD(ServerFixture, "notifications are accepted and not answered") {
  const Handled handled = send({{"jsonrpc", "2.0"}, {"method", "notifications/initialized"}});
  CHECK(handled.http_status == 202);
  CHECK(handled.body.is_null());
}

TEST_CASE_METHOD(ServerFixture, "ping is answered, also with id 0") {
  const Handled handled = send(request("ping", json::object(), 0));
  CHECK(handled.body == json({{"jsonrpc", "2.0"}, {"id", 0}, {"result", json::object()}}));
}

TEST_CASE_METHOD(ServerFixture, "tools/list is the snapshot in the repository") {
  const json listed = send(request("tools/list")).body["result"];
  const std::string path =
      std::string(std::getenv("ASSAY_SOURCE_DIR")) + "/tests/mcp/golden/tools_list.json";
  if (std::getenv("ASSAY_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << listed.dump(2) << "\n";
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  // Compared as text, so that a failure shows lines; to accept a change set ASSAY_UPDATE_GOLDEN.
  CHECK(text.str() == listed.dump(2) + "\n");
}

TEST_CASE_METHOD(ServerFixture, "an unknown cursor, tool or method has its own error") {
  CHECK(send(request("tools/list", {{"cursor", "x"}})).body["error"]["code"] == -32602);
  CHECK(call("no_such_tool", json::object()).body["error"]["code"] == -32602);
  const Handled unknown = send(request("completion/complete"));
  CHECK(unknown.http_status == 200);
  CHECK(unknown.body["error"]["code"] == -32601);
}

TEST_CASE_METHOD(ServerFixture, "a bad kernel is a normal result") {
  engine.decide = [](const auto& work) {
    assay::schemas::Evaluation evaluation;
    evaluation.kind = work.kind;
    evaluation.verdict.code = assay::schemas::VerdictCode::crashed;
    evaluation.correctness = false;
    return evaluation;
  };
  const json result = run(call("evaluate_kernel", kEvaluateArguments))["result"];
  CHECK(result["isError"] == false);
  CHECK(result["structuredContent"]["verdict"]["code"] == "crashed");
  CHECK(result["structuredContent"]["status"] == "success");
}

TEST_CASE_METHOD(ServerFixture, "a time-out of the kernel is a normal result over MCP") {
  engine.decide = [](const auto&) {
    assay::schemas::Evaluation evaluation;
    evaluation.verdict.code = assay::schemas::VerdictCode::timed_out;
    evaluation.compiled = true;
    return evaluation;
  };
  const json result = run(call("evaluate_kernel", kEvaluateArguments))["result"];
  CHECK(result["isError"] == false);
  CHECK(result["structuredContent"]["verdict"]["code"] == "timed_out");
}

TEST_CASE_METHOD(ServerFixture,
                 "our own failure is a result with isError that says whether to retry") {
  engine.decide = [](const auto&) {
    assay::schemas::Evaluation evaluation;
    evaluation.error = "the judge died";
    evaluation.retryable = true;
    return evaluation;
  };
  json result = run(call("evaluate_kernel", kEvaluateArguments))["result"];
  CHECK(result["isError"] == true);
  CHECK(result["structuredContent"]["retryable"] == true);
  engine.refusal =
      assay::schemas::Error{assay::schemas::ErrorCode::overloaded, "the queue is full", true, {}};
  result = run(call("evaluate_kernel", kEvaluateArguments))["result"];
  CHECK(result["isError"] == true);
  CHECK(result["structuredContent"]["error"] == "the queue is full");
}

TEST_CASE_METHOD(ServerFixture, "malformed arguments are a protocol error that names each path") {
  const json response = run(call("evaluate_kernel", {{"kernel_type", "cuda"}}));
  CHECK(response["error"]["code"] == -32602);
  const json fields = response["error"]["data"]["validation_errors"];
  CHECK(fields[0]["path"] == "kernel_source");
  CHECK(send(request("tools/call", {{"name", "evaluate_kernel"}, {"arguments", {1}}}))
            .body["error"]["code"] == -32602);
  CHECK(send(request("tools/call")).body["error"]["code"] == -32602);
  CHECK(engine.submitted.empty());
}

TEST_CASE_METHOD(ServerFixture,
                 "an error of the params shows what was sent; null is as good as absent") {
  const auto message = [&](const char* method, json params) {
    return send(request(method, std::move(params)))
        .body["error"]
        .value("message", std::string("none"));
  };
  CHECK(message("tools/call", {{"name", 7}}) ==
        "params.name is required and must be a string, got 7");
  CHECK(message("resources/read", {{"uri", {1, 2}}}) ==
        "params.uri is required and must be a string, got an array of 2 elements");
  CHECK(message("tools/call", {{"name", "get_server_stats"}, {"arguments", "x"}}) ==
        "params.arguments must be an object, got \"x\"");
  CHECK(message("tools/list", {{"cursor", "abc"}}) ==
        "params.cursor \"abc\" is unknown: the list has one page");
  CHECK(message("prompts/get", {{"name", "find_fault"}, {"arguments", nullptr}}) ==
        "params.arguments.kernel_source is required");
  CHECK(message("prompts/get", {{"name", "find_fault"}, {"arguments", {{"kernel_source", 7}}}}) ==
        "params.arguments.kernel_source must be a string, got 7");
  const json prompt =
      send(request("prompts/get", {{"name", "find_fault"},
                                   {"arguments", {{"kernel_source", "x"}, {"job_id", nullptr}}}}))
          .body;
  REQUIRE(prompt.contains("result"));
  CHECK(prompt.dump().find("Its evaluation is job") == std::string::npos);
}

TEST_CASE_METHOD(ServerFixture, "get_server_stats takes no arguments, and says so") {
  const json error = call("get_server_stats", {{"verbose", true}}).body["error"];
  CHECK(error["code"] == -32602);
  CHECK(error["message"] == "unknown argument \"verbose\": get_server_stats takes none");
}

TEST_CASE_METHOD(ServerFixture,
                 "an unknown job is a result with isError, because its id may have expired") {
  const json result = run(call("get_job_status", {{"job_id", "gone"}}))["result"];
  CHECK(result["isError"] == true);
  CHECK(result["structuredContent"]["code"] == "not_found");
}

TEST_CASE_METHOD(ServerFixture, "the text of a result is its structured content") {
  const json result = run(call("evaluate_kernel", kEvaluateArguments))["result"];
  CHECK(json::parse(result["content"][0]["text"].get<std::string>()) ==
        result["structuredContent"]);
  const json stats = call("get_server_stats", json::object()).body["result"];
  CHECK(json::parse(stats["content"][0]["text"].get<std::string>()) == stats["structuredContent"]);
}

TEST_CASE_METHOD(ServerFixture, "invalid UTF-8 of a compiler does not break an answer") {
  engine.decide = [](const auto&) {
    assay::schemas::Evaluation evaluation;
    evaluation.verdict.code = assay::schemas::VerdictCode::compilation_failed;
    evaluation.compilation_error = "bad byte \xff here";
    return evaluation;
  };
  const json response = run(call("evaluate_kernel", kEvaluateArguments));
  CHECK_NOTHROW(assay::schemas::dump_json(response));
}

TEST_CASE_METHOD(ServerFixture, "progress rises strictly and stays within its total") {
  engine.hold = true;
  json message =
      request("tools/call", {{"name", "evaluate_kernel"}, {"arguments", kEvaluateArguments}});
  message["params"]["_meta"]["progressToken"] = "t";
  const Handled handled = send(message);
  REQUIRE(handled.call);
  CHECK(handled.call->wants_progress);
  std::vector<double> values;
  const double fractions[] = {0.5, 0.2, 1.0};  // a job whose own figure goes back
  SilentPeer peer;
  peer.on_notification = [&](const json& notification) {
    CHECK(notification["params"]["progressToken"] == "t");
    const std::size_t index = values.size();
    values.push_back(notification["params"]["progress"]);
    if (index == 3) return engine.complete("job-1");
    engine.set("job-1", [&](auto& job) {
      job.progress = fractions[index];
      job.message = std::to_string(index);
      job.state = assay::schemas::JobState::validating;
    });
  };
  handled.call->run(peer);
  REQUIRE(values.size() == 4);
  for (std::size_t i = 1; i < values.size(); ++i) CHECK(values[i] > values[i - 1]);
  CHECK(values.back() <= 100);
}

TEST_CASE_METHOD(ServerFixture, "a progress token that every message would carry has a bound") {
  constexpr std::size_t kMost = assay::mcp::kMaxProgressTokenBytes;
  json message =
      request("tools/call", {{"name", "evaluate_kernel"}, {"arguments", kEvaluateArguments}});
  json& token = message["params"]["_meta"]["progressToken"];
  token = std::string(kMost, 't');
  CHECK(send(message).call);
  const std::vector<json> refused = {std::string(kMost + 1, 't'), 1.5, json::array({1})};
  for (const json& wrong : refused) {
    token = wrong;
    const Handled handled = send(message);
    CHECK_FALSE(handled.call);
    CHECK(handled.body["error"]["code"] == -32602);
    const std::string said = handled.body["error"]["message"];
    CHECK(said.find("params._meta.progressToken") != std::string::npos);
    CHECK(said.size() < 1000);
  }
}

TEST_CASE_METHOD(ServerFixture, "server/discover of the stateless era") {
  const Handled handled = send(modern("server/discover"), modern_headers("server/discover"));
  CHECK(handled.http_status == 200);
  const json result = handled.body["result"];
  CHECK(result["supportedVersions"] ==
        json::array({"2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26"}));
  CHECK(result["resultType"] == "complete");
  CHECK(result["ttlMs"].get<int>() >= 0);
  CHECK(result["cacheScope"] == "public");
  CHECK(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "assay");
}

TEST_CASE_METHOD(ServerFixture,
                 "modern lists and calls carry the modern envelope, legacy ones do not") {
  const json listed = send(modern("tools/list"), modern_headers("tools/list")).body["result"];
  CHECK(listed["resultType"] == "complete");
  CHECK(listed.contains("ttlMs"));
  CHECK_FALSE(send(request("tools/list")).body["result"].contains("resultType"));
  const Handled called =
      send(modern("tools/call", {{"name", "evaluate_kernel"}, {"arguments", kEvaluateArguments}}),
           modern_headers("tools/call", "evaluate_kernel"));
  CHECK(run(called)["result"]["resultType"] == "complete");
  CHECK(called.call->closing_cancels);
  CHECK_FALSE(call("evaluate_kernel", kEvaluateArguments).call->closing_cancels);
}

TEST_CASE_METHOD(ServerFixture, "a modern request without its envelope is refused") {
  json message = modern("tools/list");
  message["params"]["_meta"].erase("io.modelcontextprotocol/clientCapabilities");
  Handled handled = send(message, modern_headers("tools/list"));
  CHECK(handled.http_status == 400);
  CHECK(handled.body["error"]["code"] == -32602);
  handled =
      send(request("tools/list"), modern_headers("tools/list"));  // claimed by the header alone
  CHECK(handled.http_status == 400);
  CHECK(handled.body["error"]["code"] == -32602);
}

TEST_CASE_METHOD(ServerFixture, "headers that differ from the body are refused") {
  const auto code = [&](const McpHeaders& headers) {
    const Handled handled =
        send(modern("tools/call", {{"name", "get_server_stats"}, {"arguments", json::object()}}),
             headers);
    return handled.http_status == 200 ? json(0) : handled.body["error"]["code"];
  };
  CHECK(code({"2026-07-28", "tools/call", "get_server_stats"}) == 0);
  CHECK(code({"2025-11-25", "tools/call", "get_server_stats"}) == -32020);
  CHECK(code({std::nullopt, "tools/call", "get_server_stats"}) == -32020);
  CHECK(code({"2026-07-28", "tools/list", "get_server_stats"}) == -32020);
  CHECK(code({"2026-07-28", std::nullopt, "get_server_stats"}) == -32020);
  CHECK(code({"2026-07-28", "tools/call", "evaluate_kernel"}) == -32020);
  CHECK(code({"2026-07-28", "tools/call", std::nullopt}) == -32020);
  // base64 is a form of names; and of bytes beyond ASCII it is the only one.
  CHECK(code({"2026-07-28", "tools/call", "=?base64?Z2V0X3NlcnZlcl9zdGF0cw==?="}) == 0);
  CHECK(code({"2026-07-28", "=?base64?dG9vbHMvY2FsbA==?=", "get_server_stats"}) == -32020);
}

TEST_CASE_METHOD(ServerFixture, "a name beyond ASCII travels as base64 only") {
  const json read = modern("resources/read", {{"uri", "assay://job/é/report"}});
  const auto message = [&](const char* name) {
    return send(read, modern_headers("resources/read", name)).body["error"]["message"];
  };
  CHECK(message("assay://job/é/report").get<std::string>().find("ASCII") != std::string::npos);
  CHECK(message("=?base64?YXNzYXk6Ly9qb2Ivw6kvcmVwb3J0?=").get<std::string>().find("there is no") ==
        0);
}

TEST_CASE_METHOD(ServerFixture, "unsupported versions are refused, naming those we speak") {
  json message = modern("tools/list");
  message["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2027-01-01";
  Handled handled = send(message, {"2027-01-01", "tools/list", std::nullopt});
  CHECK(handled.http_status == 400);
  CHECK(handled.body["error"]["code"] == -32022);
  CHECK(handled.body["error"]["data"]["requested"] == "2027-01-01");
  CHECK(handled.body["error"]["data"]["supported"] ==
        json::array({"2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26"}));
  handled = send(request("tools/list"), {"1999-01-01", std::nullopt, std::nullopt});
  CHECK(handled.http_status == 400);
}

TEST_CASE_METHOD(ServerFixture, "legacy methods do not exist in the modern era") {
  for (const char* method : {"initialize", "ping", "logging/setLevel", "no/such"}) {
    const Handled handled = send(modern(method), modern_headers(method));
    INFO(method);
    CHECK(handled.http_status == 404);
    CHECK(handled.body["error"]["code"] == -32601);
  }
}

TEST_CASE_METHOD(ServerFixture,
                 "a header of the modern era needs the body's claim, initialize's too") {
  const json initialize = request("initialize", {{"protocolVersion", "2025-11-25"}});
  const auto with = [](const char* version) {
    return McpHeaders{version, std::nullopt, std::nullopt};
  };
  const Handled refused = send(initialize, with("2026-07-28"));
  CHECK(refused.http_status == 400);
  CHECK(refused.body["error"]["code"] == -32602);
  // Of what is agreed on later no header need know yet.
  for (const char* version : {"2025-06-18", "1999-01-01"})
    CHECK(send(initialize, with(version)).body["result"]["protocolVersion"] == "2025-11-25");
}

TEST_CASE_METHOD(ServerFixture, "without headers (stdio) the body alone decides") {
  const Handled handled = server.handle(modern("tools/list").dump(), assay::mcp::Peer{});
  CHECK(handled.body["result"]["resultType"] == "complete");
}

}  // namespace
