// SPDX-License-Identifier: Apache-2.0
// Who may ask: one bearer token, and where a client learns how to get it (RFC 9728).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mcp/request_head.h"
#include "schemas/json_reader.h"

namespace assay::mcp {

inline constexpr std::size_t kMinTokenBytes = 16;
inline constexpr std::size_t kMaxTokenBytes = 4'096;

struct AuthOptions {
  std::string token;        // empty: no login
  std::string auth_server;  // URL of the authorization server; empty: no metadata is served
  std::string public_url;   // how clients reach us, "https://host"; empty: http and their Host
};

// Takes as long for a wrong token as for the right one of that length.
bool equal_in_constant_time(std::string_view given, std::string_view expected);

// Visible ASCII of a length that cannot be guessed.
bool is_usable_token(std::string_view token);

// Whether a route is answered without the token: whether the server lives, and how to ask it.
bool is_open_path(std::string_view path);

// 401 with WWW-Authenticate unless the head carries the token, or the path needs none: an open one,
// or the metadata's.
std::optional<HttpRefusal> refuse_unauthorized(const RequestHead& head, const AuthOptions& options);

// The protected resource's metadata when this is a request for it and an authorization server is
// known.
std::optional<schemas::Json> resource_metadata(const RequestHead& head, const AuthOptions& options);

}  // namespace assay::mcp
