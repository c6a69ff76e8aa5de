// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace assay::mcp {

inline constexpr const char* kVersion = ASSAY_VERSION;  // from CMake's project()

}  // namespace assay::mcp
