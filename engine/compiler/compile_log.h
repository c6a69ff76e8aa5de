// SPDX-License-Identifier: Apache-2.0
// A compiler's log made short for a reader who wants to fix the source.
#pragma once

#include <string>
#include <vector>

namespace assay::engine {

inline constexpr std::size_t kMaxLogCharacters = 4000;

// Errors first, then warnings, then the rest, at most kMaxLogCharacters; ptxas' resource lines are
// left out (they become a table). Paths below `include_directories` lose them.
std::string shorten_log(const std::string& log,
                        const std::vector<std::string>& include_directories);

// At most kMaxLogCharacters, cut at a line where possible, with a word on how much is missing.
std::string cap_log(std::string log);

}  // namespace assay::engine
