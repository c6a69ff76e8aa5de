// SPDX-License-Identifier: Apache-2.0
// What pages of other origins are told, as a browser asks: over real sockets.
#include <catch2/catch.hpp>

#include "tests/mcp/raw_http.h"
#include "tests/mcp/token.h"

namespace {

using assay::tests::Client;
using assay::tests::get;
using assay::tests::kToken;
using assay::tests::post;
using assay::tests::Running;
using assay::tests::test_http_options;
using Catch::Contains;
using Catch::StartsWith;

const std::string kOrigin = "Origin: https://app.example.com\r\n";
const std::string kAllowed = "Access-Control-Allow-Origin: https://app.example.com\r\n";

assay::mcp::HttpOptions with_listed_origin() {
  auto options = test_http_options();
  options.allowed_origins = {"https://app.example.com"};
  options.auth.token = kToken;
  return options;
}

std::string preflight(const std::string& headers) {
  return "OPTIONS /mcp HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n";
}

std::string answer_to(int port, const std::string& request) {
  Client client(port);
  client.send(request);
  return client.receive_until("\r\n\r\n");
}

TEST_CASE("a preflight of a listed origin is answered without a token") {
  Running running(with_listed_origin());
  Client client(running.port);
  client.send(preflight(kOrigin + "Access-Control-Request-Method: POST\r\n"
                                  "Access-Control-Request-Headers: authorization,x-mine\r\n"));
  const std::string answer = client.receive_until("\r\n\r\n");
  CHECK_THAT(answer, StartsWith("HTTP/1.1 204") && Contains(kAllowed));
  CHECK_THAT(answer, Contains("Access-Control-Allow-Methods: GET, POST, DELETE, OPTIONS\r\n"));
  CHECK_THAT(answer, Contains("Access-Control-Allow-Headers: authorization,x-mine\r\n"));
  CHECK_THAT(answer, Contains("Access-Control-Max-Age: "));
  CHECK_THAT(answer, Contains("Vary: Origin\r\n"));
  CHECK_THAT(answer, !Contains("Content-Length"));  // RFC 9110, 8.6: none with 204
  // The connection is good for what follows.
  client.send(get("/health", "Host: localhost\r\nConnection: close\r\n"));
  CHECK_THAT(client.receive_all(), Contains("HTTP/1.1 200"));
}

TEST_CASE("a preflight that names no usable headers is told those of MCP") {
  Running running(with_listed_origin());
  for (const char* headers : {"", "Access-Control-Request-Headers: a b, c\r\n",
                              "Access-Control-Request-Headers: ,\r\n"}) {
    const std::string answer = answer_to(
        running.port, preflight(kOrigin + "Access-Control-Request-Method: POST\r\n" + headers));
    CHECK_THAT(answer, StartsWith("HTTP/1.1 204"));
    CHECK_THAT(answer, Contains("Access-Control-Allow-Headers: Authorization, Content-Type, "
                                "Accept, Mcp-Session-Id, MCP-Protocol-Version, Mcp-Method, "
                                "Mcp-Name, Last-Event-ID\r\n"));
  }
}

TEST_CASE("a listed origin may read every answer, refusals and streams too") {
  Running running(with_listed_origin());
  const std::string login = "Authorization: Bearer " + std::string(kToken) + "\r\n";
  running.engine.hold = true;
  REQUIRE(running.engine.submit({}).ok());
  const std::string host = "Host: localhost\r\n" + kOrigin;
  for (const auto& [request, status] : std::vector<std::pair<std::string, std::string>>{
           {get("/health", host), "200"},
           {get("/stats", host), "401"},
           {post("/mcp", R"({"jsonrpc":"2.0","id":1,"method":"ping"})", kOrigin + login), "200"},
           {get("/nothing", host + login), "404"},
           {post("/mcp", "", kOrigin + login + "Range: bytes=0-1\r\n"), "400"},
           {get("/job/job-1/events", host + login), "200"}}) {
    const std::string answer = answer_to(running.port, request);
    INFO(request << answer);
    CHECK_THAT(answer, StartsWith("HTTP/1.1 " + status) && Contains(kAllowed));
    CHECK_THAT(answer, Contains("Access-Control-Expose-Headers: Mcp-Session-Id, "
                                "WWW-Authenticate, Retry-After\r\n"));
    CHECK_THAT(answer, Contains("Vary: Origin\r\n"));
  }
  running.engine.complete("job-1");
}

TEST_CASE("whoever is not listed is told nothing about origins") {
  Running running(with_listed_origin());
  const std::string wants = "Access-Control-Request-Method: POST\r\n";
  const auto says = [&](const std::string& request, const char* status) {
    const std::string answer = answer_to(running.port, request);
    INFO(request << answer);
    CHECK_THAT(answer, StartsWith(std::string("HTTP/1.1 ") + status));
    CHECK_THAT(answer, !Contains("Access-Control") && !Contains("Vary"));
  };
  says(preflight("Origin: https://evil.example.com\r\n" + wants), "403");
  says(preflight("Origin: http://localhost:3000\r\n" + wants), "401");  // ours, but not listed
  says(preflight(wants), "401");
  says(get("/health"), "200");
  says(get("/health", "Host: localhost\r\nOrigin: http://localhost\r\n"), "200");
  // A preflight is that only with both headers, and from a host that is ours.
  CHECK_THAT(answer_to(running.port, preflight(kOrigin)), StartsWith("HTTP/1.1 401"));
  CHECK_THAT(answer_to(running.port, "OPTIONS /mcp HTTP/1.1\r\nHost: evil.example.com\r\n" +
                                         kOrigin + wants + "\r\n"),
             StartsWith("HTTP/1.1 403"));
}

}  // namespace
