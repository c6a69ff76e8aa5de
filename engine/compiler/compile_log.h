// SPDX-License-Identifier: Apache-2.0
// A compiler's log made short for a reader who wants to fix the source.
#pragma once

#include <string>
#include <vector>

namespace assay::engine {

inline constexpr std::size_t kMaxLogCharacters = 4000;
inline constexpr std::size_t kMaxWholeLogBytes = std::size_t{512} << 10;

// Errors first, then warnings, then the rest, at most kMaxLogCharacters; ptxas' resource lines are
// left out (they become a table). Paths below `include_directories` lose them, of a chain of
// template instantiations the first and the last are kept. `notes` follow, each on its line.
std::string shorten_log(const std::string& log, const std::vector<std::string>& include_directories,
                        const std::vector<std::string>& notes = {});

// At most kMaxLogCharacters, cut at a line where possible, with a word on how much is missing and
// where to have it.
std::string cap_log(std::string log);

// The whole log as far as it is kept.
std::string bounded_log(std::string log);

// Whether a line begins the message of an error.
bool is_error_line(const std::string& line);

}  // namespace assay::engine
