// SPDX-License-Identifier: Apache-2.0
#include "mcp/cors.h"

#include <algorithm>

namespace assay::mcp {
namespace {

constexpr const char* kMethods = "GET, POST, DELETE, OPTIONS";
// What clients of /mcp send; for a question that names no headers.
constexpr const char* kMcpHeaders =
    "Authorization, Content-Type, Accept, Mcp-Session-Id, MCP-Protocol-Version, Mcp-Method, "
    "Mcp-Name, Last-Event-ID";
constexpr const char* kReadableHeaders = "Mcp-Session-Id, WWW-Authenticate, Retry-After";
constexpr const char* kPreflightSeconds = "600";  // a browser need not ask again

bool has_listed_origin(const RequestHead& head, const std::vector<std::string>& listed_origins) {
  const auto origin = head.header("Origin");
  return origin && std::find(listed_origins.begin(), listed_origins.end(), lower_case(*origin)) !=
                       listed_origins.end();
}

// "name, name": it is echoed.
bool is_list_of_names(std::string_view text) {
  for (;;) {
    const std::size_t end = std::min(text.find(','), text.size());
    if (!is_token(trimmed(text.substr(0, end)))) return false;
    if (end == text.size()) return true;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

bool is_preflight(const RequestHead& head, const std::vector<std::string>& listed_origins) {
  return head.method == "OPTIONS" && head.header("Access-Control-Request-Method") &&
         has_listed_origin(head, listed_origins);
}

std::vector<std::pair<std::string, std::string>> cors_headers(
    const RequestHead& head, const std::vector<std::string>& listed_origins) {
  if (!has_listed_origin(head, listed_origins)) return {};
  std::vector<std::pair<std::string, std::string>> headers = {
      {"Access-Control-Allow-Origin", *head.header("Origin")},
      {"Access-Control-Expose-Headers", kReadableHeaders},
      {"Vary", "Origin"}};
  if (is_preflight(head, listed_origins)) {
    const std::string wanted = head.header("Access-Control-Request-Headers").value_or("");
    headers.emplace_back("Access-Control-Allow-Methods", kMethods);
    headers.emplace_back("Access-Control-Allow-Headers",
                         is_list_of_names(wanted) ? wanted : kMcpHeaders);
    headers.emplace_back("Access-Control-Max-Age", kPreflightSeconds);
  }
  return headers;
}

}  // namespace assay::mcp
