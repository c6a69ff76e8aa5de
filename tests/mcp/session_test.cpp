// SPDX-License-Identifier: Apache-2.0
#include "mcp/session.h"

#include <thread>

#include <catch2/catch.hpp>

namespace {

using assay::mcp::CallStream;
using assay::mcp::Message;
using assay::mcp::Session;
using assay::mcp::SessionStore;
using nlohmann::json;
using namespace std::chrono_literals;

Message response_to(const json& id, json result, json error = nullptr) {
  Message message;
  message.kind = Message::Kind::response;
  message.id = id;
  message.result = std::move(result);
  message.error = std::move(error);
  return message;
}

TEST_CASE("a withdrawal reaches the call of that id and no other") {
  Session session;
  const auto text = session.add_call("1");
  const auto number = session.add_call(1);
  const auto twin = session.add_call(1);  // an id used twice by a careless client
  session.withdraw(1);
  CHECK_FALSE(*text);
  CHECK(*number);
  CHECK(*twin);
  session.remove_call(1, number);
  CHECK(session.has_calls());
  session.remove_call(1, twin);
  session.remove_call("1", text);
  CHECK_FALSE(session.has_calls());
  session.withdraw("no such call");
}

TEST_CASE("a question to the client waits for its own answer") {
  Session session;
  std::thread client;
  const auto answered = session.ask(
      "roots/list", json::object(),
      [&](const json& request) {
        CHECK(request["method"] == "roots/list");
        client = std::thread([&session, id = request["id"]] {
          session.answer(response_to("another", 1));
          session.answer(response_to(id, {{"roots", json::array()}}));
        });
      },
      [] { return false; });
  client.join();
  REQUIRE(answered.ok());
  CHECK((*answered)["roots"].empty());

  const auto refused = session.ask(
      "x", {},
      [&](const json& request) {
        session.answer(response_to(request["id"], nullptr, {{"code", -1}, {"message", "no"}}));
      },
      [] { return false; });
  REQUIRE_FALSE(refused.ok());
  CHECK_THAT(refused.error().message, Catch::Contains("no"));

  CHECK_FALSE(session
                  .ask(
                      "x", {}, [](const json&) {}, [] { return true; })
                  .ok());
}

TEST_CASE("streams can be asked for while they run and a bounded number of them afterwards") {
  Session session;
  const auto running = std::make_shared<CallStream>("running");
  session.keep(running);
  for (std::size_t i = 0; i < 3 * Session::kMaxEndedStreams; ++i) {
    const auto stream = std::make_shared<CallStream>(std::to_string(i));
    session.keep(stream);
    stream->finish("done");
  }
  CHECK(session.stream("running") == running);
  CHECK(session.stream(std::to_string(3 * Session::kMaxEndedStreams - 1)) != nullptr);
  CHECK(session.stream("0") == nullptr);
  CHECK(session.stream("never") == nullptr);
}

TEST_CASE("sessions are bounded: the longest unused one without a call goes") {
  SessionStore store(2);
  const auto busy = store.open({"2025-11-25", {}});
  const auto call = busy->add_call(1);
  const auto idle = store.open({"2025-06-18", {}});
  CHECK(idle->id().size() == 32);
  CHECK(idle->id() != busy->id());
  const auto third = store.open({"2025-03-26", {}});
  CHECK(store.find(busy->id()) == busy);
  CHECK(store.find(idle->id()) == nullptr);
  CHECK(store.find(third->id())->version() == "2025-03-26");
  const auto other_call = third->add_call(1);
  CHECK(store.open({"2025-11-25", {}}) == nullptr);  // all are at work
  busy->remove_call(1, call);
  CHECK(store.open({"2025-11-25", {}}) != nullptr);
}

TEST_CASE("idle sessions expire, unless a call of theirs runs") {
  SessionStore store(10, 20ms);
  const auto idle = store.open({"2025-11-25", {}});
  const auto busy = store.open({"2025-11-25", {}});
  const auto call = busy->add_call(1);
  std::this_thread::sleep_for(60ms);
  CHECK(store.find(idle->id()) == nullptr);
  CHECK(store.find(busy->id()) == busy);
}

TEST_CASE("ending a session withdraws its calls") {
  SessionStore store;
  const auto session = store.open({"2025-11-25", {}});
  const auto call = session->add_call(1);
  CHECK(store.end(session->id()));
  CHECK(*call);
  CHECK_FALSE(store.end(session->id()));
  CHECK(store.find(session->id()) == nullptr);
}

}  // namespace
