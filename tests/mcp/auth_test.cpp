// SPDX-License-Identifier: Apache-2.0
#include "mcp/auth.h"

#include <catch2/catch.hpp>

#include "tests/mcp/token.h"

namespace {

using assay::mcp::AuthOptions;
using assay::mcp::equal_in_constant_time;
using assay::mcp::is_usable_token;
using assay::mcp::refuse_unauthorized;
using assay::mcp::RequestHead;
using assay::mcp::resource_metadata;
using assay::tests::kToken;
using Catch::Contains;

RequestHead head(const std::string& path, const std::string& authorization = "") {
  RequestHead made;
  made.method = "GET";
  made.path = path;
  made.headers.emplace_back("host", "gpu-box:8000");
  if (!authorization.empty()) made.headers.emplace_back("authorization", authorization);
  return made;
}

TEST_CASE("only the very token opens the door") {
  const AuthOptions options{kToken, "", ""};
  const auto status = [&](const std::string& authorization) {
    const auto refused = refuse_unauthorized(head("/mcp", authorization), options);
    return refused ? refused->status : 200;
  };
  CHECK(status("Bearer " + kToken) == 200);
  CHECK(status("bearer  " + kToken) == 200);
  for (const std::string& wrong : std::vector<std::string>{
           "", "Bearer", "Bearer ", "Basic " + kToken, kToken, "Bearer " + kToken + "0",
           "Bearer " + kToken.substr(1), "Bearer 0123456789abcdeF", "Bearer x" + kToken})
    CHECK(status(wrong) == 401);
  CHECK_FALSE(refuse_unauthorized(head("/mcp"), AuthOptions{}));
}

TEST_CASE("health and the documentation need no token, everything else does") {
  const AuthOptions options{kToken, "", ""};
  for (const char* open : {"/health", "/healthz", "/docs", "/openapi.json"})
    CHECK_FALSE(refuse_unauthorized(head(open), options));
  for (const char* closed : {"/", "/mcp", "/stats", "/evaluate", "/health/", "/Health", "/nothing",
                             "/.well-known/oauth-protected-resource"})
    CHECK(refuse_unauthorized(head(closed), options));
}

TEST_CASE("the challenge says what was wrong and where to get a token") {
  AuthOptions options{kToken, "", ""};
  const auto challenge = [&](const std::string& authorization) {
    const auto refused = refuse_unauthorized(head("/mcp", authorization), options);
    REQUIRE(refused);
    REQUIRE(refused->headers.front().first == "WWW-Authenticate");
    return refused->headers.front().second;
  };
  CHECK(challenge("") == "Bearer realm=\"assay\"");
  CHECK_THAT(challenge("Bearer wrong"), Contains("error=\"invalid_token\""));
  options.auth_server = "https://login.example";
  CHECK_THAT(challenge(""), Contains("resource_metadata=\"http://gpu-box:8000/.well-known/"
                                     "oauth-protected-resource/mcp\""));
}

TEST_CASE("the resource's metadata is served where an authorization server is known") {
  AuthOptions options{kToken, "https://login.example", ""};
  for (const char* path :
       {"/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"}) {
    CHECK_FALSE(refuse_unauthorized(head(path), options));
    const auto metadata = resource_metadata(head(path), options);
    REQUIRE(metadata);
    CHECK((*metadata)["resource"] == "http://gpu-box:8000/mcp");
    CHECK((*metadata)["authorization_servers"][0] == "https://login.example");
  }
  options.public_url = "https://kernels.example";
  CHECK((*resource_metadata(head("/.well-known/oauth-protected-resource"), options))["resource"] ==
        "https://kernels.example/mcp");
  CHECK_FALSE(resource_metadata(head("/mcp"), options));
  CHECK_FALSE(resource_metadata(head("/.well-known/oauth-protected-resource"), AuthOptions{}));
}

TEST_CASE("comparing takes the whole of both") {
  CHECK(equal_in_constant_time("abc", "abc"));
  for (const char* wrong : {"", "ab", "abcabc", "abd", "xbc"})
    CHECK_FALSE(equal_in_constant_time(wrong, "abc"));
  CHECK_FALSE(equal_in_constant_time("", ""));
}

TEST_CASE("tokens that could be guessed or not be sent are refused") {
  CHECK(is_usable_token(kToken));
  CHECK_FALSE(is_usable_token(kToken.substr(1)));
  CHECK_FALSE(is_usable_token(kToken + " "));
  CHECK_FALSE(is_usable_token(kToken + "\x80"));
  CHECK_FALSE(is_usable_token(std::string(5'000, 'a')));
}

}  // namespace
