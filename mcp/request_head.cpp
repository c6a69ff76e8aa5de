// SPDX-License-Identifier: Apache-2.0
#include "mcp/request_head.h"

#include <algorithm>

namespace assay::mcp {
namespace {

constexpr std::size_t kMaxMethodBytes = 16;

HttpRefusal broken(std::string message) {
  return {400, std::move(message), {}, true};
}

bool is_visible(char character) {
  return character > ' ' && character < '\x7f';
}

// Bytes from 0x80 are allowed, as obsolete text.
bool is_value_character(char character) {
  return character == '\t' || (static_cast<unsigned char>(character) >= ' ' && character != '\x7f');
}

// Takes the next line off `text`. Nothing when it does not end with CR LF.
std::optional<std::string_view> take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == text.npos || end == 0 || text[end - 1] != '\r') return std::nullopt;
  const std::string_view line = text.substr(0, end - 1);
  text.remove_prefix(end + 1);
  return line;
}

std::optional<HttpRefusal> read_query(std::string_view text, RequestHead& head) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    auto name = percent_decoded(pair.substr(0, equals), true);
    auto value = percent_decoded(pair.substr(std::min(equals + 1, pair.size())), true);
    if (!name || !value) return broken("the query holds a '%' without two hexadecimal digits");
    head.query.emplace(std::move(*name), std::move(*value));
  }
  return std::nullopt;
}

std::optional<HttpRefusal> read_target(std::string_view target, RequestHead& head) {
  if (target.size() > kMaxTargetBytes) return HttpRefusal{414, "the path is too long", {}, true};
  if (target.empty() || target.front() != '/' ||
      !std::all_of(target.begin(), target.end(), is_visible) || target.find('#') != target.npos)
    return broken("the request's target must be a path that starts with '/'");
  const std::size_t end = std::min(target.find('?'), target.size());
  std::string_view shown = target.substr(0, end);
  // Clients join paths with and without a slash at the end; all mean the same route.
  if (shown.size() > 1 && shown.ends_with('/') && !shown.ends_with("//")) shown.remove_suffix(1);
  auto path = percent_decoded(shown, false);
  if (!path) return broken("the path holds a '%' without two hexadecimal digits");
  const auto is_control = [](char character) {
    return (character >= '\0' && character < ' ') || character == '\x7f';
  };
  if (std::any_of(path->begin(), path->end(), is_control))
    return broken("the path holds a control character");
  head.path = std::move(*path);
  return read_query(target.substr(std::min(end + 1, target.size())), head);
}

std::optional<HttpRefusal> read_request_line(std::string_view line, RequestHead& head) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == line.npos || first == last) return broken("the request line is not HTTP/1.1");
  const std::string_view method = line.substr(0, first);
  const std::string_view version = line.substr(last + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0")
    return HttpRefusal{505, "use HTTP/1.1", {}, true};
  if (!is_token(method) || method.size() > kMaxMethodBytes)
    return broken("the request's method is not one");
  head.method = method;
  head.http_1_0 = version == "HTTP/1.0";
  return read_target(line.substr(first + 1, last - first - 1), head);
}

std::optional<HttpRefusal> read_header(std::string_view line, RequestHead& head) {
  const std::size_t colon = line.find(':');
  // A folded line or a space before the colon is no token either.
  if (colon == line.npos || !is_token(line.substr(0, colon)))
    return broken("a header line is not 'name: value'");
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (!std::all_of(value.begin(), value.end(), is_value_character))
    return broken("a header value holds a control character");
  std::string name = lower_case(line.substr(0, colon));
  // An underscore is how a name pretends to be another once it is a variable (REMOTE_ADDR).
  if (name.find('_') == name.npos) head.headers.emplace_back(std::move(name), value);
  return std::nullopt;
}

// What may come only once, because two readers could pick different ones.
std::optional<HttpRefusal> check_single(const RequestHead& head) {
  for (const char* name :
       {"host", "content-length", "content-type", "authorization", "origin", "mcp-protocol-version",
        "mcp-method", "mcp-name", "mcp-session-id", "last-event-id"})
    if (head.header_count(name) > 1)
      return broken("more than one " + std::string(name) + " header");
  return std::nullopt;
}

// Whether the tokens of the Connection headers hold `wanted`.
bool connection_says(const RequestHead& head, std::string_view wanted) {
  for (const auto& [name, value] : head.headers) {
    if (name != "connection") continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(','), rest.size());
      if (lower_case(trimmed(rest.substr(0, end))) == wanted) return true;
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return false;
}

std::optional<HttpRefusal> read_head(std::string_view text, RequestHead& head) {
  auto line = take_line(text);
  if (!line) return broken("a line does not end with CR LF");
  if (auto refused = read_request_line(*line, head)) return refused;
  std::size_t lines = 0;
  for (;;) {
    line = take_line(text);
    if (!line) return broken("a line does not end with CR LF");
    if (line->empty()) break;
    if (++lines > kMaxHeaders)
      return HttpRefusal{431, "more than " + std::to_string(kMaxHeaders) + " headers", {}, true};
    if (auto refused = read_header(*line, head)) return refused;
  }
  head.keep_alive =
      head.http_1_0 ? connection_says(head, "keep-alive") : !connection_says(head, "close");
  return check_single(head);
}

}  // namespace

std::optional<std::string> RequestHead::header(std::string_view name) const {
  const std::string wanted = lower_case(name);
  for (const auto& [each, value] : headers)
    if (each == wanted) return value;
  return std::nullopt;
}

std::size_t RequestHead::header_count(std::string_view name) const {
  const std::string wanted = lower_case(name);
  return static_cast<std::size_t>(std::count_if(
      headers.begin(), headers.end(), [&](const auto& header) { return header.first == wanted; }));
}

ParsedHead parse_request_head(std::string_view text) {
  ParsedHead parsed;
  parsed.refused = read_head(text, parsed.head);
  return parsed;
}

std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      decoded += ' ';
    } else if (text[i] != '%') {
      decoded += text[i];
    } else {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      decoded += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return decoded;
}

}  // namespace assay::mcp
