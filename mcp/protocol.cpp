// SPDX-License-Identifier: Apache-2.0
#include "mcp/protocol.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "schemas/base64.h"

namespace assay::mcp {
namespace {

const Json* meta_of(const Message& message) {
  const auto meta = message.params.find("_meta");
  return meta == message.params.end() || !meta->is_object() ? nullptr : &*meta;
}

bool speaks(const std::vector<std::string>& versions, const std::string& version) {
  return std::find(versions.begin(), versions.end(), version) != versions.end();
}

Refusal refusal(int code, std::string message, Json data = {}) {
  return {400, {code, std::move(message), std::move(data)}};
}

Refusal unsupported(const std::string& requested) {
  return refusal(kUnsupportedVersion, "unsupported protocol version",
                 {{"supported", all_versions()}, {"requested", requested}});
}

std::optional<Refusal> check_legacy_version(const Message& message, const McpHeaders* headers) {
  if (headers == nullptr || !headers->protocol_version) return std::nullopt;
  const std::string& version = *headers->protocol_version;
  if (speaks(modern_versions(), version))
    return refusal(kInvalidParams, std::string("params._meta[\"") + kMetaVersion +
                                       "\"] is required with protocol version " + version);
  // An initialize says in its body what it asks for; its header comes before anything is agreed on.
  if (message.method == "initialize" || speaks(legacy_versions(), version)) return std::nullopt;
  return unsupported(version);
}

std::optional<Refusal> check_modern_version(const Message& message, const McpHeaders* headers) {
  const Json& meta = *meta_of(message);
  const auto* version = meta.at(kMetaVersion).get_ptr<const std::string*>();
  if (version == nullptr)
    return refusal(kInvalidParams,
                   std::string("params._meta[\"") + kMetaVersion + "\"] must be a string");
  if (headers != nullptr && headers->protocol_version && *headers->protocol_version != *version)
    return refusal(kHeaderMismatch,
                   "header MCP-Protocol-Version differs from the body's protocol version");
  if (!speaks(modern_versions(), *version)) return unsupported(*version);
  if (message.kind != Message::Kind::request) return std::nullopt;
  const auto capabilities = meta.find(kMetaCapabilities);
  if (capabilities == meta.end() || !capabilities->is_object())
    return refusal(kInvalidParams, std::string("params._meta[\"") + kMetaCapabilities +
                                       "\"] is required and must be an object");
  return std::nullopt;
}

// The field of the params that Mcp-Name repeats; null where there is none.
const char* named_field(const std::string& method) {
  if (method == "tools/call" || method == "prompts/get") return "name";
  return method == "resources/read" ? "uri" : nullptr;
}

// Bytes beyond ASCII mean different things to different readers: such a name travels as base64.
bool is_ascii(const std::string& text) {
  return std::all_of(text.begin(), text.end(),
                     [](char character) { return static_cast<unsigned char>(character) < 0x80; });
}

// Whether the value of Mcp-Name is `text`, as it is or as "=?base64?…?=" has it. Other headers of
// the protocol have no such form.
bool names(const std::string& value, const std::string& text) {
  constexpr std::string_view prefix = "=?base64?", suffix = "?=";
  if (value.starts_with(prefix) && value.ends_with(suffix) &&
      value.size() >= prefix.size() + suffix.size()) {
    const auto decoded = schemas::decode_base64(
        value.substr(prefix.size(), value.size() - prefix.size() - suffix.size()));
    return decoded && decoded->size() == text.size() &&
           std::memcmp(decoded->data(), text.data(), text.size()) == 0;
  }
  return value == text;
}

}  // namespace

const std::vector<std::string>& legacy_versions() {
  static const std::vector<std::string> versions = {"2025-11-25", "2025-06-18", "2025-03-26"};
  return versions;
}

const std::vector<std::string>& modern_versions() {
  static const std::vector<std::string> versions = {kModernVersion};
  return versions;
}

const std::vector<std::string>& all_versions() {
  static const std::vector<std::string> versions = [] {
    std::vector<std::string> all = modern_versions();
    all.insert(all.end(), legacy_versions().begin(), legacy_versions().end());
    return all;
  }();
  return versions;
}

std::string negotiated_version(const std::string& asked) {
  return speaks(legacy_versions(), asked) ? asked : legacy_versions().front();
}

Era era_of(const Message& message) {
  const Json* meta = meta_of(message);
  return meta != nullptr && meta->contains(kMetaVersion) ? Era::modern : Era::legacy;
}

std::optional<Refusal> check_version(const Message& message, Era era, const McpHeaders* headers) {
  return era == Era::legacy ? check_legacy_version(message, headers)
                            : check_modern_version(message, headers);
}

std::optional<RpcError> refuse_batch(const std::vector<Decoded>& parts,
                                     const std::string& version) {
  const bool has_modern = std::any_of(parts.begin(), parts.end(), [](const Decoded& part) {
    return part.message && era_of(*part.message) == Era::modern;
  });
  if (has_modern)
    return RpcError{
        kInvalidRequest, std::string("protocol version ") + kModernVersion + " has no batches", {}};
  if (version == kBatchVersion) return std::nullopt;
  return RpcError{kInvalidRequest,
                  std::string("batches exist in protocol version ") + kBatchVersion +
                      " only: send one message at a time",
                  {}};
}

std::optional<Refusal> check_headers(const Message& message, const McpHeaders& headers) {
  if (!headers.protocol_version)
    return refusal(kHeaderMismatch, "header MCP-Protocol-Version is missing");
  if (!headers.method) return refusal(kHeaderMismatch, "header Mcp-Method is missing");
  if (*headers.method != message.method)
    return refusal(kHeaderMismatch, "header Mcp-Method differs from the body's method");
  const char* field = named_field(message.method);
  if (field == nullptr) return std::nullopt;
  if (!headers.name) return refusal(kHeaderMismatch, "header Mcp-Name is missing");
  if (!is_ascii(*headers.name))
    return refusal(kHeaderMismatch,
                   "header Mcp-Name may hold ASCII only: send other text as =?base64?…?=");
  const auto name = message.params.find(field);
  if (name == message.params.end() || !name->is_string() ||
      !names(*headers.name, name->get_ref<const std::string&>()))
    return refusal(kHeaderMismatch,
                   std::string("header Mcp-Name differs from the body's params.") + field);
  return std::nullopt;
}

}  // namespace assay::mcp
