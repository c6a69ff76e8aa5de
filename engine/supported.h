// SPDX-License-Identifier: Apache-2.0
// Which kernels this version can take on.
#pragma once

#include "schemas/requests.h"
#include "schemas/result.h"

namespace assay::engine {

// Error: malformed_call naming the field, the type or backend and what is supported now.
schemas::Status check_supported(const schemas::WorkRequest& work);

}  // namespace assay::engine
