// SPDX-License-Identifier: Apache-2.0
#include "mcp/door_options.h"

#include <catch2/catch.hpp>

#include "mcp/options.h"
#include "tests/mcp/token.h"

namespace {

using assay::mcp::Options;
using assay::tests::kToken;
using Catch::Contains;

assay::schemas::Result<Options> parse(const std::vector<std::string>& arguments,
                                      const std::string& token_in_environment = "") {
  return assay::mcp::parse_options(arguments, [&](const char* name) -> std::optional<std::string> {
    if (std::string(name) != "ASSAY_TOKEN" || token_in_environment.empty()) return std::nullopt;
    return token_in_environment;
  });
}

TEST_CASE("an address that others reach wants a token") {
  for (const char* host : {"0.0.0.0", "::", "192.168.1.4", "gpu-box", "127.example.com"}) {
    const auto refused = parse({"serve", "--host", host});
    REQUIRE_FALSE(refused.ok());
    CHECK_THAT(refused.error().message, Contains("--token") && Contains("ASSAY_TOKEN"));
    CHECK(parse({"serve", "--host", host, "--token", kToken}).ok());
    CHECK(parse({"serve", "--host", host}, kToken).ok());
    CHECK(parse({"stdio", "--host", host}).ok());  // binds nothing
  }
  for (const char* host : {"127.0.0.1", "localhost", "::1"})
    CHECK(parse({"serve", "--host", host}).ok());
}

TEST_CASE("the door's flags are read") {
  const auto options =
      parse({"serve", "--allowed-host", "a.example", "--allowed-host=b.example", "--allowed-origin",
             "https://App.example", "--rate-limit", "2.5", "--auth-server",
             "https://login.example/", "--public-url=https://kernels.example"},
            kToken);
  REQUIRE(options.ok());
  CHECK(options->door.allowed_hosts == std::vector<std::string>{"a.example", "b.example"});
  CHECK(options->door.allowed_origins == std::vector<std::string>{"https://app.example"});
  CHECK(options->door.rate_limit == 2.5);
  CHECK(options->door.auth.token == kToken);
  CHECK(options->door.auth.auth_server == "https://login.example");
  CHECK(options->door.auth.public_url == "https://kernels.example");
  CHECK_FALSE(parse({"serve"})->door.rate_limit);
  CHECK(parse({"serve", "--token", kToken + kToken}, kToken)->door.auth.token == kToken + kToken);
}

TEST_CASE("what could not hold the door is refused, naming the flag") {
  const auto refused = [](const std::string& flag, const std::string& value) {
    const auto options = parse({"serve", flag, value});
    return !options.ok() && (flag == "--token" || options.error().message.find(flag) == 0);
  };
  CHECK(refused("--token", "short"));
  CHECK(refused("--token", "a token with spaces in it"));
  CHECK(refused("--rate-limit", "-1"));
  CHECK(refused("--rate-limit", "nan"));
  CHECK(refused("--rate-limit", "many"));
  CHECK(refused("--allowed-host", "a.example:80"));
  CHECK(refused("--allowed-host", "http://a.example"));
  CHECK(refused("--allowed-origin", "a.example"));
  CHECK(refused("--allowed-origin", "https://a.example/path"));
  CHECK(refused("--auth-server", "login.example"));
  CHECK(refused("--auth-server", "https://login.example\" x"));
  CHECK(refused("--public-url", "ftp://a"));
  CHECK_FALSE(parse({"serve"}, "short").ok());
}

TEST_CASE("help names every flag of the door") {
  for (const char* flag : {"--allowed-host", "--allowed-origin", "--token", "--rate-limit",
                           "--auth-server", "--public-url"}) {
    CHECK_THAT(assay::mcp::help_text(), Contains(flag));
    CHECK(assay::mcp::is_door_flag(flag));
  }
  CHECK_THAT(assay::mcp::help_text(), !Contains("%DOOR%"));
}

}  // namespace
