// SPDX-License-Identifier: Apache-2.0
// Typed reading of one JSON object. Errors collect instead of throwing, each with the JSON path,
// the offending value (shortened) and what is allowed, so that a caller learns everything wrong
// with a request at once. Unknown fields become warnings. Not thread-safe; one reader per request.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "schemas/result.h"

namespace assay::schemas {

// For integers that only their type bounds.
inline constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();

using Json = nlohmann::json;

// Limits on any document we parse; deeper or longer is refused before it is walked.
inline constexpr int kMaxJsonDepth = 64;

// Where errors and warnings of one document gather.
struct Diagnostics {
  std::vector<FieldError> errors;
  std::vector<std::string> warnings;
};

// Parses `text` within kMaxJsonDepth and 200,000 values. Error: malformed_call, with the byte
// offset.
Result<Json> parse_json(std::string_view text);
// Serialises; invalid UTF-8 (common in compiler output) is replaced, never thrown on.
std::string dump_json(const Json& json);
// A value shortened to at most 80 characters for an error message.
std::string shown_value(const Json& json);

class ObjectReader {
 public:
  // `json` must outlive the reader. A non-object is reported and then reads as empty.
  ObjectReader(const Json& json, std::string path, Diagnostics& diagnostics);

  // Reports fields that no call below asked for, as warnings. Call last.
  void finish();

  bool has(std::string_view key);  // present and not null
  const Json* raw(std::string_view key);

  std::string required_string(std::string_view key, std::size_t max_bytes);
  std::optional<std::string> optional_string(std::string_view key, std::size_t max_bytes);
  std::optional<std::int64_t> optional_int(std::string_view key, std::int64_t min,
                                           std::int64_t max);
  std::int64_t int_or(std::string_view key, std::int64_t fallback, std::int64_t min,
                      std::int64_t max);
  std::optional<double> optional_number(std::string_view key,
                                        double min = -std::numeric_limits<double>::infinity(),
                                        double max = std::numeric_limits<double>::infinity());
  std::optional<bool> optional_bool(std::string_view key);
  bool bool_or(std::string_view key, bool fallback);

  // The word at `key` as an index into `words`; an unknown word is reported with the list of
  // allowed ones.
  std::optional<std::size_t> optional_word(std::string_view key,
                                           const std::vector<std::string>& words);
  std::optional<std::size_t> required_word(std::string_view key,
                                           const std::vector<std::string>& words);

  // Calls `read(element, path)` for each element of the array at `key`; absent is fine unless
  // `required`.
  void each(std::string_view key, std::size_t max_elements, bool required,
            const std::function<void(const Json&, const std::string&)>& read);

  void error(std::string_view key, std::string message);
  void warn(std::string message);
  std::string path_of(std::string_view key) const;
  const std::string& path() const { return path_; }
  Diagnostics& diagnostics() { return diagnostics_; }

 private:
  const Json* find(std::string_view key);
  void wrong_type(std::string_view key, const Json& value, std::string_view wanted);

  const Json& json_;
  std::string path_;
  Diagnostics& diagnostics_;
  std::vector<std::string> known_;
};

// Turns collected errors into one malformed_call Error whose message is the first of them.
Error malformed(const Diagnostics& diagnostics);

}  // namespace assay::schemas
