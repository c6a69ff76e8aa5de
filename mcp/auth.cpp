// SPDX-License-Identifier: Apache-2.0
#include "mcp/auth.h"

#include <algorithm>

namespace assay::mcp {
namespace {

constexpr const char* kMetadataPath = "/.well-known/oauth-protected-resource";
constexpr const char* kMcpPath = "/mcp";

bool is_metadata_path(const std::string& path) {
  return path == kMetadataPath || path == std::string(kMetadataPath) + kMcpPath;
}

bool is_open(const RequestHead& head, const AuthOptions& options) {
  return is_open_path(head.path) || (!options.auth_server.empty() && is_metadata_path(head.path));
}

// The Host was checked to be one before it gets here.
std::string base_url(const RequestHead& head, const AuthOptions& options) {
  if (!options.public_url.empty()) return options.public_url;
  return "http://" + head.header("Host").value_or("localhost");
}

std::optional<std::string> bearer_token(const RequestHead& head) {
  constexpr std::string_view scheme = "bearer ";
  const auto given = head.header("Authorization");
  if (!given || lower_case(given->substr(0, scheme.size())) != scheme) return std::nullopt;
  const std::size_t start = given->find_first_not_of(' ', scheme.size());
  return start == std::string::npos ? "" : given->substr(start);
}

std::string challenge(const RequestHead& head, const AuthOptions& options, bool was_given) {
  std::string text = "Bearer realm=\"assay\"";
  if (was_given) text += ", error=\"invalid_token\"";
  if (!options.auth_server.empty())
    text += ", resource_metadata=\"" + base_url(head, options) + kMetadataPath + kMcpPath + "\"";
  return text;
}

}  // namespace

bool equal_in_constant_time(std::string_view given, std::string_view expected) {
  std::size_t difference = given.size() ^ expected.size();
  if (expected.empty()) return false;
  for (std::size_t i = 0; i < given.size(); ++i) {
    // Read through a volatile, or the compiler may leave the loop at the first difference.
    const volatile char wanted = expected[i % expected.size()];
    difference |= static_cast<unsigned char>(given[i]) ^ static_cast<unsigned char>(wanted);
  }
  return difference == 0;
}

bool is_open_path(std::string_view path) {
  return path == "/health" || path == "/healthz" || path == "/docs" || path == "/openapi.json";
}

bool is_usable_token(std::string_view token) {
  return token.size() >= kMinTokenBytes && token.size() <= kMaxTokenBytes &&
         std::all_of(token.begin(), token.end(),
                     [](char character) { return character > ' ' && character < '\x7f'; });
}

std::optional<HttpRefusal> refuse_unauthorized(const RequestHead& head,
                                               const AuthOptions& options) {
  if (options.token.empty() || is_open(head, options)) return std::nullopt;
  const auto given = bearer_token(head);
  if (given && equal_in_constant_time(*given, options.token)) return std::nullopt;
  return HttpRefusal{401,
                     given ? "this token is not accepted"
                           : "send the server's token as 'Authorization: Bearer TOKEN'",
                     {{"WWW-Authenticate", challenge(head, options, given.has_value())}},
                     false};
}

std::optional<schemas::Json> resource_metadata(const RequestHead& head,
                                               const AuthOptions& options) {
  if (options.auth_server.empty() || head.method != "GET" || !is_metadata_path(head.path))
    return std::nullopt;
  return schemas::Json{{"resource", base_url(head, options) + kMcpPath},
                       {"resource_name", "Assay"},
                       {"authorization_servers", {options.auth_server}},
                       {"bearer_methods_supported", {"header"}}};
}

}  // namespace assay::mcp
