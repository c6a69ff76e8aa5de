// SPDX-License-Identifier: Apache-2.0
// Text of protocols: ASCII whatever the locale says.
#pragma once

#include <string>
#include <string_view>

namespace assay::mcp {

std::string lower_case(std::string_view text);
std::string_view trimmed(std::string_view text);  // without spaces and tabs at its ends
bool is_token(std::string_view text);             // a name of HTTP: of a header, of a method
int hex_digit(char character);                    // 0 to 15; -1: none

}  // namespace assay::mcp
