// SPDX-License-Identifier: Apache-2.0
#include "engine/compile_answer.h"

#include <algorithm>
#include <utility>

#include "sandbox/shared_memory.h"
#include "schemas/worker_message.h"

namespace assay::engine {

using schemas::Error;
using schemas::ErrorCode;
using schemas::Json;
using schemas::Result;

namespace {

constexpr std::size_t kMaxSymbolBytes = 4096;

std::string capped(std::string text) {
  if (text.size() > kMaxCompileLogBytes) {
    text.resize(kMaxCompileLogBytes);
  }
  return text;
}

Error violation(const std::string& what) {
  return {ErrorCode::protocol_violation, "the compiler's answer " + what, false, {}};
}

Result<std::string> read_binary(std::vector<sandbox::UniqueFd> descriptors) {
  if (descriptors.size() != 1) {
    return violation("came with " + std::to_string(descriptors.size()) + " descriptors");
  }
  auto memory = sandbox::SharedMemory::adopt_for_reading(std::move(descriptors.front()), 1,
                                                         kMaxArtifactBytes / 2);
  if (!memory) {
    return memory.error();
  }
  std::string binary(memory->size(), '\0');
  if (auto read = memory->read(0, binary.data(), binary.size()); !read) {
    return read.error();
  }
  return binary;
}

}  // namespace

std::optional<std::string> read_interim(const std::string& bytes) {
  const auto json = schemas::parse_json(bytes);
  if (!json || !json->is_object() || json->size() != 1) return std::nullopt;
  const auto text = json->find("so_far");
  if (text == json->end() || !text->is_string()) return std::nullopt;
  return capped(text->get<std::string>());
}

// A field of the wrong type or a missing one refuses the whole answer.
Result<BuildResult> read_compile_answer(sandbox::Frame frame) {
  const auto json = schemas::parse_json(frame.bytes);
  if (!json) {
    return violation("is no JSON: " + json.error().message);
  }
  schemas::Diagnostics diagnostics;
  schemas::ObjectReader reader(*json, "answer", diagnostics);
  BuildResult result;
  result.report.log = capped(reader.optional_string("log", kMaxCompileLogBytes * 4).value_or(""));
  result.whole_log =
      reader.optional_string("whole_log", schemas::kMaxUntrustedFrameBytes).value_or("");
  result.whole_log.resize(std::min(result.whole_log.size(), kMaxWholeLogBytes));
  if (!reader.bool_or("ok", false)) {
    const Json* error = reader.raw("error");
    static const Json nothing = Json::object();
    schemas::ObjectReader fields(error == nullptr ? nothing : *error, "answer.error", diagnostics);
    const auto kind = fields.required_word("kind", {"compile", "contract"});
    result.failure = capped(fields.required_string("message", kMaxCompileLogBytes * 4));
    if (!diagnostics.errors.empty()) {
      return violation("is malformed: " + diagnostics.errors.front().message);
    }
    if (kind == 0 && !result.report.log.empty()) {
      result.failure = result.report.log;
    }
    return result;
  }
  Artifact artifact;
  artifact.kernel_name = reader.required_string("kernel_name", kMaxSymbolBytes);
  if (reader.optional_word("tier", {"device", "host"}).value_or(0) == 1) {
    artifact.tier = RunnerTier::host;
  }
  if (const Json* launch = reader.raw("launch")) {
    artifact.launch = *launch;
  }
  artifact.needs_gpu = reader.bool_or("needs_gpu", true);
  result.report.tool = reader.required_string("tool", 64);
  result.report.way = reader.optional_string("way", 64).value_or("");
  for (const char* list : {"kernels", "stages"}) {
    if (const Json* elements = reader.raw(list)) {
      auto read = schemas::read_compile_report({{list, *elements}}, "answer", diagnostics);
      if (!read.kernels.empty()) result.report.kernels = std::move(read.kernels);
      if (!read.stages.empty()) result.report.stages = std::move(read.stages);
    }
  }
  if (artifact.kernel_name.empty() || !diagnostics.errors.empty()) {
    return violation("is malformed" + (diagnostics.errors.empty()
                                           ? std::string()
                                           : ": " + diagnostics.errors.front().message));
  }
  auto binary = read_binary(std::move(frame.descriptors));
  if (!binary) {
    return binary.error();
  }
  artifact.binary = std::move(*binary);
  artifact.whole_log = result.whole_log;
  constexpr std::string_view elf(
      "\x7f"
      "ELF");
  if (artifact.tier == RunnerTier::device && !artifact.binary.starts_with(elf)) {
    return violation("is no cubin");
  }
  result.artifact = std::move(artifact);
  return result;
}

}  // namespace assay::engine
