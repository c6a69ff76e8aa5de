// SPDX-License-Identifier: Apache-2.0
// Registers, spills, shared memory and stack of each kernel, out of what ptxas prints with -v. What
// it did not print stays absent.
#pragma once

#include <string>
#include <vector>

#include "schemas/evaluation.h"

namespace assay::engine {

// One entry per "Compiling entry function"; kernel_name is the symbol.
std::vector<schemas::KernelResources> read_resource_usage(const std::string& log);

}  // namespace assay::engine
