// SPDX-License-Identifier: Apache-2.0
// The descriptor table of the calling process.
#pragma once

#include <vector>

namespace assay::sandbox {

// Closes every descriptor but those in `keep` (any order). False when the kernel gave us no way to
// see them all.
bool close_all_except(std::vector<int> keep);

}  // namespace assay::sandbox
