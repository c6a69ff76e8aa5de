// SPDX-License-Identifier: Apache-2.0
// The HTTP end over real sockets, with a fake engine behind it.
#include "mcp/http_server.h"

#include <csignal>
#include <thread>
#include <unistd.h>

#include <arpa/inet.h>
#include <catch2/catch.hpp>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "tests/support/fake_engine.h"
#include "tools/all_tools.h"

namespace {

using assay::tests::FakeEngine;
using Catch::Contains;
using Catch::StartsWith;
using nlohmann::json;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

assay::mcp::HttpOptions test_options() {
  assay::mcp::HttpOptions options;
  options.port = 0;
  options.stream_after = 200ms;
  options.keep_alive = 1s;
  return options;
}

class Running {
 public:
  Running() {
    ::signal(SIGPIPE, SIG_IGN);
    const auto listening = http_.listen();
    REQUIRE(listening.ok());
    port = *listening;
    thread_ = std::thread([this] { http_.serve(server_, rest_); });
  }
  ~Running() {
    http_.stop();
    thread_.join();
  }
  FakeEngine engine;
  int port = 0;

 private:
  assay::tools::Registry registry_ = assay::tools::all_tools(engine);
  assay::mcp::Server server_{registry_, "1.2.3"};
  assay::mcp::Rest rest_{registry_, engine, {"", "1.2.3"}};
  assay::mcp::HttpServer http_{test_options()};
  std::thread thread_;
};

// A connection that sends what it is told, byte for byte.
class Client {
 public:
  explicit Client(int port, int receive_seconds = 5) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval patience{receive_seconds, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    REQUIRE(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }
  ~Client() { close(); }
  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }

  void send(const std::string& bytes) {
    (void)::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }

  // Reads until `end` was seen, the connection closes or the patience ends.
  std::string receive_until(const std::string& end) {
    char buffer[4096];
    while (received_.find(end) == std::string::npos) {
      const ssize_t count = ::recv(socket_, buffer, sizeof buffer, 0);
      if (count <= 0) break;
      received_.append(buffer, static_cast<std::size_t>(count));
    }
    return received_;
  }
  // The whole answer of a server that closes after it, or what came within the patience.
  std::string receive_all() { return receive_until("\x01never\x01"); }

  // One answer with a Content-Length.
  std::string receive_answer() {
    receive_until("\r\n\r\n");
    const auto head_end = received_.find("\r\n\r\n");
    const auto at = received_.find("Content-Length: ");
    if (head_end == std::string::npos || at == std::string::npos)
      return std::exchange(received_, "");
    const std::size_t size = head_end + 4 + std::stoul(received_.substr(at + 16));
    char buffer[4096];
    while (received_.size() < size) {
      const ssize_t count = ::recv(socket_, buffer, sizeof buffer, 0);
      if (count <= 0) break;
      received_.append(buffer, static_cast<std::size_t>(count));
    }
    std::string answer = received_.substr(0, size);
    received_.erase(0, answer.size());
    return answer;
  }

 private:
  int socket_;
  std::string received_;
};

std::string post(const std::string& path, const std::string& body,
                 const std::string& headers = "") {
  return "POST " + path +
         " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body;
}

std::string get(const std::string& path, const std::string& headers = "Host: localhost\r\n") {
  return "GET " + path + " HTTP/1.1\r\n" + headers + "\r\n";
}

json body_of(const std::string& answer) {
  return json::parse(answer.substr(answer.find("\r\n\r\n") + 4));
}

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
    CHECK_THAT(answer, Contains("Allow: POST"));
  }
  Client client(running.port);
  client.send(get("/evaluate"));
  CHECK_THAT(client.receive_answer(), StartsWith("HTTP/1.1 405"));
  client.send(get("/nothing/here"));
  const std::string answer = client.receive_answer();
  CHECK_THAT(answer, StartsWith("HTTP/1.1 404"));
  CHECK(body_of(answer)["status"] == "client_error");
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
  const std::string all = slow.receive_until("0\r\n\r\n");
  CHECK_THAT(all, Contains("\"structuredContent\""));
  CHECK_THAT(all, Contains("X-Accel-Buffering: no"));
}

TEST_CASE(
    "a long call without a progress token opens its stream soon and ends it with the response") {
  Running running;
  running.engine.hold = true;
  Client client(running.port);
  client.send(post("/mcp", tool_call(kEvaluate)));
  CHECK_THAT(client.receive_until("\r\n\r\n"), Contains("text/event-stream"));
  running.engine.complete("job-1");
  CHECK_THAT(client.receive_until("0\r\n\r\n"), Contains("event: message\ndata: {"));
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

// What must be refused, and how an honest neighbour differs.
struct Attack {
  const char* name;
  std::string bytes;
  const char* status;
  bool closes;
};

TEST_CASE("attacks on the HTTP library are refused and the next client is served") {
  Running running;
  const std::string chunk = "5\r\nhello\r\n0\r\n\r\n";
  const std::string smuggled = get("/stats");
  const std::vector<Attack> attacks = {
      {"chunked body",
       "POST /mcp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk, "501",
       true},
      {"chunked and length", post("/mcp", chunk, "Transfer-Encoding: chunked\r\n"), "501", true},
      {"no length",
       "POST /evaluate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\r\n",
       "411", true},
      {"encoded body", post("/mcp", "xxxx", "Content-Encoding: gzip\r\n"), "415", true},
      {"range on an answer", post("/mcp", kStats, "Range: bytes=0-3\r\n"), "400", true},
      {"two lengths", post("/mcp", kStats, "Content-Length: 4\r\n"), "400", true},
      {"8 MiB and a byte for /mcp",
       "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8388609\r\n\r\n", "413", true},
      {"smuggling behind an unread body",
       "POST /mcp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" +
           std::string(5000, 'x') + smuggled,
       "501", true},
      {"rebound host",
       "POST /mcp HTTP/1.1\r\nHost: evil.example.com\r\nContent-Type: application/json\r\n"
       "Content-Length: " +
           std::to_string(kStats.size()) + "\r\n\r\n" + kStats,
       "403", false},
      {"foreign page", post("/mcp", kStats, "Origin: http://evil.example.com\r\n"), "403", false},
      {"form to a JSON route",
       "POST /evaluate HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: "
       "2\r\n\r\n{}",
       "415", false},
      {"deep nesting", post("/mcp", std::string(100'000, '[')), "400", false},
  };
  for (const Attack& attack : attacks) {
    INFO(attack.name);
    Client client(running.port, 3);
    client.send(attack.bytes);
    const std::string answer = attack.closes ? client.receive_all() : client.receive_answer();
    CHECK_THAT(answer, StartsWith(std::string("HTTP/1.1 ") + attack.status));
    if (attack.closes) {
      CHECK_THAT(answer, Contains("Connection: close"));
      CHECK(answer.find("HTTP/1.1", 8) == std::string::npos);  // nothing behind it was answered
      CHECK(body_of(answer).contains("error"));                // and the answer is whole
    }
    Client honest(running.port);
    honest.send(post("/mcp", kStats));
    CHECK_THAT(honest.receive_answer(), StartsWith("HTTP/1.1 200"));
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
    CHECK_THAT(stream->receive_until("0\r\n\r\n"), Contains("structuredContent"));
}

}  // namespace
