// SPDX-License-Identifier: Apache-2.0
#include "mcp/http_guard.h"

#include <map>

#include <catch2/catch.hpp>

namespace {

using assay::mcp::GuardOptions;
using assay::mcp::refuse_read;
using assay::mcp::refuse_unread;
using assay::mcp::RequestHead;

RequestHead head(std::string method, std::string path,
                 const std::multimap<std::string, std::string>& headers) {
  RequestHead made;
  made.method = std::move(method);
  made.path = std::move(path);
  for (const auto& [name, value] : headers)
    made.headers.emplace_back(assay::mcp::lower_case(name), value);
  return made;
}

int unread_status(const RequestHead& request) {
  const auto refused = refuse_unread(request);
  return refused ? refused->status : 200;
}

int read_status(const RequestHead& request, const std::string& bound = "127.0.0.1") {
  const auto refused = refuse_read(request, {assay::mcp::allowed_hosts_for(bound), {}, {}});
  return refused ? refused->status : 200;
}

TEST_CASE("bodies that could not be bounded are refused unread") {
  CHECK(unread_status(head("POST", "/mcp", {{"Content-Length", "10"}})) == 200);
  CHECK(unread_status(head("POST", "/mcp", {})) == 411);
  CHECK(unread_status(head("PUT", "/nothing", {})) == 411);
  CHECK(unread_status(head("POST", "/mcp", {{"Transfer-Encoding", "chunked"}})) == 501);
  CHECK(unread_status(head("POST", "/mcp",
                           {{"Transfer-Encoding", "chunked"}, {"Content-Length", "1"}})) == 501);
  CHECK(unread_status(
            head("POST", "/mcp", {{"Content-Encoding", "gzip"}, {"Content-Length", "1"}})) == 415);
  CHECK(unread_status(head("POST", "/mcp", {{"Range", "bytes=0-3"}, {"Content-Length", "1"}})) ==
        400);
  CHECK(unread_status(head("GET", "/health", {{"Range", "bytes=0-3"}})) == 400);
  CHECK(unread_status(head("POST", "/mcp", {{"Content-Length", "1"}, {"Content-Length", "2"}})) ==
        400);
  CHECK(unread_status(head("GET", "/health", {})) == 200);
  CHECK(unread_status(head("POST", "/admin/cleanup-jobs", {})) == 200);
}

TEST_CASE("a length must be a plain number within the route's limit") {
  for (const char* length : {"-1", "+1", " 1", "1 ", "0x10", "1,1", "", "99999999999999999999"})
    CHECK(unread_status(head("POST", "/mcp", {{"Content-Length", length}})) == 400);
  CHECK(unread_status(head("POST", "/mcp", {{"Content-Length", "8388608"}})) == 200);
  CHECK(unread_status(head("POST", "/mcp", {{"Content-Length", "8388609"}})) == 413);
  CHECK(unread_status(head("POST", "/evaluate", {{"Content-Length", "67108864"}})) == 200);
  CHECK(unread_status(head("POST", "/evaluate", {{"Content-Length", "67108865"}})) == 413);
}

TEST_CASE("a server on a loopback address answers to loopback names only") {
  for (const char* host : {"localhost", "localhost:8000", "127.0.0.1:1", "[::1]:8000", "LOCALHOST"})
    CHECK(read_status(head("GET", "/health", {{"Host", host}})) == 200);
  for (const char* host :
       {"evil.example.com", "localhost.evil.com", "127.0.0.1.nip.io", "", "[::1", "user@localhost"})
    CHECK(read_status(head("GET", "/health", {{"Host", host}})) == 403);
  CHECK(read_status(head("GET", "/health", {})) == 400);
  RequestHead old = head("GET", "/health", {});
  old.http_1_0 = true;
  CHECK(read_status(old) == 403);
  CHECK(read_status(head("GET", "/health", {{"Host", "gpu-box.example"}}), "0.0.0.0") == 200);
  CHECK(read_status(head("GET", "/health", {{"Host", "gpu\"><script>"}}), "0.0.0.0") == 403);
}

TEST_CASE("names and origins that the operator allowed are served beside our own") {
  const GuardOptions options{assay::mcp::allowed_hosts_for("127.0.0.1", {"Kernels.example"}),
                             {"https://app.example:8443"},
                             {}};
  const auto status = [&](const char* host, const char* origin) {
    const auto refused =
        refuse_read(head("GET", "/stats", {{"Host", host}, {"Origin", origin}}), options);
    return refused ? refused->status : 200;
  };
  CHECK(status("kernels.example:443", "https://kernels.example") == 200);
  CHECK(status("localhost", "https://APP.example:8443") == 200);
  CHECK(status("localhost", "https://app.example") == 403);  // another port is another origin
  CHECK(status("localhost", "https://app.example:8443.evil.example") == 403);
  CHECK(status("other.example", "https://app.example:8443") == 403);
}

TEST_CASE("only real loopback addresses count as such") {
  for (const char* host : {"localhost", "127.0.0.1", "127.8.9.10", "::1"})
    CHECK(assay::mcp::is_loopback(host));
  for (const char* host : {"127.example.com", "127.0.0.1.nip.io", "0.0.0.0", "::", "10.0.0.1", ""})
    CHECK_FALSE(assay::mcp::is_loopback(host));
}

TEST_CASE("an expectation other than 100-continue is refused") {
  CHECK(unread_status(
            head("POST", "/mcp", {{"Content-Length", "1"}, {"Expect", "100-Continue"}})) == 200);
  CHECK(unread_status(head("POST", "/mcp", {{"Content-Length", "1"}, {"Expect", "200-ok"}})) ==
        417);
}

TEST_CASE("pages of other sites are refused by their Origin") {
  const auto with_origin = [](const char* origin, const char* bound, const char* host) {
    return read_status(head("GET", "/health", {{"Host", host}, {"Origin", origin}}), bound);
  };
  CHECK(with_origin("http://localhost:6274", "127.0.0.1", "localhost") == 200);
  CHECK(with_origin("http://evil.example.com", "127.0.0.1", "localhost") == 403);
  CHECK(with_origin("null", "127.0.0.1", "localhost") == 403);
  CHECK(with_origin("file://", "127.0.0.1", "localhost") == 403);
  CHECK(with_origin("http://gpu-box", "0.0.0.0", "gpu-box:8000") == 200);
  CHECK(with_origin("http://evil", "0.0.0.0", "gpu-box:8000") == 403);
}

TEST_CASE("routes that take JSON want its type") {
  const auto with_type = [](const char* path, const char* type) {
    return read_status(head("POST", path, {{"Host", "localhost"}, {"Content-Type", type}}));
  };
  CHECK(with_type("/mcp", "application/json") == 200);
  CHECK(with_type("/evaluate", "Application/JSON; charset=utf-8") == 200);
  CHECK(with_type("/mcp", "text/plain") == 415);
  CHECK(with_type("/", "application/x-www-form-urlencoded") == 415);
  CHECK(read_status(head("POST", "/compare", {{"Host", "localhost"}})) == 415);
  CHECK(read_status(head("POST", "/admin/cleanup-jobs", {{"Host", "localhost"}})) == 200);
}

}  // namespace
