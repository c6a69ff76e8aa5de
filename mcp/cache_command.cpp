// SPDX-License-Identifier: Apache-2.0
#include "mcp/cache_command.h"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "engine/cache_listing.h"
#include "mcp/start_engine.h"
#include "tools/job_document.h"

namespace assay::mcp {
namespace {

using engine::CachedArtifact;
using Artifacts = std::vector<CachedArtifact>;

constexpr std::size_t kShownKeyDigits = 12;
constexpr std::size_t kShownNameBytes = 60;

double mebibytes(std::int64_t bytes) {
  return static_cast<double>(bytes) / (1 << 20);
}

std::int64_t total_bytes(const Artifacts& artifacts) {
  std::int64_t bytes = 0;
  for (const CachedArtifact& artifact : artifacts) bytes += artifact.bytes;
  return bytes;
}

void print(const CachedArtifact& artifact) {
  const std::string key = artifact.key.substr(0, kShownKeyDigits);
  if (!artifact.sound) {
    fmt::print("{:<12}  {:>10}  does not verify\n", key, artifact.bytes);
    return;
  }
  fmt::print("{:<12}  {:>10}  {}  {:<8} {:>7.2f} s  {:<18} {}\n", key, artifact.bytes,
             tools::utc_time(artifact.last_used), artifact.architecture, artifact.compile_seconds,
             artifact.tool, artifact.kernel_name.substr(0, kShownNameBytes));
}

int list(const Artifacts& artifacts) {
  for (const CachedArtifact& artifact : artifacts) print(artifact);
  fmt::print("{} artifacts, {:.1f} MiB\n", artifacts.size(), mebibytes(total_bytes(artifacts)));
  return 0;
}

int clear(const std::string& directory, const Artifacts& artifacts) {
  const std::int64_t removed = engine::remove_from_cache(directory, artifacts);
  fmt::print("{} artifacts removed, {:.1f} MiB\n", removed, mebibytes(total_bytes(artifacts)));
  return removed == static_cast<std::int64_t>(artifacts.size()) ? 0 : 1;
}

// What does not verify would be built again anyway; it is removed.
int verify(const std::string& directory, const Artifacts& artifacts) {
  Artifacts broken;
  std::copy_if(artifacts.begin(), artifacts.end(), std::back_inserter(broken),
               [](const CachedArtifact& artifact) { return !artifact.sound; });
  for (const CachedArtifact& artifact : broken) print(artifact);
  const std::int64_t removed = engine::remove_from_cache(directory, broken);
  fmt::print("{} of {} artifacts verify; {} removed\n", artifacts.size() - broken.size(),
             artifacts.size(), removed);
  return broken.empty() ? 0 : 1;
}

}  // namespace

int cache_command(const Options& options) {
  const std::string directory = cache_directory(options);
  const auto artifacts = engine::list_cache(directory);
  if (!artifacts.ok()) {
    fmt::print(stderr, "assay: {}\n", artifacts.error().message);
    return 1;
  }
  switch (options.cache_action) {
    case CacheAction::list: return list(*artifacts);
    case CacheAction::clear: return clear(directory, *artifacts);
    case CacheAction::verify: return verify(directory, *artifacts);
  }
  return 1;
}

}  // namespace assay::mcp
