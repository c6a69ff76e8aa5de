// SPDX-License-Identifier: Apache-2.0
// Maps ids of a child's new user namespace to themselves. Written from outside, where the right to
// do so is.
#pragma once

#include <sys/types.h>

#include "sandbox/keeper/messages.h"
#include "schemas/result.h"

namespace assay::sandbox {

schemas::Status write_id_maps(pid_t child, const MapIds& ids);

}  // namespace assay::sandbox
