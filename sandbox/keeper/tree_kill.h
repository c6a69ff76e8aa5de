// SPDX-License-Identifier: Apache-2.0
// Killing a whole tree of processes and knowing that it is dead.
#pragma once

#include <cstdint>

#include <sys/types.h>

namespace assay::sandbox {

// For a keeper that is the subreaper of its tree: kills every descendant until no child is left,
// whatever session or parent they gave themselves. `own_uid` != 0: nothing else runs as it, so
// everything that does is killed too. Returns once all are reaped.
void kill_descendants(std::uint32_t own_uid);

// For the owner of a tree whose keeper was killed and that had no PID namespace to die with: kills
// what runs as the tree's own uid, all at once where we may become it, until repeated looks at
// /proc find nothing. Gives up after a bounded number of them.
void sweep_uid(std::uint32_t own_uid);

}  // namespace assay::sandbox
