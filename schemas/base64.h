// SPDX-License-Identifier: Apache-2.0
// Base64 as RFC 4648 has it.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace assay::schemas {

// Padded or not; line breaks are skipped. Nothing when the text is not base64.
std::optional<std::vector<std::byte>> decode_base64(std::string_view text);

}  // namespace assay::schemas
