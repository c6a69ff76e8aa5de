// SPDX-License-Identifier: Apache-2.0
#include "engine/artifact.h"

#include <array>
#include <memory>
#include <utility>

#include <openssl/evp.h>

namespace assay::engine {

using schemas::Json;

namespace {

constexpr std::string_view kHeader = "assay artifact 2\n";
constexpr std::size_t kHashDigits = 64;

std::string sha256_hex(const std::vector<std::string_view>& parts) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
  for (const std::string_view part : parts) {
    EVP_DigestUpdate(context.get(), part.data(), part.size());
  }
  EVP_DigestFinal_ex(context.get(), digest.data(), &size);
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    hex += digits[digest[i] >> 4];
    hex += digits[digest[i] & 15];
  }
  return hex;
}

std::string length_bytes(std::size_t length) {
  std::string bytes;
  for (unsigned int shift = 0; shift < 32; shift += 8) {
    bytes += static_cast<char>((length >> shift) & 0xff);
  }
  return bytes;
}

std::size_t read_length(std::string_view bytes) {
  std::size_t length = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    length |= static_cast<std::size_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  }
  return length;
}

}  // namespace

std::string content_key(const std::vector<std::string_view>& parts) {
  std::vector<std::string> lengths;
  lengths.reserve(parts.size());
  for (const std::string_view part : parts) {
    lengths.push_back(length_bytes(part.size()));
  }
  std::vector<std::string_view> pieces;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    pieces.push_back(lengths[i]);
    pieces.push_back(parts[i]);
  }
  return sha256_hex(pieces);
}

std::string encode_artifact(const Artifact& artifact) {
  const std::string json =
      schemas::dump_json({{"kernel_name", artifact.kernel_name},
                          {"tier", artifact.tier == RunnerTier::device ? "device" : "host"},
                          {"launch", artifact.launch},
                          {"needs_gpu", artifact.needs_gpu},
                          {"whole_log", artifact.whole_log},
                          {"report", schemas::to_json(artifact.report)}});
  const std::string length = length_bytes(json.size());
  std::string file(kHeader);
  file += sha256_hex({length, json, artifact.binary});
  file += '\n';
  file += length;
  file += json;
  file += artifact.binary;
  return file;
}

std::optional<Artifact> decode_artifact(std::string_view file) {
  if (file.substr(0, kHeader.size()) != kHeader) {
    return std::nullopt;
  }
  file.remove_prefix(kHeader.size());
  if (file.size() < kHashDigits + 1 + 4) {
    return std::nullopt;
  }
  const std::string_view hash = file.substr(0, kHashDigits);
  std::string_view content = file.substr(kHashDigits + 1);
  if (sha256_hex({content}) != hash) {
    return std::nullopt;
  }
  const std::size_t length = read_length(content);
  content.remove_prefix(4);
  if (length > content.size()) {
    return std::nullopt;
  }
  const auto json = schemas::parse_json(content.substr(0, length));
  if (!json || !json->is_object() || !json->contains("report")) {
    return std::nullopt;
  }
  schemas::Diagnostics diagnostics;
  Artifact artifact;
  artifact.kernel_name = json->value("kernel_name", "");
  artifact.tier = json->value("tier", "") == "host" ? RunnerTier::host : RunnerTier::device;
  artifact.launch = json->value("launch", Json::object());
  artifact.needs_gpu = json->value("needs_gpu", true);
  artifact.whole_log = json->value("whole_log", "");
  artifact.report = schemas::read_compile_report((*json)["report"], "report", diagnostics);
  artifact.binary = content.substr(length);
  return diagnostics.errors.empty() ? std::optional(std::move(artifact)) : std::nullopt;
}

}  // namespace assay::engine
