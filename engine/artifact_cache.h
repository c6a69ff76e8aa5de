// SPDX-License-Identifier: Apache-2.0
// Compiled artifacts on disk, found by what went into them. Only the front writes here; compilers
// hand their output over by descriptor. A file appears whole or not at all (written aside, synced,
// renamed) and carries the SHA-256 of its content: what does not verify is dropped and built again.
// Thread-safe; one process per directory (the job table's lock sees to that).
//
// File <directory>/<first two hex digits>/<key>:
//   "assay artifact 2\n" | 64 hex digits: SHA-256 of all that follows | "\n" | u32 length of JSON |
//   JSON | blob
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

#include "engine/executor.h"
#include "schemas/evaluation.h"
#include "schemas/result.h"

namespace assay::engine {

inline constexpr std::int64_t kMaxCacheBytes = std::int64_t{4} << 30;
inline constexpr std::size_t kMaxArtifactBytes = std::size_t{256} << 20;

// Hex SHA-256 over the parts; each is preceded by its length, so that no two lists of parts
// collide.
std::string content_key(const std::vector<std::string_view>& parts);

// Where an artifact is run: by our own C++, or by the Python runner.
enum class RunnerTier { host, device };

struct Artifact {
  std::string kernel_name;  // device tier: the lowered symbol to launch
  RunnerTier tier = RunnerTier::device;
  // What the runner must know of it beside the contract, as the compiler says it; the runner reads
  // it.
  schemas::Json launch = schemas::Json::object();
  schemas::CompileReport report;
  bool needs_gpu = true;  // false: a machine without a GPU can run it
  std::string binary;     // device tier: a cubin; host tier: what `launch` describes
};

// What one build yielded: an artifact, or why there is none.
struct BuildResult {
  std::optional<Artifact> artifact;
  std::string failure;            // for the one who submitted the kernel
  schemas::CompileReport report;  // with the log; also of failures
  std::optional<schemas::ProcessEnd> process_end;
  bool timed_out = false;  // the builder's own budget ran out: says nothing to others
};

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

 private:
  ArtifactCache(std::string directory, std::int64_t max_bytes);
  std::string path_of(const std::string& key) const;
  void make_room(std::int64_t bytes);  // removes the longest unused files
  void count_bytes();

  struct Building;
  const std::string directory_;
  const std::int64_t max_bytes_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::shared_ptr<Building>> building_;
  std::int64_t stored_bytes_ = 0;
};

}  // namespace assay::engine
