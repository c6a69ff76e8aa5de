// SPDX-License-Identifier: Apache-2.0
// JSON-RPC 2.0 messages, free of any transport: decode what came, encode what goes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/json_reader.h"

namespace assay::mcp {

using schemas::Json;

inline constexpr int kParseError = -32700;
inline constexpr int kInvalidRequest = -32600;
inline constexpr int kMethodNotFound = -32601;
inline constexpr int kInvalidParams = -32602;
inline constexpr int kInternalError = -32603;

struct RpcError {
  int code = kInternalError;
  std::string message;
  Json data;  // null: none
};

struct Message {
  enum class Kind { request, notification, response } kind = Kind::request;
  Json id;  // a string or an integer; null for a notification
  std::string method;
  Json params = Json::object();
  Json result, error;  // of a response; null: absent
};

// What a text held: a message, or the error to answer with and the id where one could be read.
struct Decoded {
  std::optional<Message> message;
  RpcError error;
  Json id;
};

inline constexpr std::size_t kMaxBatch = 64;

// A text of one message, or of a batch of 1 to kMaxBatch. Ids are kept exactly: integers beyond 64
// bits and fractions are refused rather than rounded. What is no message at all is one Decoded with
// an error, and no batch.
struct DecodedText {
  bool is_batch = false;
  std::vector<Decoded> parts;  // at least one
};
DecodedText decode_text(std::string_view text);

// Accepts one message; a batch is refused.
Decoded decode_message(std::string_view text);

Json encode_result(const Json& id, Json result);
Json encode_error(const Json& id, const RpcError& error);
Json encode_notification(std::string method, Json params);

}  // namespace assay::mcp
