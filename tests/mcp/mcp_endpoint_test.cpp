// SPDX-License-Identifier: Apache-2.0
// Streamable HTTP without sockets, over a fake engine.
#include "mcp/mcp_endpoint.h"

#include <thread>

#include <catch2/catch.hpp>

#include "tests/support/fake_engine.h"
#include "tools/all_tools.h"

namespace {

using assay::mcp::EventSource;
using assay::mcp::McpHeaders;
using assay::mcp::McpReply;
using assay::tests::FakeEngine;
using nlohmann::json;
using namespace std::chrono_literals;

json request(const char* method, json params = json::object(), json id = 1) {
  return {
      {"jsonrpc", "2.0"}, {"id", std::move(id)}, {"method", method}, {"params", std::move(params)}};
}

json notification(const char* method, json params = json::object()) {
  return {{"jsonrpc", "2.0"}, {"method", method}, {"params", std::move(params)}};
}

json evaluate(json id = 1) {
  return request("tools/call",
                 {{"name", "evaluate_kernel"},
                  {"arguments", {{"kernel_source", "x"}, {"kernel_type", "torch"}}}},
                 std::move(id));
}

struct EndpointFixture {
  FakeEngine engine;
  assay::tools::Registry registry = assay::tools::all_tools(engine);
  assay::mcp::Server server{registry, "1.2.3"};
  assay::mcp::McpEndpoint endpoint{server, {16, 50ms}};
  ~EndpointFixture() {
    for (int i = 1; i <= 40; ++i) engine.complete("job-" + std::to_string(i));
  }

