// SPDX-License-Identifier: Apache-2.0
// A long text handed out in pages.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace assay::engine {

inline constexpr std::size_t kLogPageBytes = 16'000;

struct LogPage {
  std::string text;  // whole characters of UTF-8, at most kLogPageBytes when written as JSON
  std::int64_t total_bytes = 0;
  std::optional<std::int64_t> next_cursor;  // absent: this was the last one
};

// From byte `cursor` on; behind the end the text is empty.
LogPage page_of(const std::string& text, std::int64_t cursor);

}  // namespace assay::engine
