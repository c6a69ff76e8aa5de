// SPDX-License-Identifier: Apache-2.0
#include "engine/log_page.h"

#include <algorithm>

#include "schemas/json_reader.h"

namespace assay::engine {

LogPage page_of(const std::string& text, std::int64_t cursor) {
  const auto inside_character = [&](std::size_t at) {
    return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
  };
  constexpr std::size_t kMostInside = 3;  // bytes of a character behind its first
  const std::size_t begin = static_cast<std::size_t>(
      std::clamp<std::int64_t>(cursor, 0, static_cast<std::int64_t>(text.size())));
  const auto cut = [&](std::size_t bytes) {
    std::size_t end = std::min(text.size(), begin + bytes);
    for (std::size_t back = 0; back < kMostInside && end > begin + 1 && inside_character(end);
         ++back) {
      --end;
    }
    return end;
  };
  // A quote takes two bytes in an answer and a control character six.
  const auto written_bytes = [](const std::string& part) {
    return schemas::dump_json(part).size() - 2;
  };
  std::size_t end = cut(kLogPageBytes);
  LogPage page;
  page.text = text.substr(begin, end - begin);
  for (std::size_t written = written_bytes(page.text); written > kLogPageBytes;
       written = written_bytes(page.text)) {
    end = cut((end - begin) * kLogPageBytes / written);
    page.text.resize(end - begin);
  }
  page.total_bytes = static_cast<std::int64_t>(text.size());
  if (end < text.size()) {
    page.next_cursor = static_cast<std::int64_t>(end);
  }
  return page;
}

}  // namespace assay::engine
