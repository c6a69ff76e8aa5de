// SPDX-License-Identifier: Apache-2.0
#include "engine/cache_listing.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include <sys/stat.h>

#include "engine/artifact_cache.h"

namespace assay::engine {

namespace fs = std::filesystem;

namespace {

CachedArtifact read_entry(const fs::path& path) {
  CachedArtifact entry;
  entry.key = path.filename().string();
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    return entry;
  }
  entry.bytes = status.st_size;
  entry.last_used = static_cast<double>(status.st_mtim.tv_sec) +
                    static_cast<double>(status.st_mtim.tv_nsec) * 1e-9;
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  if (const auto artifact = decode_artifact(bytes.view())) {
    entry.sound = true;
    entry.kernel_name = artifact->kernel_name;
    entry.tool = artifact->report.tool;
    entry.architecture = artifact->report.architecture;
    entry.compile_seconds = artifact->report.seconds;
  }
  return entry;
}

}  // namespace

schemas::Result<std::vector<CachedArtifact>> list_cache(const std::string& directory) {
  std::vector<CachedArtifact> entries;
  std::error_code error;
  if (!fs::exists(directory, error) && !error) {
    return entries;
  }
  for (fs::recursive_directory_iterator at(directory, error), end; !error && at != end;
       at.increment(error)) {
    std::error_code ignored;
    if (at->is_regular_file(ignored) && at->path().extension() != kUnfinishedSuffix) {
      entries.push_back(read_entry(at->path()));
    }
  }
  if (error) {
    return schemas::Error{schemas::ErrorCode::internal,
                          "cannot read " + directory + ": " + error.message(),
                          false,
                          {}};
  }
  std::sort(entries.begin(), entries.end(),
            [](const auto& left, const auto& right) { return left.last_used > right.last_used; });
  return entries;
}

std::int64_t remove_from_cache(const std::string& directory,
                               const std::vector<CachedArtifact>& artifacts) {
  return std::count_if(artifacts.begin(), artifacts.end(), [&](const CachedArtifact& artifact) {
    std::error_code error;
    return fs::remove(fs::path(directory) / artifact.key.substr(0, 2) / artifact.key, error);
  });
}

}  // namespace assay::engine
