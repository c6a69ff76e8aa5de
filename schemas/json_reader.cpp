// SPDX-License-Identifier: Apache-2.0
#include "schemas/json_reader.h"

#include <algorithm>
#include <cmath>

namespace assay::schemas {
namespace {

constexpr std::size_t kShownValueCharacters = 80;
constexpr std::size_t kMaxDiagnostics = 64;
// A value of two bytes ("0,") takes up to a hundred bytes once it is parsed. Sources and tensors
// are strings, a value each, so that no honest request comes near.
constexpr std::size_t kMaxJsonValues = 200'000;

// What a document will be made of.
struct Extent {
  int depth = 0;
  std::size_t values = 1;  // at least as many as there are; the members' names are not counted
};

// nlohmann's parser accepts any depth but its dump recurses, and it keeps every value in a node of
// its own, so both are refused before a document exists.
Extent extent_of(std::string_view text) {
  Extent extent;
  int depth = 0;
  bool in_string = false, escaped = false;
  for (const char character : text) {
    if (in_string) {
      if (escaped)
        escaped = false;
      else if (character == '\\')
        escaped = true;
      else if (character == '"')
        in_string = false;
    } else if (character == '"') {
      in_string = true;
    } else if (character == '[' || character == '{') {
      extent.depth = std::max(extent.depth, ++depth);
      ++extent.values;
    } else if (character == ',') {
      ++extent.values;
    } else if (character == ']' || character == '}') {
      --depth;
    }
  }
  return extent;
}

Error too_large(std::string message) {
  return {ErrorCode::malformed_call, std::move(message), false, {}};
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string number_text(double value) {
  return Json(value).dump();
}

void add_error(Diagnostics& diagnostics, std::string path, std::string message) {
  if (diagnostics.errors.size() < kMaxDiagnostics)
    diagnostics.errors.push_back({std::move(path), std::move(message)});
}

}  // namespace

Result<Json> parse_json(std::string_view text) {
  const Extent extent = extent_of(text);
  if (extent.depth > kMaxJsonDepth)
    return too_large("JSON is nested deeper than " + std::to_string(kMaxJsonDepth) + " levels");
  if (extent.values > kMaxJsonValues)
    return too_large("JSON has more than " + std::to_string(kMaxJsonValues) +
                     " values; send a tensor's values as data_b64");
  try {
    return Json::parse(text.begin(), text.end());
  } catch (const Json::parse_error& error) {
    return Error{ErrorCode::malformed_call,
                 "not valid JSON: error at byte " + std::to_string(error.byte),
                 false,
                 {}};
  } catch (const Json::exception&) {
    return Error{ErrorCode::malformed_call, "not valid JSON: a number is too large", false, {}};
  }
}

std::string shown_value(const Json& json) {
  if (json.is_array()) return "an array of " + std::to_string(json.size()) + " elements";
  if (json.is_object()) return "an object";
  std::string text = dump_json(json);
  if (text.size() <= kShownValueCharacters) return text;
  std::size_t end = kShownValueCharacters - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end) + "...";
}

ObjectReader::ObjectReader(const Json& json, std::string path, Diagnostics& diagnostics)
    : json_(json), path_(std::move(path)), diagnostics_(diagnostics) {
  if (!json_.is_object())
    add_error(diagnostics_, path_, "must be an object, got " + shown_value(json_));
}

std::string ObjectReader::path_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

const Json* ObjectReader::find(std::string_view key) {
  known_.emplace_back(key);
  if (!json_.is_object()) return nullptr;
  const auto found = json_.find(std::string(key));
  return found == json_.end() || found->is_null() ? nullptr : &*found;
}

bool ObjectReader::has(std::string_view key) {
  return find(key) != nullptr;
}
const Json* ObjectReader::raw(std::string_view key) {
  return find(key);
}

void ObjectReader::finish() {
  if (!json_.is_object()) return;
  for (const auto& [key, value] : json_.items()) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    if (diagnostics_.warnings.size() < kMaxDiagnostics)
      diagnostics_.warnings.push_back("unknown field " + shown_value(path_of(key)) + " is ignored");
  }
}

void ObjectReader::error(std::string_view key, std::string message) {
  add_error(diagnostics_, path_of(key), std::move(message));
}

void ObjectReader::warn(std::string message) {
  if (diagnostics_.warnings.size() < kMaxDiagnostics)
    diagnostics_.warnings.push_back(std::move(message));
}

void ObjectReader::wrong_type(std::string_view key, const Json& value, std::string_view wanted) {
  error(key, "must be " + std::string(wanted) + ", got " + shown_value(value));
}

