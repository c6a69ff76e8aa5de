// SPDX-License-Identifier: Apache-2.0
#include "mcp/form.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "mcp/ascii.h"

namespace assay::mcp {
namespace {

using schemas::Error;
using schemas::ErrorCode;
using schemas::Result;

constexpr std::string_view kMultipart = "multipart/form-data";
constexpr std::string_view kUrlEncoded = "application/x-www-form-urlencoded";
constexpr std::string_view kLineEnd = "\r\n";

Error malformed(std::string message) {
  return {ErrorCode::malformed_call, std::move(message), false, {}};
}

bool equal_ignoring_case(std::string_view left, std::string_view right) {
  return lower_case(left) == lower_case(right);
}

std::string_view media_type(std::string_view content_type) {
  return trimmed(content_type.substr(0, content_type.find(';')));
}

// The value of a parameter behind the first ';': token or "quoted string".
std::optional<std::string> parameter(std::string_view header, std::string_view wanted) {
  std::size_t at = header.find(';');
  while (at < header.size()) {
    ++at;
    const std::size_t equals = header.find('=', at);
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string_view name = trimmed(header.substr(at, equals - at));
    at = header.find_first_not_of(" \t", equals + 1);
    std::string value;
    if (at != std::string_view::npos && header[at] == '"') {
      for (++at; at < header.size() && header[at] != '"'; ++at) {
        const bool escaped = header[at] == '\\' && at + 1 < header.size() &&
                             (header[at + 1] == '"' || header[at + 1] == '\\');
        if (escaped) ++at;
        value += header[at];
      }
      if (at >= header.size()) return std::nullopt;  // the quotation does not end
      at = header.find(';', at);
    } else if (at != std::string_view::npos) {
      const std::size_t end = header.find(';', at);
      value = trimmed(header.substr(at, end == std::string_view::npos ? end : end - at));
      at = end;
    }
    if (equal_ignoring_case(name, wanted)) return value;
  }
  return std::nullopt;
}

// What is no valid escape stands for itself.
std::string decoded(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low >= 0) {
      plain += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      plain += text[i] == '+' ? ' ' : text[i];
    }
  }
  return plain;
}

Result<FormFields> read_url_encoded(std::string_view body) {
  FormFields fields;
  for (std::size_t start = 0; start < body.size();) {
    const std::size_t end = std::min(body.find('&', start), body.size());
    const std::string_view pair = body.substr(start, end - start);
    start = end + 1;
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view value = equals < pair.size() ? pair.substr(equals + 1) : "";
    fields[decoded(pair.substr(0, equals))] = decoded(value);
    if (fields.size() > kMaxFormFields) return malformed("the form has too many fields");
  }
  return fields;
}

// Where the text of a part ends and how its delimiter goes on.
struct Delimiter {
  std::size_t begin = 0;  // of the line end before it
  std::size_t after = 0;
  bool last = false;
};

// Looks from `from` on for `line_and_boundary` ("\r\n--boundary") as a whole line.
std::optional<Delimiter> find_delimiter(std::string_view body, std::string_view line_and_boundary,
                                        std::size_t from) {
  for (std::size_t at = body.find(line_and_boundary, from); at != std::string_view::npos;
       at = body.find(line_and_boundary, at + 1)) {
    const std::size_t after = at + line_and_boundary.size();
    if (body.substr(after, 2) == "--") return Delimiter{at, after + 2, true};
    const std::size_t text = std::min(body.find_first_not_of(" \t", after), body.size());
    if (body.substr(text, 2) == kLineEnd) return Delimiter{at, text + 2, false};
  }
  return std::nullopt;
}

// The name in a part's Content-Disposition; nothing when it has none.
std::optional<std::string> part_name(std::string_view headers) {
  for (std::size_t start = 0; start < headers.size();) {
    const std::size_t end = std::min(headers.find(kLineEnd, start), headers.size());
    const std::string_view line = headers.substr(start, end - start);
    start = end + kLineEnd.size();
    const std::size_t colon = std::min(line.find(':'), line.size());
    if (equal_ignoring_case(trimmed(line.substr(0, colon)), "content-disposition"))
      return parameter(line, "name");
  }
  return std::nullopt;
}

Result<FormFields> read_multipart(std::string_view content_type, std::string_view body) {
  const auto boundary = parameter(content_type, "boundary");
  if (!boundary || boundary->empty() || boundary->size() > kMaxBoundaryBytes)
    return malformed("Content-Type has no usable boundary");
  const std::string line_and_boundary = "\r\n--" + *boundary;
  FormFields fields;
  std::optional<Delimiter> delimiter;
  // The first one may stand at the very beginning.
  if (body.substr(0, line_and_boundary.size() - 2) == std::string_view(line_and_boundary).substr(2))
    delimiter =
        find_delimiter(std::string(kLineEnd).append(body.substr(0, 256)), line_and_boundary, 0);
  if (delimiter)
    delimiter->after -= kLineEnd.size();
  else
    delimiter = find_delimiter(body, line_and_boundary, 0);
  while (delimiter && !delimiter->last) {
    const std::size_t headers_begin = delimiter->after;
    const std::size_t headers_end = body.substr(headers_begin, 2) == kLineEnd
                                        ? headers_begin
                                        : body.find("\r\n\r\n", headers_begin);
    if (headers_end == std::string_view::npos || headers_end - headers_begin > kMaxPartHeaderBytes)
      return malformed("a part of the form has no end of its headers");
    const bool has_headers = headers_end != headers_begin;
    const std::size_t text = headers_end + (has_headers ? 4 : 2);
    // The line end before the delimiter may be the one that ends the headers.
    const auto next = find_delimiter(body, line_and_boundary, text - 2);
    if (!next) break;
    const auto name = part_name(body.substr(headers_begin, headers_end - headers_begin));
    if (!name) return malformed("a part of the form has no name");
    fields[*name] = next->begin < text ? "" : std::string(body.substr(text, next->begin - text));
    if (fields.size() > kMaxFormFields) return malformed("the form has too many fields");
    delimiter = next;
  }
  if (!delimiter || !delimiter->last) return malformed("the form does not end with its boundary");
  return fields;
}

}  // namespace

bool is_form_type(std::string_view content_type) {
  const std::string_view type = media_type(content_type);
  return equal_ignoring_case(type, kMultipart) || equal_ignoring_case(type, kUrlEncoded);
}

Result<FormFields> read_form(std::string_view content_type, std::string_view body) {
  const std::string_view type = media_type(content_type);
  if (equal_ignoring_case(type, kMultipart)) return read_multipart(content_type, body);
  if (equal_ignoring_case(type, kUrlEncoded)) return read_url_encoded(body);
  return FormFields();
}

}  // namespace assay::mcp
