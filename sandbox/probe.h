// SPDX-License-Identifier: Apache-2.0
// Finds out by doing which layers hold on this machine: confines a child that does nothing.
#pragma once

#include <vector>

#include "sandbox/clock.h"
#include "sandbox/policy.h"
#include "sandbox/spawn.h"
#include "schemas/isolation.h"
#include "schemas/result.h"

namespace assay::sandbox {

// `policy` as it will be used for real processes (limits, uid); the binds that the child needs are
// added. Error: internal when not even an unconfined child could be run.
schemas::Result<std::vector<schemas::LayerReport>> probe_isolation(Spawner& spawner, Policy policy,
                                                                   Deadline deadline);

}  // namespace assay::sandbox
