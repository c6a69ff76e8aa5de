// SPDX-License-Identifier: Apache-2.0
// What is said on the wire, per method and era, against the transcripts in tests/mcp/golden.
// ASSAY_UPDATE_GOLDEN=1 writes them anew.
#include <cstdlib>
#include <fstream>

#include <catch2/catch.hpp>

#include "mcp/mcp_endpoint.h"
#include "tests/support/fake_engine.h"
#include "tests/support/schema_faults.h"
#include "tools/all_tools.h"

namespace {

using assay::mcp::McpHeaders;
using assay::mcp::McpReply;
using nlohmann::json;

const json kEvaluateCall = {{"name", "evaluate_kernel"},
                            {"arguments", {{"kernel_source", "x"}, {"kernel_type", "torch"}}}};
const json kWrongArguments = {{"name", "evaluate_kernel"}, {"arguments", {{"kernel_type", 7}}}};

struct Line {
  const char* method;
  json params = json::object();
};

const std::vector<Line>& shared_lines() {
  static const std::vector<Line> lines = {
      {"tools/call", {{"name", "get_server_stats"}}},
      {"tools/call", kEvaluateCall},
      {"tools/call", {{"name", "get_job_status"}, {"arguments", {{"job_id", "job-1"}}}}},
      {"tools/call", {{"name", "get_job_status"}, {"arguments", {{"job_id", "none"}}}}},
      {"tools/call", kWrongArguments},
      {"tools/call", {{"name", "no_such_tool"}}},
      {"prompts/list"},
      {"prompts/get", {{"name", "find_fault"}, {"arguments", {{"kernel_source", "x"}}}}},
      {"resources/list"},
      {"resources/templates/list"},
      {"resources/read", {{"uri", "assay://job/job-1/report"}}},
      {"resources/read", {{"uri", "assay://job/none/report"}}},
      {"no/such/method"},
  };
  return lines;
}

// Figures of this machine and moment have no place in a snapshot.
void settle(json& value) {
  for (auto& [key, part] : value.items()) {
    if (value.is_object() && (key == "timestamp" || key == "uptime_s"))
      part = 0;
    else if (part.is_structured())
      settle(part);
    else if (part.is_string() && part.get<std::string>().starts_with("{"))
      part = "(the same as structuredContent)";
  }
}

void compare(const char* era, const json& transcript) {
  const std::string path =
      std::string(std::getenv("ASSAY_SOURCE_DIR")) + "/tests/mcp/golden/" + era + ".json";
  if (std::getenv("ASSAY_UPDATE_GOLDEN") != nullptr)
    std::ofstream(path) << transcript.dump(1) << "\n";
  std::ifstream file(path);
  const json golden = json::parse(file);
  REQUIRE(golden.size() == transcript.size());
  for (std::size_t i = 0; i < golden.size(); ++i) {
    INFO(json::diff(golden[i], transcript[i]).dump(2));
    CHECK(golden[i] == transcript[i]);
  }
}

struct TranscriptFixture {
  assay::tests::FakeEngine engine;
  assay::tools::Registry registry = assay::tools::all_tools(engine);
  assay::mcp::Server server{registry, "1.2.3"};
  assay::mcp::McpEndpoint endpoint{server, {}};
  json transcript = json::array();
  int id = 0;

  McpReply say(const Line& line, json meta, McpHeaders headers) {
    json message = {
        {"jsonrpc", "2.0"}, {"id", id++}, {"method", line.method}, {"params", line.params}};
    if (!meta.is_null()) message["params"]["_meta"] = std::move(meta);
    McpReply reply = endpoint.handle({"POST", message.dump(), std::move(headers), true});
    json answer = reply.body;
    if (const auto held = json::json_pointer("/result/structuredContent"); answer.contains(held))
      CHECK(assay::tests::schema_faults(
                answer[held], registry.find(line.params["name"].get<std::string>())->output_schema)
                .empty());
    settle(answer);
    transcript.push_back({{"request", message}, {"status", reply.status}, {"answer", answer}});
    return reply;
  }
};

TEST_CASE_METHOD(TranscriptFixture, "the legacy era says what its transcript says") {
  const McpReply opened = say({"initialize",
                               {{"protocolVersion", "2025-11-25"},
                                {"capabilities", json::object()},
                                {"clientInfo", {{"name", "test"}, {"version", "1"}}}}},
                              nullptr, {});
  McpHeaders headers;
  headers.session_id = opened.headers.at(0).second;
  headers.protocol_version = "2025-11-25";
  say({"ping"}, nullptr, headers);
  for (const Line& line : shared_lines()) say(line, nullptr, headers);
  compare("legacy", transcript);
}

TEST_CASE_METHOD(TranscriptFixture, "the modern era says what its transcript says") {
  const json meta = {{"io.modelcontextprotocol/protocolVersion", "2026-07-28"},
                     {"io.modelcontextprotocol/clientCapabilities", json::object()}};
  const auto headers = [](const Line& line) {
    McpHeaders made{"2026-07-28", line.method, std::nullopt};
    for (const char* field : {"name", "uri"})
      if (line.params.contains(field)) made.name = line.params[field].get<std::string>();
    return made;
  };
  say({"server/discover"}, meta, headers({"server/discover"}));
  say({"initialize"}, meta, headers({"initialize"}));
  for (const Line& line : shared_lines()) say(line, meta, headers(line));
  compare("modern", transcript);
}

}  // namespace
