// SPDX-License-Identifier: Apache-2.0
#include "mcp/request_head.h"

#include <catch2/catch.hpp>

namespace {

using assay::mcp::kMaxHeaders;
using assay::mcp::kMaxTargetBytes;
using assay::mcp::parse_request_head;
using assay::mcp::percent_decoded;

std::string get(const std::string& target, const std::string& headers = "Host: localhost\r\n") {
  return "GET " + target + " HTTP/1.1\r\n" + headers + "\r\n";
}

int status(const std::string& text) {
  const auto parsed = parse_request_head(text);
  if (parsed.refused) CHECK(parsed.refused->close);
  return parsed.refused ? parsed.refused->status : 200;
}

TEST_CASE("a head is read with its path and query decoded and its values as they are") {
  const auto parsed = parse_request_head(
      "POST /job/a%20b?section=compile_log&cursor=%31&x=a+b&flag HTTP/1.1\r\n"
      "Host: localhost:8000\r\nMcp-Name:  assay://a%20b \r\nACCEPT: a\r\n\r\n");
  REQUIRE_FALSE(parsed.refused);
  CHECK(parsed.head.method == "POST");
  CHECK(parsed.head.path == "/job/a b");
  CHECK(parsed.head.query.find("cursor")->second == "1");
  CHECK(parsed.head.query.find("x")->second == "a b");
  CHECK(parsed.head.query.count("flag") == 1);
  CHECK(parsed.head.header("mcp-name") == "assay://a%20b");  // no percent-decoding
  CHECK(parsed.head.header("Accept") == "a");
  CHECK(parsed.head.header_count("Host") == 1);
  CHECK(parsed.head.keep_alive);
}

TEST_CASE("one slash at the end of a path says nothing") {
  const auto path = [](const std::string& target) {
    return parse_request_head("GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n").head.path;
  };
  CHECK(path("/mcp/") == "/mcp");
  CHECK(path("/job/a/?wait=1") == "/job/a");
  CHECK(path("/") == "/");
  CHECK(path("//") == "//");
  CHECK(path("/mcp//") == "/mcp//");
  CHECK(path("/job/a%2F") == "/job/a/");  // a slash of the name, not of the path
}

TEST_CASE("what two readers could understand differently is refused") {
  CHECK(status(get("/")) == 200);
  for (const char* text :
       {"GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\nHost: a\n\r\n", "GET  / HTTP/1.1\r\n\r\n",
        "GET /\r\n\r\n", "\r\n\r\n", "", "G@T / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1 \r\n\r\n"})
    CHECK(status(text) != 200);
  for (const char* header :
       {"Host : localhost\r\n", " Host: localhost\r\n", "Host: a\r\n folded\r\n", "Host\r\n",
        ": a\r\n", "X: a\rb\r\n", "X: a\x01\r\n", "X\x80: a\r\n"})
    CHECK(status(get("/", header)) == 400);
  CHECK(status(get("/", std::string("X: a\0b\r\n", 8))) == 400);
  for (const char* twice :
       {"Host", "Content-Length", "Authorization", "Content-Type", "Origin", "MCP-Protocol-Version",
        "Mcp-Method", "Mcp-Name", "Mcp-Session-Id", "Last-Event-ID"})
    CHECK(status(get("/", std::string(twice) + ": 1\r\n" + twice + ": 1\r\n")) == 400);
}

TEST_CASE("targets must be paths without tricks") {
  for (const char* target : {"*", "http://localhost/", "localhost:80", "/a#b", "/%", "/%4", "/%zz",
                             "/%00", "/%0d%0aX", "/?a=%g1"})
    CHECK(status(get(target)) == 400);
  CHECK(status("GET / HTTP/2.0\r\n\r\n") == 505);
  CHECK(status(get("/" + std::string(kMaxTargetBytes, 'a'))) == 414);
}

TEST_CASE("the number of headers is bounded and names with underscores are not ours") {
  std::string headers;
  for (std::size_t i = 0; i < kMaxHeaders; ++i) headers += "X: a\r\n";
  CHECK(status(get("/", headers)) == 200);
  CHECK(status(get("/", headers + "X: a\r\n")) == 431);
  const auto parsed = parse_request_head(get("/", "REMOTE_ADDR: 10.0.0.1\r\n"));
  REQUIRE_FALSE(parsed.refused);
  CHECK(parsed.head.headers.empty());
}

TEST_CASE("a connection is kept as the head and its version say") {
  const auto kept = [](const std::string& version, const std::string& connection) {
    return parse_request_head("GET / HTTP/" + version + "\r\n" + connection + "\r\n")
        .head.keep_alive;
  };
  CHECK(kept("1.1", ""));
  CHECK_FALSE(kept("1.1", "Connection: Close\r\n"));
  CHECK_FALSE(kept("1.1", "Connection: x, close\r\n"));
  CHECK_FALSE(kept("1.0", ""));
  CHECK(kept("1.0", "Connection: Keep-Alive\r\n"));
}

TEST_CASE("percent decoding takes two digits or nothing") {
  CHECK(percent_decoded("%41%7e+", false) == "A~+");
  CHECK(percent_decoded("a+b", true) == "a b");
  for (const char* broken : {"%", "%4", "a%", "%4g", "%%41"})
    CHECK_FALSE(percent_decoded(broken, false));
}

}  // namespace
