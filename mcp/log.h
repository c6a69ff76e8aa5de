// SPDX-License-Identifier: Apache-2.0
// The log: lines on standard error, never on standard output.
#pragma once

#include <string>

namespace assay::mcp {

// Call once, before any thread. `level` as in Options.
void start_log(const std::string& level);

}  // namespace assay::mcp
