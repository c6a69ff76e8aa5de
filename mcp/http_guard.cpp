// SPDX-License-Identifier: Apache-2.0
#include "mcp/http_guard.h"

#include <algorithm>
#include <charconv>

#include <arpa/inet.h>

#include "mcp/cors.h"

namespace assay::mcp {
namespace {

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

// It is echoed in links, so it may hold nothing else.
bool is_authority(const std::string& host) {
  constexpr std::string_view others = ".-:[]";
  return !host.empty() && std::all_of(host.begin(), host.end(), [&](char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9') || others.find(character) != others.npos;
  });
}

bool has_body(const RequestHead& head) {
  return head.method == "POST" || head.method == "PUT" || head.method == "PATCH";
}

// A POST that may come without a body and without a length.
bool takes_no_body(const RequestHead& head) {
  return head.method == "POST" && head.path == "/admin/cleanup-jobs";
}

bool needs_json(const RequestHead& head) {
  static const std::vector<std::string> paths = {"/mcp", "/evaluate", "/compare", "/"};
  return head.method == "POST" && contains(paths, head.path);
}

bool is_json_type(const std::string& type) {
  std::string name = lower_case(type.substr(0, type.find(';')));
  name.erase(name.find_last_not_of(" \t") + 1);
  return name == "application/json";
}

// Digits only: no sign, no space, no list.
std::optional<std::uint64_t> parse_length(const std::string& text) {
  std::uint64_t length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return length;
}

std::uint64_t most_body_bytes(const RequestHead& head) {
  static const std::vector<std::string> with_tensors = {"/evaluate", "/compare", "/"};
  return contains(with_tensors, head.path) ? kMaxRestBodyBytes : kMaxMcpBodyBytes;
}

std::string mebibytes(std::uint64_t bytes) {
  return std::to_string(bytes >> 20) + " MiB";
}

HttpRefusal unread(int status, std::string message) {
  return {status, std::move(message), {}, true};
}

HttpRefusal forbidden(std::string message) {
  return {403, std::move(message), {}, false};
}

std::optional<HttpRefusal> refuse_host(const RequestHead& head, const GuardOptions& options) {
  const auto host = head.header("Host");
  if (!host && !head.http_1_0) return HttpRefusal{400, "the Host header is missing", {}, false};
  if (host && !is_authority(*host)) return forbidden("the Host header is not a name and a port");
  if (!options.allowed_hosts.empty() &&
      !contains(options.allowed_hosts, lower_case(without_port(host.value_or("")))))
    return forbidden("this server does not answer to that Host: start it with --allowed-host NAME");
  return std::nullopt;
}

std::optional<HttpRefusal> refuse_origin(const RequestHead& head, const GuardOptions& options) {
  const auto given = head.header("Origin");
  if (!given) return std::nullopt;
  const std::string origin = lower_case(*given);
  if (contains(options.allowed_origins, origin)) return std::nullopt;
  const auto host = origin_host(origin);
  // Without a list of our own names, a page may only talk to the server it came from.
  const auto own = lower_case(without_port(head.header("Host").value_or("")));
  if (host &&
      (options.allowed_hosts.empty() ? *host == own : contains(options.allowed_hosts, *host)))
    return std::nullopt;
  return forbidden(
      "requests from that Origin are not allowed: start the server with --allowed-origin URL");
}

}  // namespace

std::optional<HttpRefusal> refuse_unread(const RequestHead& head) {
  if (head.header_count("Transfer-Encoding") > 0)
    return unread(501, "Transfer-Encoding is not supported: send Content-Length");
  if (head.header("Content-Encoding"))
    return unread(415, "Content-Encoding is not supported: send the body as it is");
  if (head.header("Range")) return unread(400, "Range is not supported");
  if (head.header_count("Content-Length") > 1) return unread(400, "more than one Content-Length");
  if (const auto expected = head.header("Expect");
      expected && lower_case(*expected) != "100-continue")
    return unread(417, "the only expectation known here is 100-continue");
  const auto declared = head.header("Content-Length");
  if (!declared) {
    if (!has_body(head) || takes_no_body(head)) return std::nullopt;
    return unread(411, "Content-Length is required");
  }
  const auto length = parse_length(*declared);
  if (!length) return unread(400, "Content-Length must be a number of bytes");
  const std::uint64_t most = most_body_bytes(head);
  if (*length > most) return unread(413, "the body is larger than " + mebibytes(most));
  return std::nullopt;
}

std::uint64_t body_bytes(const RequestHead& head) {
  return parse_length(head.header("Content-Length").value_or("0")).value_or(0);
}

std::optional<HttpRefusal> refuse_read(const RequestHead& head, const GuardOptions& options) {
  if (auto refused = refuse_host(head, options)) return refused;
  if (auto refused = refuse_origin(head, options)) return refused;
  if (is_preflight(head, options.allowed_origins)) return std::nullopt;
  if (auto refused = refuse_unauthorized(head, options.auth)) return refused;
  if (needs_json(head) && !is_json_type(head.header("Content-Type").value_or("")))
    return HttpRefusal{415, "Content-Type must be application/json", {}, false};
  return std::nullopt;
}

bool is_loopback(const std::string& host) {
  if (host == "localhost" || host == "::1") return true;
  in_addr address{};  // not by its beginning: "127.example.com" is a name like any other
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1 && (ntohl(address.s_addr) >> 24) == 127;
}

std::vector<std::string> allowed_hosts_for(const std::string& host,
                                           const std::vector<std::string>& more) {
  if (!is_loopback(host) && more.empty()) return {};
  std::vector<std::string> names = {"localhost", "127.0.0.1", "::1", lower_case(host)};
  for (const std::string& name : more) names.push_back(lower_case(name));
  return names;
}

}  // namespace assay::mcp
