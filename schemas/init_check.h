// SPDX-License-Identifier: Apache-2.0
// Whether values can be made as a contract's init says: what cannot is the caller's mistake, told
// before any kernel runs.
#pragma once

#include <string>

#include "schemas/io_contract.h"

namespace assay::schemas {

// Adds an error, with the path of the parameter and what is allowed, for each that the dtype does
// not hold or that torch refuses. `path` is the init's.
void check_init(const TensorSpec& spec, const std::string& path, Diagnostics& diagnostics);

}  // namespace assay::schemas
