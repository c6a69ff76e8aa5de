// SPDX-License-Identifier: Apache-2.0
// The artifact cache looked at from outside, for the operator: also while a server uses it. A file
// is there whole or not at all, and a server that misses one builds it again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "schemas/result.h"

namespace assay::engine {

struct CachedArtifact {
  std::string key;
  std::int64_t bytes = 0;
  double last_used = 0;  // seconds since the epoch
  bool sound = false;    // its hash fits; what follows is empty otherwise
  std::string kernel_name, tool, architecture;
  double compile_seconds = 0;
};

// Every stored artifact, the last used first; a folder that is not there has none. Reads all of
// them. Error: internal where the folder cannot be read.
schemas::Result<std::vector<CachedArtifact>> list_cache(const std::string& directory);

// Removes those artifacts; how many were there.
std::int64_t remove_from_cache(const std::string& directory,
                               const std::vector<CachedArtifact>& artifacts);

}  // namespace assay::engine
