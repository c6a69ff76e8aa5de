// SPDX-License-Identifier: Apache-2.0
// Refuses contracts whose tensors cannot fit any device that is configured: a malformed call, not a
// bad kernel.
#pragma once

#include <vector>

#include "schemas/device.h"
#include "schemas/requests.h"
#include "schemas/result.h"

namespace assay::engine {

// Error: malformed_call naming the largest tensor's field, the bytes its contract needs and those
// of the largest device. Succeeds when no device is known yet.
schemas::Status check_memory(const schemas::WorkRequest& work,
                             const std::vector<schemas::DeviceInfo>& devices);

}  // namespace assay::engine