  McpReply send(const char* method, const std::string& body, McpHeaders headers,
                bool accepts_stream = true) {
    return endpoint.handle({method, body, std::move(headers), accepts_stream});
  }
  McpReply post(const json& message, McpHeaders headers = {}) {
    return send("POST", message.dump(), std::move(headers));
  }
  // The id of a new session.
  std::string open(const char* version = "2025-11-25") {
    const McpReply reply = post(request("initialize", {{"protocolVersion", version}}));
    REQUIRE(reply.headers.size() == 1);
    REQUIRE(reply.headers[0].first == "Mcp-Session-Id");
    return reply.headers[0].second;
  }
  static McpHeaders in_session(const std::string& id, std::optional<std::string> last_event = {}) {
    McpHeaders headers;
    headers.session_id = id;
    headers.last_event_id = std::move(last_event);
    return headers;
  }
};

// Frames until the stream ends or nothing comes for a while.
std::string all_of(EventSource& events, std::chrono::milliseconds patience = 300ms) {
  std::string all;
  while (!events.ended()) {
    const auto frame = events.next(patience);
    if (!frame) break;
    all += *frame;
  }
  return all;
}

using Catch::Contains;

TEST_CASE_METHOD(EndpointFixture, "a session lives from initialize to DELETE") {
  const std::string id = open();
  CHECK(post(request("ping"), in_session(id)).status == 200);
  CHECK(send("DELETE", "", in_session(id)).status == 200);
  const McpReply gone = post(request("ping"), in_session(id));
  CHECK(gone.status == 404);
  CHECK(gone.body.contains("error"));
  CHECK(send("DELETE", "", in_session(id)).status == 404);
  CHECK(send("DELETE", "", {}).status == 405);
  CHECK(post(request("ping")).status == 200);  // scripts need no session
}

TEST_CASE_METHOD(EndpointFixture, "the modern era ignores a session id") {
  json message = request("tools/list");
  message["params"]["_meta"] = {{"io.modelcontextprotocol/protocolVersion", "2026-07-28"},
                                {"io.modelcontextprotocol/clientCapabilities", json::object()}};
  McpHeaders headers = in_session("no such session");
  headers.protocol_version = "2026-07-28";
  headers.method = "tools/list";
  CHECK(post(message, headers).status == 200);
}

TEST_CASE_METHOD(EndpointFixture, "GET opens no stream by itself") {
  CHECK(send("GET", "", {}).status == 405);
  CHECK(send("GET", "", in_session(open())).status == 405);
  CHECK(send("GET", "", in_session("unknown", "1-0")).status == 404);
  CHECK(send("GET", "", in_session(open(), "9-9")).status == 400);
  CHECK(send("PUT", "{}", {}).status == 405);
}

TEST_CASE_METHOD(EndpointFixture,
                 "a stream is primed where the revision knows it, and can be resumed") {
  engine.hold = true;
  const std::string id = open();
  McpReply reply = post(evaluate(), in_session(id));
  REQUIRE(reply.events);
  const std::string priming = *reply.events->next(0ms);
  REQUIRE_THAT(priming, Contains("\ndata: \n\n"));
  const std::string event_id = priming.substr(4, priming.find('\n') - 4);
  reply.events->closed(false);  // the connection is lost
  engine.complete("job-1");
  McpReply resumed = send("GET", "", in_session(id, event_id));
  REQUIRE(resumed.events);
  CHECK_THAT(all_of(*resumed.events, 5s), Contains("\"structuredContent\""));
  CHECK(resumed.events->ended());
  CHECK_FALSE(engine.was_cancelled());
  // Once more: the answer may have been lost on the way.
  CHECK_THAT(all_of(*send("GET", "", in_session(id, event_id)).events), Contains("\"result\""));

  json anew = evaluate(2);
  anew["params"]["arguments"]["fresh"] = true;  // else it joins the first one's result
  McpReply old = post(anew, in_session(open("2025-06-18")));
  REQUIRE(old.events);
  CHECK_FALSE(old.events->next(0ms));
}

TEST_CASE_METHOD(EndpointFixture, "a stream cannot be resumed behind its last event, nor as JSON") {
  engine.hold = true;
  const std::string id = open();
  McpReply reply = post(evaluate(), in_session(id));
  const std::string priming = *reply.events->next(0ms);
  const std::string stream = priming.substr(4, priming.find("-0\n") - 4);
  CHECK(send("GET", "", in_session(id, stream + "-1")).status == 400);
  CHECK(send("GET", "", in_session(id, stream + "-99999")).status == 400);
  CHECK(send("GET", "", in_session(id, stream + "-0"), false).status == 406);
  CHECK_FALSE(reply.events->ended());  // its reader was not replaced by those that got nothing
  CHECK(send("GET", "", in_session(id, stream + "-0")).events);
}

TEST_CASE_METHOD(EndpointFixture, "an id is at most 256 bytes, as it is echoed") {
  CHECK(post(request("ping", json::object(), std::string(256, 'a'))).status == 200);
  const McpReply refused = post(request("ping", json::object(), std::string(257, 'a')));
  CHECK(refused.status == 400);
  CHECK(refused.body["id"].is_null());
  CHECK(refused.body.dump().size() < 400);
}

TEST_CASE_METHOD(EndpointFixture, "a stream of one session cannot be resumed by another") {
  engine.hold = true;
  McpReply reply = post(evaluate(), in_session(open()));
  const std::string priming = *reply.events->next(0ms);
  const std::string event_id = priming.substr(4, priming.find('\n') - 4);
  CHECK(send("GET", "", in_session(open(), event_id)).status == 400);
}

TEST_CASE_METHOD(EndpointFixture, "a cancelled call frees its job at once and has no response") {
  engine.hold = true;
  const std::string mine = open(), other = open();
  McpReply reply = post(evaluate(5), in_session(mine));
  REQUIRE(reply.events);
  const json cancel = notification("notifications/cancelled", {{"requestId", 5}});
  CHECK(post(cancel, in_session(other)).status == 202);  // another's request 5
  std::this_thread::sleep_for(300ms);
  CHECK_FALSE(engine.was_cancelled());
  CHECK(post(cancel, in_session(mine)).status == 202);
  for (int i = 0; i < 50 && !engine.was_cancelled(); ++i) std::this_thread::sleep_for(20ms);
  CHECK(engine.was_cancelled());
  CHECK_THAT(all_of(*reply.events, 5s), !Contains("result"));
  CHECK(reply.events->ended());
}

TEST_CASE_METHOD(EndpointFixture, "batches exist in 2025-03-26 and nowhere else") {
  const json batch =
      json::array({request("ping", json::object(), 1), notification("notifications/initialized"),
                   evaluate(2), json({{"jsonrpc", "2.0"}, {"id", 3}})});
  const McpReply answered = post(batch, in_session(open("2025-03-26")));
  CHECK(answered.status == 200);
  REQUIRE(answered.body.size() == 3);
  std::map<int, json> by_id;
  for (const json& part : answered.body) by_id[part["id"]] = part;
  CHECK(by_id[1]["result"] == json::object());
  CHECK(by_id[2]["result"]["isError"] == false);
  CHECK(by_id[3]["error"]["code"] == -32600);
  for (const char* version : {"2025-11-25", "2025-06-18"}) {
    const McpReply refused = post(batch, in_session(open(version)));
    CHECK(refused.status == 400);
    CHECK(refused.body["error"]["code"] == -32600);
  }
  // Who names no version has the one whose clients had no header for it.
  CHECK(post(batch).status == 200);
  McpHeaders newer;
  newer.protocol_version = "2025-06-18";
  CHECK(post(batch, newer).status == 400);
  const McpReply opening =
      post(json::array({request("initialize", {{"protocolVersion", "2025-03-26"}})}));
  CHECK(opening.body[0]["error"]["code"] == -32600);
  CHECK(opening.headers.empty());
  json many = json::array();
  for (int i = 0; i < 65; ++i) many.push_back(request("ping", json::object(), i));
  const McpReply crowd = post(many, in_session(open("2025-03-26")));
  CHECK(crowd.status == 400);
  CHECK_THAT(crowd.body["error"]["message"].get<std::string>(), Contains("1 to 64"));
  const McpReply quiet = post(json::array({notification("notifications/initialized")}),
                              in_session(open("2025-03-26")));
  CHECK(quiet.status == 202);
  CHECK(quiet.body.is_null());
  json modern = request("tools/list");
  modern["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2026-07-28";
  CHECK(post(json::array({modern}), in_session(open("2025-03-26"))).status == 400);
}

TEST_CASE_METHOD(EndpointFixture, "a batch that takes long is a stream of its answers") {
  engine.hold = true;
  json slow = evaluate(2);
  slow["params"]["_meta"]["progressToken"] = "here";
  const json batch = json::array(
      {request("ping", json::object(), 1), slow, json({{"jsonrpc", "2.0"}, {"id", 3}})});
  for (const bool wants_progress : {true, false}) {
    const int job = wants_progress ? 1 : 2;
    json sent = batch;
    if (!wants_progress)
      sent[1]["params"] = {{"name", "evaluate_kernel"},
                           {"arguments", {{"kernel_source", "y"}, {"kernel_type", "torch"}}}};
    std::thread completing([this, job] {
      std::this_thread::sleep_for(600ms);
      engine.complete("job-" + std::to_string(job));
    });
    const auto start = std::chrono::steady_clock::now();
    const McpReply reply = post(sent, in_session(open("2025-03-26")));
    const auto took = std::chrono::steady_clock::now() - start;
    const std::string all = reply.events ? all_of(*reply.events, 2s) : "";
    completing.join();
    INFO(all);
    REQUIRE(reply.events);
    CHECK(took < 500ms);
    CHECK(reply.events->ended());
    CHECK_THAT(all, !Contains("data: ["));
    CHECK(all.find("\"id\":1") < all.find("\"id\":3"));
    CHECK(all.find("\"id\":3") < all.find("\"id\":2"));
    CHECK(all.find("\"id\":2") < all.find("structuredContent"));
    CHECK((all.find("\"progressToken\":\"here\"") != std::string::npos) == wants_progress);
  }
}

TEST_CASE_METHOD(EndpointFixture, "a batch whose client takes no stream is one list at its end") {
  engine.hold = true;
  std::thread completing([this] {
    std::this_thread::sleep_for(200ms);
    engine.complete("job-1");
  });
  const McpReply reply =
      send("POST", json::array({request("ping", json::object(), 1), evaluate(2)}).dump(),
           in_session(open("2025-03-26")), false);
  completing.join();
  REQUIRE_FALSE(reply.events);
  CHECK(reply.body.size() == 2);
}

TEST_CASE_METHOD(EndpointFixture,
                 "a call that is withdrawn from a streamed batch has no response") {
  engine.hold = true;
  const McpHeaders session = in_session(open("2025-03-26"));
  std::thread completing([this] {
    std::this_thread::sleep_for(1s);
    engine.complete("job-1");
    engine.complete("job-2");
  });
  json other = evaluate(2);
  other["params"]["arguments"]["kernel_source"] = "y";
  const McpReply reply = post(json::array({evaluate(1), other}), session);
  post(notification("notifications/cancelled", {{"requestId", 1}}), session);
  const std::string all = reply.events ? all_of(*reply.events, 2s) : "";
  completing.join();
  REQUIRE(reply.events);
  CHECK(reply.events->ended());
  CHECK_THAT(all, Contains("\"id\":2") && !Contains("\"id\":1,"));
}

TEST_CASE_METHOD(EndpointFixture,
                 "more calls than there is room for are refused, not queued for ever") {
  engine.hold = true;
  std::vector<McpReply> held;
  held.reserve(40);
  for (int i = 0; i < 40; ++i) held.push_back(post(evaluate(i)));
  const auto refused = std::count_if(held.begin(), held.end(), [](const McpReply& reply) {
    return !reply.events && reply.body["result"]["isError"] == true;
  });
  CHECK(refused >= 8);  // 16 run and 16 wait
}

}  // namespace
