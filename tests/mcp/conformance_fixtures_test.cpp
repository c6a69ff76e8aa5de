// SPDX-License-Identifier: Apache-2.0
// What the official suite does not look at in its own fixtures, and how they reach its client.
#include "mcp/conformance_fixtures.h"

#include <catch2/catch.hpp>

#include "mcp/conformance_fixture_parts.h"
#include "mcp/mcp_endpoint.h"
#include "tests/support/fake_engine.h"
#include "tools/all_tools.h"

namespace {

using assay::mcp::McpHeaders;
using assay::mcp::McpReply;
using nlohmann::json;
using namespace std::chrono_literals;
using Catch::Contains;

struct ConformanceFixture {
  assay::tests::FakeEngine engine;
  assay::tools::Registry registry = assay::tools::all_tools(engine);
  assay::mcp::ConformanceFixtures fixtures;
  assay::mcp::Server server{registry, "1.2.3", &fixtures};
  assay::mcp::McpEndpoint endpoint{server, {16, 10s, true}};

  McpReply post(const json& message, McpHeaders headers) {
    const std::string body = message.dump();
    return endpoint.handle({"POST", body, std::move(headers), true});
  }
  McpReply legacy(const char* method, json params) {
    return post({{"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", std::move(params)}},
                {});
  }
  McpReply modern(const char* name, const json& more = json::object(), json can = json::object()) {
    json params = {{"name", name}};
    params.update(more);
    params["_meta"] = {{"io.modelcontextprotocol/protocolVersion", "2026-07-28"},
                       {"io.modelcontextprotocol/clientCapabilities", std::move(can)}};
    McpHeaders headers;
    headers.protocol_version = "2026-07-28";
    headers.method = "tools/call";
    headers.name = name;
    return post({{"jsonrpc", "2.0"}, {"id", 1}, {"method", "tools/call"}, {"params", params}},
                std::move(headers));
  }
};

TEST_CASE_METHOD(ConformanceFixture,
                 "a call that says something has a stream at once, a quiet one has none") {
  const McpReply quiet = legacy("tools/call", {{"name", "test_simple_text"}});
  CHECK(quiet.events == nullptr);
  CHECK(quiet.body["result"]["content"][0]["type"] == "text");
  const McpReply logged = legacy("tools/call", {{"name", "test_tool_with_logging"}});
  REQUIRE(logged.events != nullptr);
  std::string all;
  while (!logged.events->ended())
    if (const auto frame = logged.events->next(1s)) all += *frame;
  CHECK_THAT(all, Contains("Tool execution started") && Contains("\"result\""));
}

TEST_CASE_METHOD(ConformanceFixture, "tools/list comes by a stream where the suite wants that") {
  const McpReply reply = legacy("tools/list", json::object());
  REQUIRE(reply.events != nullptr);
  CHECK_THAT(reply.events->next(0ms).value(), Contains("\"tools\""));
  CHECK(reply.events->ended());
}

TEST_CASE_METHOD(ConformanceFixture, "a tool of one era is unknown in the other") {
  CHECK(legacy("tools/call", {{"name", "test_missing_capability"}}).body.contains("error"));
  CHECK(modern("test_sampling").body.contains("error"));
}

TEST_CASE_METHOD(ConformanceFixture, "what the client cannot do is not asked of it") {
  const McpReply refused = modern("test_input_required_result_elicitation");
  CHECK(refused.status == 400);
  CHECK(refused.body["error"]["code"] == -32021);
  CHECK(refused.body["error"]["data"]["requiredCapabilities"] ==
        json{{"elicitation", json::object()}});
  const McpReply asked = modern("test_input_required_result_elicitation", json::object(),
                                {{"elicitation", json::object()}});
  CHECK(asked.body["result"]["resultType"] == "input_required");
}

TEST_CASE_METHOD(ConformanceFixture,
                 "a state counts only as it was issued, and for what it was issued") {
  const json can = {{"elicitation", json::object()}};
  const json answers = {{"confirm", {{"action", "accept"}, {"content", {{"ok", true}}}}}};
  const auto ask = [&](const json& state) {
    return modern("test_input_required_result_request_state",
                  {{"inputResponses", answers}, {"requestState", state}}, can)
        .body;
  };
  const auto state_from = [&](const char* tool) {
    return modern(tool, json::object(), can).body["result"]["requestState"].get<std::string>();
  };
  const std::string state = state_from("test_input_required_result_request_state");
  CHECK(ask(state)["result"]["content"][0]["text"] == "state-ok");
  CHECK(ask(state + "x")["error"]["code"] == -32602);
  CHECK(ask(7)["error"]["code"] == -32602);
  const json other = ask(state_from("test_input_required_result_multi_round"));
  CHECK(other["result"]["resultType"] == "input_required");
}

TEST_CASE("issued states are bounded") {
  assay::mcp::IssuedStates states;
  const std::string first = states.issue("first");
  CHECK(states.meaning_of(first) == "first");
  for (std::size_t i = 0; i < assay::mcp::IssuedStates::kMost; ++i) states.issue("later");
  CHECK_FALSE(states.meaning_of(first));
}

}  // namespace
