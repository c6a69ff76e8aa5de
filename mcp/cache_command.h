// SPDX-License-Identifier: Apache-2.0
// `assay cache`: the compiled kernels of a data directory, with or without a server running on it.
#pragma once

#include "mcp/options.h"

namespace assay::mcp {

// Prints to standard output; the exit status: 1 where something did not verify or could not be
// read.
int cache_command(const Options& options);

}  // namespace assay::mcp
