// SPDX-License-Identifier: Apache-2.0
// What is known to break cpp-httplib 0.11.4, sent byte for byte, each beside an honest neighbour
// that must be served. Memory under attack is measured on the real program
// (tests/e2e/test_door.py).
#include <memory>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/mcp/raw_http.h"
#include "tests/mcp/token.h"

namespace {

using assay::tests::body_of;
using assay::tests::Client;
using assay::tests::get;
using assay::tests::kToken;
using assay::tests::post;
using assay::tests::Running;
using assay::tests::test_http_options;
using Catch::Contains;
using Catch::StartsWith;
using nlohmann::json;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

const std::string kStatsBody = json({{"jsonrpc", "2.0"},
                                     {"id", 1},
                                     {"method", "tools/call"},
                                     {"params", {{"name", "get_server_stats"}}}})
                                   .dump();
const std::string kTools = R"({"jsonrpc":"2.0","id":2,"method":"tools/list"})";

assay::mcp::HttpOptions impatient() {
  auto options = test_http_options();
  options.read_timeout = 1s;
  options.write_timeout = 1s;
  return options;
}

std::string status_of(const std::string& answer) {
  return answer.substr(0, answer.find("\r\n"));
}

void check_honest_neighbour(Running& running) {
  Client honest(running.port);
  honest.send(post("/mcp", kStatsBody));
  CHECK_THAT(honest.receive_answer(), StartsWith("HTTP/1.1 200"));
}

std::string chunked(const std::string& more = "") {
  return "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
         "Transfer-Encoding: chunked\r\n" +
         more + "\r\n5\r\nhello\r\n0\r\n\r\n";
}

std::string commas(std::size_t count) {
  std::string text;
  while (count-- > 0) text += "0,";
  return text;
}

// What must be refused. `closes`: nothing behind it may be taken for a request.
struct Attack {
  const char* name;
  std::string bytes;
  const char* status;
  bool closes;
};

TEST_CASE(
    "attacks are refused, what hides behind them is not answered, the next client is served") {
  Running running;
  const std::string length_of_stats =
      "Content-Length: " + std::to_string(kStatsBody.size()) + "\r\n";
  const std::vector<Attack> attacks = {
      {"chunked body", chunked(), "501", true},
      {"chunked and length", chunked("Content-Length: 5\r\n"), "501", true},
      {"chunked in other clothes",
       post("/mcp", "0\r\n\r\n", "Transfer-Encoding: identity, \tchunked\r\n"), "501", true},
      {"no length",
       "POST /evaluate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\r\n",
       "411", true},
      {"inflated body", post("/mcp", "\x1f\x8b\x08", "Content-Encoding: gzip\r\n"), "415", true},
      {"range on an answer", post("/mcp", kStatsBody, "Range: bytes=0-3\r\n"), "400", true},
      {"very many ranges",
       get("/health", "Host: localhost\r\nRange: bytes=" + std::string(5'000, '-') + "\r\n"), "400",
       true},
      {"two lengths", post("/mcp", kStatsBody, "Content-Length: 4\r\n"), "400", true},
      {"a length with a sign",
       "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: -2\r\n\r\n", "400", true},
      {"8 MiB and a byte for /mcp",
       "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8388609\r\n\r\n", "413", true},
      {"smuggling behind an unread body", chunked() + std::string(5'000, 'x') + get("/stats"),
       "501", true},
      {"smuggling behind a space before the colon",
       "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length : 40\r\n\r\n" + get("/stats"),
       "400", true},
      {"smuggling behind a bare line feed",
       "GET /health HTTP/1.1\nHost: localhost\n\n" + get("/stats"), "400", true},
      {"a header line of 64 KiB",
       get("/health", "Host: localhost\r\nX: " + std::string(65'536, 'a') + "\r\n"), "431", true},
      {"a folded header", get("/health", "Host: localhost\r\nX: a\r\n b\r\n"), "400", true},
      {"a path of 9 KiB", get("/" + std::string(9'000, 'a')), "414", true},
      {"a path with an encoded line break", get("/job/%0d%0aX"), "400", true},
      {"TLS on the plain port", "\x16\x03\x01\x02\x01\x01\xfc\x03\x03\r\n\r\n", "400", true},
      {"rebound host",
       "POST /mcp HTTP/1.1\r\nHost: evil.example.com\r\nContent-Type: application/json\r\n" +
           length_of_stats + "\r\n" + kStatsBody,
       "403", false},
      {"no host", "GET /health HTTP/1.1\r\n\r\n", "400", false},
      {"foreign page", post("/mcp", kStatsBody, "Origin: http://evil.example.com\r\n"), "403",
       false},
      {"form to a JSON route",
       "POST /evaluate HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: "
       "2\r\n\r\n{}",
       "415", false},
      {"deep nesting", post("/mcp", std::string(100'000, '[')), "400", false},
      {"very many values", post("/mcp", "[" + commas(300'000) + "0]"), "400", false},
      {"two names", post("/mcp", kStatsBody, "Mcp-Name: a\r\nMcp-Name: a\r\n"), "400", true},
      {"two sessions", post("/mcp", kStatsBody, "Mcp-Session-Id: a\r\nMcp-Session-Id: b\r\n"),
       "400", true},
  };
  for (const Attack& attack : attacks) {
    INFO(attack.name);
    Client client(running.port, 3);
    client.send(attack.bytes);
    const std::string answer = attack.closes ? client.receive_all() : client.receive_answer();
    CHECK_THAT(answer, StartsWith(std::string("HTTP/1.1 ") + attack.status));
    CHECK(body_of(answer).contains("error"));  // the answer is whole
    if (attack.closes) {
      CHECK_THAT(answer, Contains("Connection: close"));
      CHECK(answer.find("HTTP/1.1 ", 8) == std::string::npos);
    } else {
      client.send(get("/health"));  // the refused body is not in the way of what follows
      CHECK_THAT(client.receive_answer(), StartsWith("HTTP/1.1 200"));
    }
    check_honest_neighbour(running);
  }
}

TEST_CASE("too many headers are refused, the most allowed are not") {
  Running running;
  std::string headers = "Host: localhost\r\n";
  for (int i = 1; i < 100; ++i) headers += "X: a\r\n";
  Client honest(running.port);
  honest.send(get("/health", headers));
  CHECK_THAT(honest.receive_answer(), StartsWith("HTTP/1.1 200"));
  Client client(running.port);
  client.send(get("/health", headers + "X: a\r\n"));
  CHECK_THAT(client.receive_all(), StartsWith("HTTP/1.1 431"));
}

TEST_CASE("pipelined requests are all answered, in order") {
  Running running;
  Client client(running.port);
  client.send(post("/mcp", kTools) + get("/health") + post("/mcp", kStatsBody) + get("/nothing") +
              get("/health"));
  CHECK(body_of(client.receive_answer())["id"] == 2);
  CHECK(body_of(client.receive_answer())["status"] == "healthy");
  CHECK(body_of(client.receive_answer())["id"] == 1);
  CHECK_THAT(client.receive_answer(), StartsWith("HTTP/1.1 404"));
  CHECK(body_of(client.receive_answer())["status"] == "healthy");
}

TEST_CASE("header values reach us as they were sent: no percent-decoding, no line breaks") {
  Running running;
  const auto call = [&](const std::string& name) {
    const json params = {{"name", "get_server_stats"},
                         {"_meta",
                          {{"io.modelcontextprotocol/protocolVersion", "2026-07-28"},
                           {"io.modelcontextprotocol/clientCapabilities", json::object()}}}};
    const std::string body =
        json({{"jsonrpc", "2.0"}, {"id", 1}, {"method", "tools/call"}, {"params", params}}).dump();
    Client client(running.port);
    client.send(post("/mcp", body,
                     "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: " +
                         name + "\r\n"));
    return status_of(client.receive_answer());
  };
  CHECK_THAT(call("get_server_stats"), Contains("200"));
  CHECK_THAT(call("get%5Fserver_stats"), Contains("400"));  // decoded it would be the right one
  Client client(running.port);
  client.send(get("/health", "Host: localhost%0d%0aOrigin: x\r\n"));
  CHECK_THAT(client.receive_answer(), StartsWith("HTTP/1.1 403"));
}

TEST_CASE("an address that a client claims is not its address") {
  auto options = test_http_options();
  options.clients = {2, 100, true};
  Running running(options);
  int served = 0;
  std::string last;
  for (int i = 0; i < 10; ++i) {
    Client client(running.port);
    const std::string address = "10.0.0." + std::to_string(i);
    std::string headers = "Host: localhost\r\nREMOTE_ADDR: ";
    headers.append(address).append("\r\nX-Forwarded-For: ").append(address).append("\r\n");
    client.send(get("/health", headers));
    last = client.receive_answer();
    if (last.find("HTTP/1.1 200") == 0) ++served;
  }
  CHECK(served >= 2);
  CHECK(served < 8);
  CHECK_THAT(last, StartsWith("HTTP/1.1 429"));
  CHECK_THAT(last, Contains("Retry-After: 1\r\n"));
}

TEST_CASE("a defect of ours is told as such, without its text") {
  Running running;
  running.engine.on_cleanup = [] { throw std::runtime_error("/secret/path is broken"); };
  Client client(running.port);
  client.send("POST /admin/cleanup-jobs HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const std::string answer = client.receive_answer();
  CHECK_THAT(answer, StartsWith("HTTP/1.1 500"));
  CHECK_THAT(answer, !Contains("secret") && !Contains("EXCEPTION"));
  CHECK(body_of(answer)["error"] == "internal error");
  running.engine.on_cleanup = nullptr;
  client.send("POST /admin/cleanup-jobs HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK_THAT(client.receive_answer(), StartsWith("HTTP/1.1 200"));
}

TEST_CASE("without the token nothing is answered, and its body is not read for long") {
  auto options = test_http_options();
  options.auth = {kToken, "https://login.example", ""};
  Running running(options);
  Client client(running.port);
  client.send(post("/mcp", kStatsBody));
  std::string answer = client.receive_answer();
  CHECK_THAT(answer, StartsWith("HTTP/1.1 401"));
  CHECK_THAT(answer, Contains("WWW-Authenticate: Bearer realm=\"assay\", resource_metadata="));
  client.send(post("/mcp", kStatsBody, "Authorization: Bearer " + kToken + "\r\n"));
  CHECK_THAT(client.receive_answer(), StartsWith("HTTP/1.1 200"));
  client.send(get("/.well-known/oauth-protected-resource/mcp"));
  CHECK(body_of(client.receive_answer())["authorization_servers"][0] == "https://login.example");
  client.send("POST /evaluate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000000\r\n\r\n");
  answer = client.receive_all();  // at once, although the body never comes
  CHECK_THAT(answer, StartsWith("HTTP/1.1 401") && Contains("Connection: close"));
}

TEST_CASE("the documentation needs no token, and refusals have the form of their route's errors") {
  auto options = test_http_options();
  options.auth = {kToken, "", ""};
  Running running(options);
  Client client(running.port);
  for (const char* open : {"/docs", "/openapi.json"}) {
    client.send(get(open));
    CHECK_THAT(client.receive_answer(), StartsWith("HTTP/1.1 200"));
  }
  client.send(get("/jobs"));
  const std::string ours = client.receive_answer();
  CHECK_THAT(ours, StartsWith("HTTP/1.1 401") && Contains("application/problem+json"));
  CHECK(body_of(ours)["status"] == 401);
  CHECK(body_of(ours)["title"] == "Unauthorized");
  for (const char* old_route : {"/stats", "/job/x"}) {
    client.send(get(old_route));
    const std::string theirs = client.receive_answer();
    CHECK_THAT(theirs, StartsWith("HTTP/1.1 401") && Contains("Content-Type: application/json"));
    CHECK(body_of(theirs)["status"] == "client_error");
  }
}

TEST_CASE("a body is asked for only when its request will be served") {
  Running running;
  const std::string head =
      "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Expect: 100-continue\r\n";
  Client client(running.port);
  client.send(head + "Content-Length: " + std::to_string(kStatsBody.size()) + "\r\n\r\n");
  CHECK_THAT(client.receive_until("\r\n\r\n"), StartsWith("HTTP/1.1 100 Continue"));
  client.send(kStatsBody);
  CHECK_THAT(client.receive_until("\"id\""), Contains("HTTP/1.1 200"));
  Client refused(running.port);
  refused.send(head + "Content-Length: 9999999\r\n\r\n");
  CHECK_THAT(refused.receive_all(), StartsWith("HTTP/1.1 413"));
}

TEST_CASE("drips end: a head, and a body, must come within their time") {
  Running running(impatient());
  const auto start = Clock::now();
  Client head(running.port), body(running.port);
  head.send("GET /health HTTP/1.1\r\n");
  body.send(
      "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Content-Length: 1000\r\n\r\n");
  for (int i = 0; i < 12; ++i) {  // each byte within the time that one byte may take
    head.send("X");
    body.send(" ");
    std::this_thread::sleep_for(200ms);
  }
  CHECK_THAT(head.receive_all(), StartsWith("HTTP/1.1 408"));
  CHECK_THAT(body.receive_all(), StartsWith("HTTP/1.1 408"));
  CHECK(Clock::now() - start < 10s);
  check_honest_neighbour(running);
}

TEST_CASE("a client that never reads is dropped") {
  Running running(impatient());
  Client client(running.port);
  client.take_little();
  std::string requests;
  for (int i = 0; i < 400; ++i) requests += post("/mcp", kTools);
  std::thread sender([&] { client.send(requests); });  // ends when the server has closed
  check_honest_neighbour(running);
  sender.join();
  std::this_thread::sleep_for(2s);
  const std::string answers = client.receive_all();  // what the system held, then the end
  CHECK_THAT(answers, Contains("200 OK"));
  CHECK(answers.size() < (2U << 20));
}

TEST_CASE("a stream whose reader closed its half is given up; a plain answer still arrives") {
  Running running;
  Client plain(running.port);
  plain.send(post("/mcp", kStatsBody));
  plain.half_close();
  CHECK_THAT(plain.receive_answer(), StartsWith("HTTP/1.1 200"));

  running.engine.hold = true;
  Client stream(running.port);
  json params = {{"name", "evaluate_kernel"},
                 {"arguments", {{"kernel_source", "x"}, {"kernel_type", "torch"}}},
                 {"_meta", {{"progressToken", 1}}}};
  stream.send(post(
      "/mcp",
      json({{"jsonrpc", "2.0"}, {"id", 1}, {"method", "tools/call"}, {"params", params}}).dump()));
  CHECK_THAT(stream.receive_until("\r\n\r\n"), Contains("text/event-stream"));
  stream.half_close();
  CHECK_THAT(stream.receive_all(), !Contains("structuredContent"));  // ends within 5 s
  running.engine.complete("job-1");
}

TEST_CASE("the bodies of all requests together are bounded") {
  auto options = test_http_options();
  options.max_bodies_bytes = 5 << 20;
  Running running(options);
  const std::string part(1'900'000, ' ');
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 2; ++i) {  // two MiB of the budget each, held while the rest is awaited
    clients.push_back(std::make_unique<Client>(running.port));
    clients.back()->send(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Content-Length: 2000000\r\n\r\n" +
        part);
  }
  std::this_thread::sleep_for(500ms);
  Client third(running.port);
  third.send(post("/mcp", part + part));
  CHECK_THAT(third.receive_all(), StartsWith("HTTP/1.1 503") && Contains("Retry-After: 5\r\n"));
  check_honest_neighbour(running);  // small bodies need no budget
  clients.clear();
  std::this_thread::sleep_for(500ms);
  Client later(running.port);
  later.send(post("/mcp", part + part));
  CHECK_THAT(later.receive_answer(), StartsWith("HTTP/1.1 400"));  // read, and no JSON
}

TEST_CASE("connections beyond the limit are told so at once, and later ones are served again") {
  auto options = test_http_options();
  options.max_connections = 4;
  options.keep_alive = 5s;
  Running running(options);
  std::vector<std::unique_ptr<Client>> idle;
  for (int i = 0; i < 4; ++i) {
    idle.push_back(std::make_unique<Client>(running.port));
    idle.back()->send(get("/health"));
    CHECK_THAT(idle.back()->receive_answer(), StartsWith("HTTP/1.1 200"));
  }
  Client extra(running.port);
  const std::string answer = extra.receive_all();
  CHECK_THAT(answer, StartsWith("HTTP/1.1 503") && Contains("Retry-After: 1\r\n"));
  // Idle ones are let go early when nearly all are taken.
  std::this_thread::sleep_for(1'500ms);
  check_honest_neighbour(running);
}

}  // namespace