std::optional<std::string> ObjectReader::optional_string(std::string_view key,
                                                         std::size_t max_bytes) {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  const auto* text = value->get_ptr<const std::string*>();
  if (text == nullptr) {
    wrong_type(key, *value, "a string");
    return std::nullopt;
  }
  if (text->size() > max_bytes) {
    error(key, "has " + std::to_string(text->size()) + " bytes; at most " +
                   std::to_string(max_bytes) + " are allowed");
    return std::nullopt;
  }
  return *text;
}

std::string ObjectReader::required_string(std::string_view key, std::size_t max_bytes) {
  if (json_.is_object() && !has(key)) error(key, "is required (a string)");
  return optional_string(key, max_bytes).value_or("");
}

std::optional<std::int64_t> ObjectReader::optional_int(std::string_view key, std::int64_t min,
                                                       std::int64_t max) {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  const std::string wanted =
      "an integer from " + std::to_string(min) + " to " + std::to_string(max);
  std::int64_t number = 0;
  if (value->is_number_unsigned()) {
    const auto unsigned_number = value->get<std::uint64_t>();
    if (unsigned_number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      wrong_type(key, *value, wanted);
      return std::nullopt;
    }
    number = static_cast<std::int64_t>(unsigned_number);
  } else if (value->is_number_integer()) {
    number = value->get<std::int64_t>();
  } else if (value->is_number_float() && std::trunc(value->get<double>()) == value->get<double>() &&
             std::abs(value->get<double>()) < 9e15) {
    number = static_cast<std::int64_t>(value->get<double>());
  } else {
    wrong_type(key, *value, wanted);
    return std::nullopt;
  }
  if (number < min || number > max) {
    wrong_type(key, *value, wanted);
    return std::nullopt;
  }
  return number;
}

std::int64_t ObjectReader::int_or(std::string_view key, std::int64_t fallback, std::int64_t min,
                                  std::int64_t max) {
  return optional_int(key, min, max).value_or(fallback);
}

std::optional<double> ObjectReader::optional_number(std::string_view key, double min, double max) {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  std::string wanted = "a number";
  if (std::isfinite(min) && std::isfinite(max))
    wanted += " from " + number_text(min) + " to " + number_text(max);
  else if (std::isfinite(min))
    wanted += " of at least " + number_text(min);
  if (!value->is_number()) {
    wrong_type(key, *value, wanted);
    return std::nullopt;
  }
  const double number = value->get<double>();
  if (!std::isfinite(number) || number < min || number > max) {
    wrong_type(key, *value, wanted);
    return std::nullopt;
  }
  return number;
}

std::optional<bool> ObjectReader::optional_bool(std::string_view key) {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) {
    wrong_type(key, *value, "true or false");
    return std::nullopt;
  }
  return value->get<bool>();
}

bool ObjectReader::bool_or(std::string_view key, bool fallback) {
  return optional_bool(key).value_or(fallback);
}

std::optional<std::size_t> ObjectReader::optional_word(std::string_view key,
                                                       const std::vector<std::string>& words) {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) {
    const auto found = std::find(words.begin(), words.end(), value->get_ref<const std::string&>());
    if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  }
  wrong_type(key, *value, "one of " + joined(words));
  return std::nullopt;
}

std::optional<std::size_t> ObjectReader::required_word(std::string_view key,
                                                       const std::vector<std::string>& words) {
  if (json_.is_object() && !has(key)) error(key, "is required: one of " + joined(words));
  return optional_word(key, words);
}

void ObjectReader::each(std::string_view key, std::size_t max_elements, bool required,
                        const std::function<void(const Json&, const std::string&)>& read) {
  const Json* value = find(key);
  if (value == nullptr) {
    if (required && json_.is_object()) error(key, "is required (an array)");
    return;
  }
  if (!value->is_array()) return wrong_type(key, *value, "an array");
  if (value->size() > max_elements)
    return error(key, "has " + std::to_string(value->size()) + " elements; at most " +
                          std::to_string(max_elements) + " are allowed");
  for (std::size_t index = 0; index < value->size(); ++index)
    read((*value)[index], path_of(key) + "[" + std::to_string(index) + "]");
}

Error malformed(const Diagnostics& diagnostics) {
  Error error{ErrorCode::malformed_call, "malformed request", false, diagnostics.errors};
  if (!diagnostics.errors.empty()) {
    const auto& first = diagnostics.errors.front();
    error.message = first.path.empty() ? first.message : first.path + ": " + first.message;
  }
  return error;
}

}  // namespace assay::schemas
