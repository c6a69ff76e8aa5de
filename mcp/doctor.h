// SPDX-License-Identifier: Apache-2.0
// `assay doctor`: what is installed here, what is missing, and what that means. Starts the workers
// for real, in a folder of its own, because layers and devices are known by doing.
#pragma once

#include "mcp/options.h"

namespace assay::mcp {

// Prints to standard output. 0 when kernels can be evaluated here, else 1.
int doctor(const Options& options);

}  // namespace assay::mcp
