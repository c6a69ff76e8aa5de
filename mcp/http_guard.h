// SPDX-License-Identifier: Apache-2.0
// What an HTTP request must be before anything of ours looks at its body. Free of the HTTP library,
// whose known holes (chunked bodies without a limit, inflated bodies, byte ranges on answers) these
// checks close.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace assay::mcp {

inline constexpr std::uint64_t kMaxRestBodyBytes = std::uint64_t{64} << 20;
inline constexpr std::uint64_t kMaxMcpBodyBytes = std::uint64_t{8} << 20;  // and of forms

struct RequestHead {
  std::string method;
  std::string path;
  // The value of a header, and how often it was sent. Values are hostile: they are never echoed or
  // logged.
  std::function<std::optional<std::string>(const char* name)> header;
  std::function<std::size_t(const char* name)> header_count;
};

struct HttpRefusal {
  int status = 400;
  std::string message;
};

struct GuardOptions {
  // Names a Host header may have, without port; empty: any (a server bound to a public address).
  std::vector<std::string> allowed_hosts;
};

// Bodies that must not be read: encoded, without or beyond a length, with a byte range. The
// connection has to be closed after the answer, because the rest of the body would be taken for the
// next request.
std::optional<HttpRefusal> refuse_unread(const RequestHead& head);

// A POST that may come without a body and without a length.
bool takes_no_body(const RequestHead& head);

// Requests that are refused once their (bounded) body is read: a Host or Origin of someone else, a
// body that is no JSON where JSON is wanted.
std::optional<HttpRefusal> refuse_read(const RequestHead& head, const GuardOptions& options);

// The names a server bound to `host` answers to: the loopback names, or any for a public address.
std::vector<std::string> allowed_hosts_for(const std::string& host);
bool is_loopback(const std::string& host);

}  // namespace assay::mcp
