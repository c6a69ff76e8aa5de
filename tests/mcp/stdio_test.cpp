// SPDX-License-Identifier: Apache-2.0
#include "mcp/stdio.h"

#include <atomic>
#include <thread>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <sys/socket.h>

#include "tests/support/fake_engine.h"
#include "tools/all_tools.h"

namespace {

using assay::tests::FakeEngine;
using nlohmann::json;
using namespace std::chrono_literals;

// A server on a thread of its own with pipes to and from it.
class StdioSession {
 public:
  StdioSession() {
    REQUIRE(::pipe(input_) == 0);
    REQUIRE(::pipe(output_) == 0);
    REQUIRE(::pipe(stop_) == 0);
    thread_ = std::thread([this] {
      assay::mcp::serve_stdio(server_, input_[0], output_[1], stop_[0]);
      ended_ = true;
      ::close(output_[1]);
    });
  }
  ~StdioSession() {
    end();
    for (const int fd : {input_[0], output_[0], stop_[0], stop_[1]}) ::close(fd);
  }

  // Asserts nothing, so that any thread may send.
  bool send(const std::string& text) {
    for (std::size_t sent = 0; sent < text.size();) {
      const ssize_t count = ::write(input_[1], text.data() + sent, text.size() - sent);
      if (count <= 0) return false;
      sent += static_cast<std::size_t>(count);
    }
    return true;
  }
  void send_message(const json& message) { REQUIRE(send(message.dump() + "\n")); }

  // The next line, parsed; null at the end of output.
  json receive() {
    std::string line;
    char character = 0;
    while (::read(output_[0], &character, 1) == 1) {
      if (character == '\n') return json::parse(line);
      line += character;
    }
    return line.empty() ? json() : json("unfinished line: " + line);
  }

  // As a signal does.
  void stop() { REQUIRE(::write(stop_[1], "x", 1) == 1); }
  bool has_ended() const { return ended_; }

  // Closes the input and waits for the server's end.
  void end() {
    if (!thread_.joinable()) return;
    ::close(input_[1]);
    thread_.join();
  }

  FakeEngine engine;

