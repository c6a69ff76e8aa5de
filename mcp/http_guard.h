// SPDX-License-Identifier: Apache-2.0
// What an HTTP request must be before anything of ours looks at its body: whose it is, where it
// comes from, how long it is. Free of the HTTP library, which by then has not seen a byte of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mcp/auth.h"
#include "mcp/request_head.h"

namespace assay::mcp {

inline constexpr std::uint64_t kMaxRestBodyBytes = std::uint64_t{64} << 20;  // with tensors in it
inline constexpr std::uint64_t kMaxMcpBodyBytes = std::uint64_t{8} << 20;    // and of forms

struct GuardOptions {
  // Names a Host header may have, without port; empty: any (a server bound to a public address).
  std::vector<std::string> allowed_hosts = {};
  // Whole origins ("https://app.example.com") that pages may come from, beside our own; browsers
  // are told that these may read the answers.
  std::vector<std::string> allowed_origins = {};
  AuthOptions auth = {};
};

// Bodies that must not be read: encoded, without or beyond a length, with a byte range. What
// follows such a head is not known to be a request, so all of these close the connection.
std::optional<HttpRefusal> refuse_unread(const RequestHead& head);

// The length of the body of a head that `refuse_unread` let pass.
std::uint64_t body_bytes(const RequestHead& head);

// Requests of someone else: a foreign Host or Origin, no token (a preflight needs none), a body
// that is no JSON where JSON is wanted.
std::optional<HttpRefusal> refuse_read(const RequestHead& head, const GuardOptions& options);

// The names a server bound to `host` answers to: the loopback names and `more`, or any when it is a
// public address and nothing more was named.
std::vector<std::string> allowed_hosts_for(const std::string& host,
                                           const std::vector<std::string>& more = {});
bool is_loopback(const std::string& host);

}  // namespace assay::mcp
