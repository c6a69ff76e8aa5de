// SPDX-License-Identifier: Apache-2.0
// Capability sets of the calling process, by system call.
#pragma once

namespace assay::sandbox {

bool has_effective_capability(int capability);
// Makes every permitted capability effective again, after a change of uid with PR_SET_KEEPCAPS.
void raise_permitted_capabilities();
// Empties the bounding set as far as we may, then the ambient, effective, permitted and inheritable
// sets. False when an effective or permitted one is left.
bool drop_all_capabilities();

}  // namespace assay::sandbox
