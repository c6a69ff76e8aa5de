// SPDX-License-Identifier: Apache-2.0
// Compiled artifacts on disk, found by what went into them. Only the front writes here; compilers
// hand their output over by descriptor. A file appears whole or not at all (written aside, synced,
// renamed) and carries the SHA-256 of its content: what does not verify is dropped and built again.
// Thread-safe; one process per directory (the job table's lock sees to that).
//
// Files: <directory>/<first two hex digits>/<key>, as artifact.h writes them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/artifact.h"
#include "engine/executor.h"
#include "schemas/result.h"

namespace assay::engine {

inline constexpr std::int64_t kMaxCacheBytes = std::int64_t{4} << 30;
inline constexpr std::string_view kUnfinishedSuffix = ".new";  // of a file that is being written

class ArtifactCache {
 public:
  static schemas::Result<std::unique_ptr<ArtifactCache>> open(
      const std::string& directory, std::int64_t max_bytes = kMaxCacheBytes);

  // The stored artifact, else what `build` yields, then stored. Callers with the same key at the
  // same time wait for one build and share its result, unless that was an Error or timed out: then
  // the next of them builds. `report.cache_hit` tells whether this caller was spared a build. Who
  // waits for another's build waits until `deadline`, then its result is `timed_out`.
  using Build = std::function<schemas::Result<BuildResult>()>;
  schemas::Result<BuildResult> find_or_build(const std::string& key, Cancellation& cancellation,
                                             std::chrono::steady_clock::time_point deadline,
                                             const Build& build);

  std::optional<Artifact> load(const std::string& key);  // drops what does not verify
  schemas::Status store(const std::string& key, const Artifact& artifact);
  CacheUse use();

 private:
  ArtifactCache(std::string directory, std::int64_t max_bytes);
  std::string path_of(const std::string& key) const;
  void make_room(std::int64_t bytes);  // removes the longest unused files
  void count_stored();
  void count_hit(double seconds_saved);
  void forget(std::int64_t bytes, std::int64_t CacheUse::*why);  // a file that was removed

  struct Building;
  const std::string directory_;
  const std::int64_t max_bytes_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::shared_ptr<Building>> building_;
  CacheUse use_;
};

}  // namespace assay::engine
