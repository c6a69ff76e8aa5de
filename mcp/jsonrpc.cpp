// SPDX-License-Identifier: Apache-2.0
#include "mcp/jsonrpc.h"

namespace assay::mcp {
namespace {

// Big enough for any client's counter or UUID; an id is echoed, so it has a bound.
constexpr std::size_t kMaxIdBytes = 256;
constexpr std::size_t kMaxMethodBytes = 256;

bool is_valid_id(const Json& id) {
  if (const auto* text = id.get_ptr<const std::string*>()) return text->size() <= kMaxIdBytes;
  return id.is_number_integer();
}

Decoded refused(const Json& id, std::string message) {
  Decoded decoded;
  decoded.error = {kInvalidRequest, std::move(message), {}};
  decoded.id = id;
  return decoded;
}

Decoded decode(const Json& json) {
  if (!json.is_object()) return refused(nullptr, "a message must be an object");

  const auto id = json.find("id");
  const bool has_id = id != json.end();
  const Json readable_id = has_id && is_valid_id(*id) ? *id : Json();
  const auto version = json.find("jsonrpc");
  if (version == json.end() || *version != "2.0")
    return refused(readable_id, "\"jsonrpc\" must be \"2.0\"");
  if (has_id && !is_valid_id(*id))
    return refused(nullptr,
                   "\"id\" must be a string of at most 256 bytes or a 64-bit integer, got " +
                       schemas::shown_value(*id));

  Message message;
  message.id = readable_id;
  const auto method = json.find("method");
  if (method == json.end()) {
    if (!has_id || (!json.contains("result") && !json.contains("error")))
      return refused(readable_id, "\"method\" is missing");
    message.kind = Message::Kind::response;
    message.result = json.value("result", Json());
    message.error = json.value("error", Json());
  } else {
    const auto* name = method->get_ptr<const std::string*>();
    if (name == nullptr || name->empty() || name->size() > kMaxMethodBytes)
      return refused(readable_id, "\"method\" must be a string of 1 to 256 bytes");
    message.kind = has_id ? Message::Kind::request : Message::Kind::notification;
    message.method = *name;
  }
  if (const auto params = json.find("params"); params != json.end() && !params->is_null()) {
    if (!params->is_object()) return refused(readable_id, "\"params\" must be an object");
    message.params = *params;
  }
  Decoded decoded;
  decoded.id = message.id;
  decoded.message = std::move(message);
  return decoded;
}

}  // namespace

DecodedText decode_text(std::string_view text) {
  DecodedText decoded;
  auto parsed = schemas::parse_json(text);
  if (!parsed.ok()) {
    decoded.parts.emplace_back();
    decoded.parts.back().error = {kParseError, parsed.error().message, {}};
    return decoded;
  }
  if (!parsed->is_array()) {
    decoded.parts.push_back(decode(*parsed));
    return decoded;
  }
  if (parsed->empty() || parsed->size() > kMaxBatch) {
    decoded.parts.push_back(refused(nullptr, "a batch must have 1 to " + std::to_string(kMaxBatch) +
                                                 " messages, got " +
                                                 std::to_string(parsed->size())));
    return decoded;
  }
  decoded.is_batch = true;
  for (const Json& part : *parsed) decoded.parts.push_back(decode(part));
  return decoded;
}

Decoded decode_message(std::string_view text) {
  DecodedText decoded = decode_text(text);
  if (decoded.is_batch)
    return refused(nullptr, "batches are not supported here: send one message per request");
  return std::move(decoded.parts.front());
}

Json encode_result(const Json& id, Json result) {
  return {{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}};
}

Json encode_error(const Json& id, const RpcError& error) {
  Json body = {{"code", error.code}, {"message", error.message}};
  if (!error.data.is_null()) body["data"] = error.data;
  return {{"jsonrpc", "2.0"}, {"id", id}, {"error", std::move(body)}};
}

Json encode_notification(std::string method, Json params) {
  return {{"jsonrpc", "2.0"}, {"method", std::move(method)}, {"params", std::move(params)}};
}

}  // namespace assay::mcp
