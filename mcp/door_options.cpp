// SPDX-License-Identifier: Apache-2.0
#include "mcp/door_options.h"

#include <algorithm>
#include <charconv>

#include "mcp/http_guard.h"
#include "mcp/request_head.h"

namespace assay::mcp {
namespace {

using schemas::Error;
using schemas::ErrorCode;
using schemas::Status;

constexpr double kMaxRate = 100'000;

Error usage(std::string message) {
  return {ErrorCode::malformed_call, std::move(message), false, {}};
}

// "http://host" or "https://host[:port]" and, where `path` may follow, that.
bool is_url(const std::string& value, bool may_have_path) {
  const std::size_t scheme = value.rfind("https://", 0) == 0  ? 8
                             : value.rfind("http://", 0) == 0 ? 7
                                                              : 0;
  constexpr std::string_view bad = "\"'\\<>{}| ";
  return scheme > 0 && value.size() > scheme &&
         std::all_of(value.begin(), value.end(),
                     [&](char character) {
                       return character > ' ' && character < '\x7f' &&
                              bad.find(character) == bad.npos;
                     }) &&
         (may_have_path || value.find('/', scheme) == std::string::npos);
}

Status add_host(DoorOptions& options, const std::string& value) {
  const bool is_name = !value.empty() && value.find_first_of("/:, ") == std::string::npos;
  const bool is_ipv6 = value.find("::") != std::string::npos && value.find('/') == value.npos;
  if (!is_name && !is_ipv6)
    return usage("--allowed-host takes a name or an address without port, not '" + value + "'");
  options.allowed_hosts.push_back(value);
  return schemas::success();
}

Status add_origin(DoorOptions& options, const std::string& value) {
  if (!is_url(value, false))
    return usage("--allowed-origin takes an origin such as https://app.example.com, not '" + value +
                 "'");
  options.allowed_origins.push_back(lower_case(value));
  return schemas::success();
}

Status set_token(DoorOptions& options, const std::string& value) {
  if (!is_usable_token(value))
    return usage("the token must have " + std::to_string(kMinTokenBytes) + " to " +
                 std::to_string(kMaxTokenBytes) +
                 " visible ASCII characters; 'openssl rand -hex 32' makes one");
  options.auth.token = value;
  return schemas::success();
}

Status set_rate(DoorOptions& options, const std::string& value) {
  double rate = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), rate);
  if (error != std::errc() || end != value.data() + value.size() || !(rate >= 0) || rate > kMaxRate)
    return usage("--rate-limit must be a number from 0 (none) to 100000, not '" + value + "'");
  options.rate_limit = rate;
  return schemas::success();
}

Status set_url(std::string& into, const std::string& name, const std::string& value) {
  if (!is_url(value, true))
    return usage(name + " takes a URL such as https://login.example.com, not '" + value + "'");
  into = value;
  while (into.back() == '/') into.pop_back();
  return schemas::success();
}

}  // namespace

const char* const kDoorHelp =
    R"(  --allowed-host NAME    a name clients may call this server by, beside localhost; may be repeated
  --allowed-origin URL   an origin whose pages may call it (CORS), beside its own; may be repeated
  --token TOKEN          wanted as 'Authorization: Bearer TOKEN'; better given as ASSAY_TOKEN
  --rate-limit N         requests per second and client; 0: none (50, and none on loopback)
  --auth-server URL      where tokens come from; served as RFC 9728 metadata
  --public-url URL       how clients reach this server, for that metadata (http and their Host)
)";

bool is_door_flag(const std::string& name) {
  static const std::vector<std::string> names = {"--allowed-host", "--allowed-origin",
                                                 "--token",        "--rate-limit",
                                                 "--auth-server",  "--public-url"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

Status set_door_flag(DoorOptions& options, const std::string& name, const std::string& value) {
  if (name == "--allowed-host") return add_host(options, value);
  if (name == "--allowed-origin") return add_origin(options, value);
  if (name == "--token") return set_token(options, value);
  if (name == "--rate-limit") return set_rate(options, value);
  if (name == "--auth-server") return set_url(options.auth.auth_server, name, value);
  return set_url(options.auth.public_url, name, value);
}

Status check_door(const DoorOptions& options, const std::string& host) {
  if (is_loopback(host) || !options.auth.token.empty()) return schemas::success();
  return usage("--host " + host +
               " can be reached from other machines, and whoever reaches this server can run code "
               "here: add --token TOKEN (or set ASSAY_TOKEN), or bind 127.0.0.1");
}

}  // namespace assay::mcp
