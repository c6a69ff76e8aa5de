// SPDX-License-Identifier: Apache-2.0
#include "mcp/http_guard.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace assay::mcp {
namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char character) {
    return static_cast<char>(std::tolower(character));
  });
  return text;
}

// "localhost:8000" -> "localhost", "[::1]:8000" -> "::1".
std::string without_port(const std::string& authority) {
  if (!authority.empty() && authority.front() == '[') {
    const auto end = authority.find(']');
    return end == std::string::npos ? authority : authority.substr(1, end - 1);
  }
  return authority.substr(0, authority.find(':'));
}

// The host of "http://host:port"; nothing for "null" and other schemes.
std::optional<std::string> origin_host(const std::string& origin) {
  for (const char* scheme : {"http://", "https://"})
    if (origin.rfind(scheme, 0) == 0)
      return without_port(origin.substr(std::string(scheme).size()));
  return std::nullopt;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool has_body(const RequestHead& head) {
  return head.method == "POST" || head.method == "PUT" || head.method == "PATCH";
}

bool needs_json(const RequestHead& head) {
  static const std::vector<std::string> paths = {"/mcp", "/evaluate", "/compare", "/"};
  return head.method == "POST" && contains(paths, head.path);
}

bool is_json_type(std::string type) {
  type = lower(type.substr(0, type.find(';')));
  type.erase(type.find_last_not_of(" \t") + 1);
  return type == "application/json";
}

// Digits only: no sign, no space, no list.
std::optional<std::uint64_t> parse_length(const std::string& text) {
  std::uint64_t length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return length;
}

std::string mebibytes(std::uint64_t bytes) {
  return std::to_string(bytes >> 20) + " MiB";
}

}  // namespace

bool takes_no_body(const RequestHead& head) {
  return head.method == "POST" && head.path == "/admin/cleanup-jobs";
}

std::optional<HttpRefusal> refuse_unread(const RequestHead& head) {
  if (head.header_count("Transfer-Encoding") > 0)
    return HttpRefusal{501, "Transfer-Encoding is not supported: send Content-Length"};
  if (head.header("Content-Encoding"))
    return HttpRefusal{415, "Content-Encoding is not supported: send the body as it is"};
  if (head.header("Range")) return HttpRefusal{400, "Range is not supported"};
  if (head.header_count("Content-Length") > 1)
    return HttpRefusal{400, "more than one Content-Length"};
  const auto declared = head.header("Content-Length");
  if (!declared) {
    if (!has_body(head) || takes_no_body(head)) return std::nullopt;
    return HttpRefusal{411, "Content-Length is required"};
  }
  const auto length = parse_length(*declared);
  if (!length) return HttpRefusal{400, "Content-Length must be a number of bytes"};
  static const std::vector<std::string> small = {"/mcp", "/compute_score", "/check_torch"};
  const std::uint64_t most = contains(small, head.path) ? kMaxMcpBodyBytes : kMaxRestBodyBytes;
  if (*length > most) return HttpRefusal{413, "the body is larger than " + mebibytes(most)};
  return std::nullopt;
}

std::optional<HttpRefusal> refuse_read(const RequestHead& head, const GuardOptions& options) {
  if (!options.allowed_hosts.empty()) {
    const auto host = head.header("Host");
    if (head.header_count("Host") != 1 ||
        !contains(options.allowed_hosts, lower(without_port(*host))))
      return HttpRefusal{403, "this server does not answer to that Host"};
  }
  if (const auto origin = head.header("Origin")) {
    const auto host = origin_host(lower(*origin));
    // Without a list of our own names, a page may only talk to the server it came from.
    const auto own = lower(without_port(head.header("Host").value_or("")));
    const bool allowed =
        host &&
        (options.allowed_hosts.empty() ? *host == own : contains(options.allowed_hosts, *host));
    if (!allowed) return HttpRefusal{403, "requests from that Origin are not allowed"};
  }
  if (needs_json(head) && !is_json_type(head.header("Content-Type").value_or("")))
    return HttpRefusal{415, "Content-Type must be application/json"};
  return std::nullopt;
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.rfind("127.", 0) == 0;
}

std::vector<std::string> allowed_hosts_for(const std::string& host) {
  if (!is_loopback(host)) return {};
  return {"localhost", "127.0.0.1", "::1", lower(host)};
}

}  // namespace assay::mcp
