// SPDX-License-Identifier: Apache-2.0
// The head of an HTTP request, read strictly (RFC 9112): what two readers could understand
// differently is refused, so that no proxy and no library sees another request than we do. Free of
// sockets and of the HTTP library.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mcp/ascii.h"

namespace assay::mcp {

inline constexpr std::size_t kMaxHeadBytes = std::size_t{32} << 10;
inline constexpr std::size_t kMaxTargetBytes = std::size_t{8} << 10;
inline constexpr std::size_t kMaxHeaders = 100;

// Why a request is not served. `headers` go out with the answer.
struct HttpRefusal {
  int status = 400;
  std::string message;
  std::vector<std::pair<std::string, std::string>> headers = {};
  // The rest of the connection cannot be trusted to start with a request.
  bool close = false;
};

struct RequestHead {
  std::string method;
  std::string path;  // percent-decoded, without the query and one slash at its end
  std::multimap<std::string, std::string> query = {};
  // Names in lower case; values exactly as they were sent, which is never how to log or echo them.
  std::vector<std::pair<std::string, std::string>> headers = {};
  bool keep_alive = true;
  bool http_1_0 = false;

  // The first value of a header; `name` in any case.
  std::optional<std::string> header(std::string_view name) const;
  std::size_t header_count(std::string_view name) const;
};

struct ParsedHead {
  RequestHead head;
  std::optional<HttpRefusal> refused;  // then `head` holds what was read so far
};

// `text` ends with the blank line. Never throws on any bytes.
ParsedHead parse_request_head(std::string_view text);

// "%41b" -> "Ab"; nothing when a '%' is not followed by two hexadecimal digits. `plus_is_space` as
// in queries and forms.
std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_space);

}  // namespace assay::mcp
