// SPDX-License-Identifier: Apache-2.0
// A compiled kernel, what a build yielded, and an artifact as a file: it carries the SHA-256 of its
// content.
//
//   "assay artifact 2\n" | 64 hex digits: SHA-256 of all that follows | "\n" | u32 length of JSON |
//   JSON | blob
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/evaluation.h"

namespace assay::engine {

inline constexpr std::size_t kMaxArtifactBytes = std::size_t{256} << 20;

// Hex SHA-256 over the parts; each is preceded by its length, so that no two lists of parts
// collide.
std::string content_key(const std::vector<std::string_view>& parts);

// Where an artifact is run: by our own C++, or by the Python runner.
enum class RunnerTier { host, device };

struct Artifact {
  std::string kernel_name;  // device tier: the lowered symbol to launch
  RunnerTier tier = RunnerTier::device;
  // What the runner must know of it beside the contract, as the compiler says it; the runner reads
  // it.
  schemas::Json launch = schemas::Json::object();
  schemas::CompileReport report;
  bool needs_gpu = true;  // false: a machine without a GPU can run it
  std::string whole_log;  // of the build, bounded
  std::string binary;     // device tier: a cubin; host tier: what `launch` describes
};

// What one build yielded: an artifact, or why there is none.
struct BuildResult {
  std::optional<Artifact> artifact;
  std::string whole_log;          // of artifacts and failures, bounded
  std::string failure;            // for the one who submitted the kernel
  schemas::CompileReport report;  // with the log; also of failures
  std::optional<schemas::ProcessEnd> process_end;
  bool timed_out = false;  // the builder's own budget ran out: says nothing to others
  std::string so_far;      // errors that were known by then

  // "; so far: …", or nothing.
  std::string so_far_text() const { return so_far.empty() ? "" : "; so far: " + so_far; }
};

std::string encode_artifact(const Artifact& artifact);
// Nothing where the hash does not fit or the content makes no sense.
std::optional<Artifact> decode_artifact(std::string_view file);

}  // namespace assay::engine
