// SPDX-License-Identifier: Apache-2.0
// The fields of an HTML form, as a browser or curl sends them: multipart/form-data and
// application/x-www-form-urlencoded. Input is hostile; time and memory are linear in it.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "schemas/result.h"

namespace assay::mcp {

inline constexpr std::size_t kMaxFormFields = 64;
inline constexpr std::size_t kMaxPartHeaderBytes = std::size_t{16} << 10;
inline constexpr std::size_t kMaxBoundaryBytes = 70;  // RFC 2046, 5.1.1

using FormFields = std::map<std::string, std::string>;  // of a name sent twice, the last value

// Whether the type, a Content-Type's value, is one of the two.
bool is_form_type(std::string_view content_type);

// Error: malformed_call. A type that is no form's has no fields.
schemas::Result<FormFields> read_form(std::string_view content_type, std::string_view body);

}  // namespace assay::mcp