 private:
  assay::tools::Registry registry_ = assay::tools::all_tools(engine);
  assay::mcp::Server server_{registry_, "1.2.3"};
  int input_[2]{}, output_[2]{}, stop_[2]{};
  std::atomic<bool> ended_ = false;
  std::thread thread_;
};

json call(int id, const char* tool, json arguments) {
  return {{"jsonrpc", "2.0"},
          {"id", id},
          {"method", "tools/call"},
          {"params", {{"name", tool}, {"arguments", std::move(arguments)}}}};
}

const json kPatientEvaluate = {
    {"kernel_source", "x"}, {"kernel_type", "torch"}, {"wait_seconds", 600}};

TEST_CASE("one line in, one line out, notifications unanswered") {
  StdioSession session;
  CHECK(session.send(
      R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18"}})"
      "\n\n  \r\n"
      R"({"jsonrpc":"2.0","method":"notifications/initialized"})"
      "\n"
      R"({"jsonrpc":"2.0","id":2,"method":"ping"})"
      "\n"));
  CHECK(session.receive()["result"]["protocolVersion"] == "2025-06-18");
  CHECK(session.receive()["id"] == 2);
  session.end();
  CHECK(session.receive().is_null());
}

TEST_CASE("a long call does not hold up a short one") {
  StdioSession session;
  session.engine.hold = true;
  session.send_message(call(1, "evaluate_kernel", kPatientEvaluate));
  REQUIRE(session.engine.await_submission(2s));
  session.send_message(call(2, "get_server_stats", json::object()));
  CHECK(session.receive()["id"] == 2);
  session.engine.complete("job-1");
  CHECK(session.receive()["id"] == 1);
}

TEST_CASE("a cancelled call gets no response and its job is cancelled") {
  StdioSession session;
  session.engine.hold = true;
  session.send_message(call(1, "evaluate_kernel", kPatientEvaluate));
  REQUIRE(session.engine.await_submission(2s));
  session.send_message(
      {{"jsonrpc", "2.0"}, {"method", "notifications/cancelled"}, {"params", {{"requestId", 1}}}});
  for (int i = 0; i < 100 && !session.engine.was_cancelled(); ++i)
    std::this_thread::sleep_for(20ms);
  CHECK(session.engine.was_cancelled());
  session.send_message(call(2, "get_server_stats", json::object()));
  CHECK(session.receive()["id"] == 2);
}

TEST_CASE("the end of input ends the server and withdraws what runs") {
  StdioSession session;
  session.engine.hold = true;
  session.send_message(call(1, "evaluate_kernel", kPatientEvaluate));
  REQUIRE(session.engine.await_submission(2s));
  session.end();
  CHECK(session.engine.was_cancelled());
}

TEST_CASE("the last line needs no line break") {
  StdioSession session;
  CHECK(session.send(R"({"jsonrpc":"2.0","id":7,"method":"ping"})"));
  session.end();
  CHECK(session.receive()["id"] == 7);
}

TEST_CASE("what can be answered at once is still answered after the end of input") {
  StdioSession session;
  session.engine.before_submit = [] { std::this_thread::sleep_for(150ms); };
  session.send_message(call(1, "evaluate_kernel", kPatientEvaluate));
  session.send_message(call(2, "get_server_stats", json::object()));
  session.end();
  CHECK(session.receive()["id"] == 2);
  const json evaluated = session.receive();
  CHECK(evaluated["id"] == 1);
  CHECK(evaluated["result"]["isError"] == false);
}

TEST_CASE("a client that reads nothing does not hold up the end") {
  for (const bool closes_input : {false, true}) {
    StdioSession session;
    session.engine.hold = true;
    session.send_message(call(1, "evaluate_kernel", kPatientEvaluate));
    std::string questions;
    for (int i = 0; i < 40; ++i)  // answers of 20 KB each into a pipe of 64
      questions += R"({"jsonrpc":"2.0","id":5,"method":"tools/list"})"
                   "\n";
    REQUIRE(session.send(questions));
    std::this_thread::sleep_for(200ms);
    std::thread closing;
    if (closes_input) closing = std::thread([&] { session.end(); });
    session.stop();
    for (int i = 0; i < 50 && !session.has_ended(); ++i) std::this_thread::sleep_for(100ms);
    CHECK(session.has_ended());
    while (!session.has_ended() && !session.receive().is_null()) {  // lets it end all the same
    }
    if (closing.joinable()) closing.join();
  }
}

TEST_CASE(
    "a batch is what it is over HTTP: of its version, without initialize and modern messages") {
  StdioSession session;
  const json ping = {{"jsonrpc", "2.0"}, {"id", 1}, {"method", "ping"}};
  const auto initialize = [](int id) -> json {
    return {{"jsonrpc", "2.0"},
            {"id", id},
            {"method", "initialize"},
            {"params", {{"protocolVersion", "2025-03-26"}}}};
  };
  session.send_message(json::array({ping}));
  CHECK(session.receive()["error"]["code"] == -32600);
  session.send_message(initialize(1));
  CHECK(session.receive()["result"]["protocolVersion"] == "2025-03-26");
  session.send_message(json::array({ping, initialize(2)}));
  const json answers = session.receive();
  REQUIRE(answers.size() == 2);
  CHECK(answers[0].contains("result"));
  CHECK(answers[1]["error"]["code"] == -32600);
  json modern = {{"jsonrpc", "2.0"}, {"id", 3}, {"method", "tools/list"}};
  modern["params"]["_meta"] = {{"io.modelcontextprotocol/protocolVersion", "2026-07-28"},
                               {"io.modelcontextprotocol/clientCapabilities", json::object()}};
  session.send_message(json::array({ping, modern}));
  CHECK(session.receive()["error"]["code"] == -32600);
}

TEST_CASE("a line beyond the limit is refused and the next one is served") {
  StdioSession session;
  bool sent = false;
  std::thread writer([&] {
    sent = session.send(std::string(assay::mcp::kMaxLineBytes + 10, 'x') + "\n" +
                        R"({"jsonrpc":"2.0","id":5,"method":"ping"})" + "\n");
  });
  CHECK(session.receive()["error"]["code"] == -32600);
  CHECK(session.receive()["id"] == 5);
  writer.join();
  CHECK(sent);
}

}  // namespace
