// SPDX-License-Identifier: Apache-2.0
// Any bytes as the head of a request: it is refused, or what it became keeps every promise that the
// parts behind the guard rely on, and reads the same when it is written down again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "mcp/http_guard.h"

using namespace assay::mcp;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char character) {
    return (character >= '\0' && character < ' ' && character != '\t') || character == '\x7f';
  });
}

void check_values(const RequestHead& head) {
  require(!head.path.empty() && head.path.front() == '/' && !has_control(head.path));
  require(head.headers.size() <= kMaxHeaders);
  for (const auto& [name, value] : head.headers) {
    require(!name.empty() && name == lower_case(name) && name.find_first_of("_: \t") == name.npos);
    require(!has_control(value));
    require(value.empty() || (value.front() != ' ' && value.back() != ' '));
    require(head.header(name).has_value() && head.header_count(name) >= 1);
  }
  require(head.header_count("content-length") <= 1 && head.header_count("host") <= 1);
}

void check_same_again(const RequestHead& head) {
  std::string text = head.method + " / HTTP/1." + (head.http_1_0 ? "0" : "1") + "\r\n";
  for (const auto& [name, value] : head.headers) text += name + ":" + value + "\r\n";
  const ParsedHead again = parse_request_head(text + "\r\n");
  require(!again.refused);
  require(again.head.method == head.method && again.head.headers == head.headers &&
          again.head.keep_alive == head.keep_alive);
}

void check_guard(const RequestHead& head) {
  static const GuardOptions local{allowed_hosts_for("127.0.0.1"), {}, {}};
  static const GuardOptions open{
      {}, {"https://app.example"}, {"0123456789abcdef", "https://login.example", ""}};
  if (refuse_unread(head)) return;
  require(head.header_count("transfer-encoding") == 0 && body_bytes(head) <= kMaxRestBodyBytes);
  (void)refuse_read(head, local);
  const auto refused = refuse_read(head, open);
  if (refused)
    for (const auto& [name, value] : refused->headers) require(!has_control(value));
  if (!refused && head.path == "/mcp") {
    const std::string given = head.header("authorization").value_or("");
    require(given.size() >= 23 && given.substr(given.size() - 16) == "0123456789abcdef");
  }
  if (!refused) (void)resource_metadata(head, open.auth);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const ParsedHead parsed = parse_request_head(text);
  if (parsed.refused) {
    require(parsed.refused->status >= 400 && parsed.refused->close);
    return 0;
  }
  check_values(parsed.head);
  check_same_again(parsed.head);
  check_guard(parsed.head);
  return 0;
}
