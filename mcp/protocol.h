// SPDX-License-Identifier: Apache-2.0
// The two eras of MCP and how a request is told to belong to one: the legacy one with a handshake
// (up to 2025-11-25) and the stateless one of 2026-07-28, whose every request carries its version
// and the client's capabilities.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mcp/jsonrpc.h"

namespace assay::mcp {

inline constexpr const char* kModernVersion = "2026-07-28";
const std::vector<std::string>& legacy_versions();  // newest first
const std::vector<std::string>& modern_versions();
const std::vector<std::string>& all_versions();  // the modern ones first

// The version an `initialize` is answered with: the asked one where we speak it, else our newest
// legacy one.
std::string negotiated_version(const std::string& asked);

inline constexpr const char* kBatchVersion = "2025-03-26";    // the only one with batches
inline constexpr const char* kPrimingVersion = "2025-11-25";  // streams begin with an event id

inline constexpr int kHeaderMismatch = -32020;
inline constexpr int kMissingCapability = -32021;
inline constexpr int kUnsupportedVersion = -32022;
inline constexpr int kLegacyNotFound = -32002;  // a resource, before 2026-07-28

inline constexpr const char* kMetaVersion = "io.modelcontextprotocol/protocolVersion";
inline constexpr const char* kMetaCapabilities = "io.modelcontextprotocol/clientCapabilities";
inline constexpr const char* kMetaServerInfo = "io.modelcontextprotocol/serverInfo";

enum class Era { legacy, modern };

// The headers of MCP over HTTP, trimmed; absent ones are nullopt.
struct McpHeaders {
  std::optional<std::string> protocol_version;    // MCP-Protocol-Version
  std::optional<std::string> method;              // Mcp-Method
  std::optional<std::string> name;                // Mcp-Name
  std::optional<std::string> session_id = {};     // Mcp-Session-Id, legacy
  std::optional<std::string> last_event_id = {};  // Last-Event-ID, legacy
};

struct Refusal {
  int http_status = 400;
  RpcError error;
};

// The era of a message: its body decides. A body without a claim is legacy.
Era era_of(const Message& message);

// What is wrong with the version part of a message, if anything. `headers` is null where there are
// none (stdio).
std::optional<Refusal> check_version(const Message& message, Era era, const McpHeaders* headers);

// Why the parts of a batch are not taken in a conversation of `version`, if so. What may not be
// part of one that is taken is refused by itself: kNoPartOfBatch.
std::optional<RpcError> refuse_batch(const std::vector<Decoded>& parts, const std::string& version);
inline constexpr const char* kNoPartOfBatch = "initialize must not be part of a batch";

// Whether the modern headers repeat the body truly. Only for requests whose method is known.
std::optional<Refusal> check_headers(const Message& message, const McpHeaders& headers);

}  // namespace assay::mcp
