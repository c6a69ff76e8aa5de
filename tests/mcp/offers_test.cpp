// SPDX-License-Identifier: Apache-2.0
// Prompts and resources, and what an extension adds.
#include <catch2/catch.hpp>

#include "mcp/extension.h"
#include "mcp/io_contract_guide.h"
#include "mcp/server.h"
#include "schemas/requests.h"
#include "tests/support/fake_engine.h"
#include "tools/all_tools.h"

namespace {

using assay::mcp::Handled;
using assay::mcp::Peer;
using assay::tests::FakeEngine;
using Catch::Contains;
using nlohmann::json;

json offer_request(const char* method, json params = json::object()) {
  return {{"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", std::move(params)}};
}

json modern_offer_request(const char* method, json params = json::object()) {
  params["_meta"] = {{"io.modelcontextprotocol/protocolVersion", "2026-07-28"},
                     {"io.modelcontextprotocol/clientCapabilities", json::object()}};
  return offer_request(method, std::move(params));
}

struct OffersFixture {
  FakeEngine engine;
  assay::tools::Registry registry = assay::tools::all_tools(engine);
  assay::mcp::Server server{registry, "1.2.3"};

  json ask(const json& message) const { return server.handle(message.dump(), Peer{}).body; }
  json read(const std::string& uri) const {
    return ask(offer_request("resources/read", {{"uri", uri}}));
  }
};

TEST_CASE_METHOD(OffersFixture, "every request in the guide to contracts is accepted") {
  const std::string text =
      read("assay://guide/io-contract")["result"]["contents"][0]["text"].get<std::string>();
  int requests = 0;
  for (std::size_t at = 0; (at = text.find("```json\n", at)) != std::string::npos; ++requests) {
    at += 8;
    const json arguments = json::parse(text.substr(at, text.find("\n```", at) - at));
    const bool compares = arguments.contains("ref_kernel_source");
    const auto work = compares ? assay::schemas::read_compare_arguments(arguments)
                               : assay::schemas::read_evaluate_arguments(arguments);
    INFO((work.ok() ? "" : work.error().message) << arguments.dump(2));
    REQUIRE(work.ok());
    CHECK(work->warnings.empty());
  }
  CHECK(requests >= 2);
}

TEST_CASE_METHOD(OffersFixture, "a finished job's report and whole compile log are resources") {
  engine.compile_log_now = std::string(300'000, 'x') + "end";
  engine.hold = true;
  assay::schemas::WorkRequest work;
  REQUIRE(engine.submit(work).ok());
  CHECK_THAT(read("assay://job/job-1/report")["error"]["message"].get<std::string>(),
             Contains("wait_seconds"));
  engine.complete("job-1");
  const json report = read("assay://job/job-1/report")["result"]["contents"][0];
  CHECK(report["mimeType"] == "application/json");
  CHECK(json::parse(report["text"].get<std::string>())["verdict"]["code"] == "correct");
  const json log = read("assay://job/job-1/compile-log")["result"]["contents"][0];
  CHECK(log["text"] == engine.compile_log_now);
}

TEST_CASE_METHOD(OffersFixture, "what is not there is an error of its era that names the uri") {
  for (const char* uri : {"assay://job/job-9/report", "assay://job//report", "assay://job/report",
                          "assay://job/a/b/report", "file:///etc/passwd", ""}) {
    const json legacy = read(uri);
    INFO(uri << legacy.dump());
    CHECK(legacy["error"]["code"] == -32002);
    CHECK(legacy["error"]["data"]["uri"] == uri);
    CHECK(ask(modern_offer_request("resources/read", {{"uri", uri}}))["error"]["code"] == -32602);
  }
  CHECK(ask(offer_request("resources/read"))["error"]["code"] == -32602);
}

TEST_CASE_METHOD(OffersFixture, "an error does not repeat a long text of the client's") {
  const std::string text(100'000, 'k');
  for (const json& request :
       {offer_request("resources/read", {{"uri", "assay://" + text}}),
        offer_request("resources/read", {{"uri", "assay://job/" + text + "/report"}}),
        offer_request("resources/read", {{"uri", "assay://job/" + text + "/compile-log"}}),
        offer_request("prompts/get", {{"name", "find_fault"}, {"arguments", {{text, "x"}}}}),
        offer_request("prompts/get", {{"name", text}}),
        offer_request("tools/call", {{"name", text}}), offer_request(text.c_str())}) {
    const std::string answer = ask(request).dump();
    INFO(answer.substr(0, 300));
    CHECK_THAT(answer, Contains("\"error\""));
    CHECK(answer.size() < 1'000);
  }
}

TEST_CASE_METHOD(OffersFixture, "what may be kept says so, what changes says so too") {
  for (const char* method : {"prompts/list", "resources/list", "resources/templates/list"}) {
    const json result = ask(modern_offer_request(method))["result"];
    CHECK(result["ttlMs"].get<int>() > 0);
    CHECK(result["cacheScope"] == "public");
    CHECK_FALSE(ask(offer_request(method))["result"].contains("ttlMs"));
  }
  REQUIRE(engine.submit({}).ok());
  const json report =
      ask(modern_offer_request("resources/read", {{"uri", "assay://job/job-1/report"}}));
  CHECK(report["result"]["ttlMs"] == 0);
  CHECK(report["result"]["cacheScope"] == "private");
}

TEST_CASE_METHOD(OffersFixture, "a prompt takes its arguments and leaves out what was not given") {
  const auto get = [&](json arguments) {
    return ask(
        offer_request("prompts/get", {{"name", "optimize_kernel"}, {"arguments", arguments}}));
  };
  const std::string text =
      get({{"reference_source", "SOURCE {goal}"},
           {"kernel_type", "cuda"}})["result"]["messages"][0]["content"]["text"];
  CHECK_THAT(text, Contains("SOURCE {goal}"));  // an argument's own braces stay
  CHECK_THAT(text, Contains("Kernel type: cuda."));
  CHECK_THAT(text, !Contains("Goal: "));
  CHECK_THAT(get(json::object())["error"]["message"].get<std::string>(),
             Contains("reference_source is required"));
  CHECK(get({{"reference_source", 7}})["error"]["code"] == -32602);
  CHECK(get({{"reference_source", "x"}, {"other", "y"}})["error"]["code"] == -32602);
  CHECK_THAT(
      ask(offer_request("prompts/get", {{"name", "x"}}))["error"]["message"].get<std::string>(),
      Contains("find_fault"));
}

class Extra final : public assay::mcp::Extension {
 public:
  json capabilities(assay::mcp::Era) const override { return {{"completions", json::object()}}; }
  json tools(assay::mcp::Era) const override { return json::array({{{"name", "extra"}}}); }
  json prompts() const override { return json::array(); }
  json resources() const override { return json::array({{{"uri", "extra://x"}}}); }
  json resource_templates() const override { return json::array(); }
  std::optional<Handled> handle(const assay::mcp::Request& request) const override {
    if (request.message.method == "extra/method") return answer_with(request, {{"mine", true}});
    if (request.message.method == "tools/call" && request.message.params["name"] == "extra")
      return run_later(request, [](assay::mcp::CallPeer&) {
        return json{{"content", json::array()}};
      });
    return std::nullopt;
  }
};

TEST_CASE_METHOD(OffersFixture,
                 "an extension adds to the lists and answers what the server does not know") {
  const Extra extra;
  const assay::mcp::Server extended(registry, "1.2.3", &extra);
  const auto tell = [&](const json& message) { return extended.handle(message.dump(), Peer{}); };
  CHECK(tell(offer_request("tools/list")).body["result"]["tools"].size() == 6);
  CHECK(tell(offer_request("resources/list")).body["result"]["resources"].size() == 2);
  CHECK(tell(modern_offer_request("server/discover"))
            .body["result"]["capabilities"]
            .contains("completions"));
  CHECK(tell(offer_request("extra/method")).body["result"]["mine"] == true);
  CHECK(tell(modern_offer_request("extra/method")).body["result"]["resultType"] == "complete");
  CHECK(tell(offer_request("other/method")).body["error"]["code"] == -32601);
  CHECK(tell(offer_request("tools/call", {{"name", "extra"}})).call);
  CHECK(tell(offer_request("tools/call", {{"name", "other"}})).body["error"]["code"] == -32602);
  CHECK(ask(offer_request("tools/list"))["result"]["tools"].size() == 5);
}

}  // namespace
