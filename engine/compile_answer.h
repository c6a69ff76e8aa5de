// SPDX-License-Identifier: Apache-2.0
// What a compiler's answer says, read strictly: it is hostile input (docs/workers.md).
#pragma once

#include <optional>
#include <string>

#include "engine/artifact_cache.h"
#include "sandbox/frame.h"
#include "schemas/result.h"

namespace assay::engine {

inline constexpr std::size_t kMaxCompileLogBytes = 4096;
inline constexpr std::size_t kMaxWholeLogBytes = std::size_t{1} << 20;

// A source that does not compile is a result without an artifact. Error: protocol_violation.
schemas::Result<BuildResult> read_compile_answer(sandbox::Frame frame);

// What a compiler tells before its answer: {"so_far": text}, capped; nothing if it is no such
// frame.
std::optional<std::string> read_interim(const std::string& bytes);

}  // namespace assay::engine
