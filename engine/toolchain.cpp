// SPDX-License-Identifier: Apache-2.0
#include "engine/toolchain.h"

#include <fstream>
#include <sstream>
#include <vector>

#include <sys/stat.h>

#include "engine/artifact_cache.h"
#include "schemas/json_reader.h"

namespace assay::engine {

namespace {

// Raised when the meaning of a stored artifact changes.
constexpr const char* kArtifactVersion = "artifact 2";

std::string file_bytes(const std::string& path) {
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return std::move(bytes).str();
}

// Path, size and time stand for files too large to read at every start.
std::string file_stamp(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    return path + " absent";
  }
  return path + " " + std::to_string(status.st_size) + " " + std::to_string(status.st_mtim.tv_sec) +
         "." + std::to_string(status.st_mtim.tv_nsec);
}

}  // namespace

Toolchain::Toolchain(const Installation& installation) {
  std::vector<std::string> parts = {kArtifactVersion, file_bytes(installation.compiler),
                                    file_stamp(installation.nvrtc_library)};
  for (const std::string& directory : installation.include_directories) {
    parts.push_back(file_stamp(directory));
    parts.push_back(file_stamp(directory + "/cuda.h"));
  }
  identity_ = content_key({parts.begin(), parts.end()});
}

std::string Toolchain::artifact_key(const schemas::Kernel& kernel,
                                    const std::string& architecture) const {
  const schemas::KernelMetadata& metadata = kernel.metadata;
  schemas::Json options = metadata.compiler_options;
  return content_key({identity_, schemas::kernel_type_name(kernel.type), architecture,
                      kernel.source_code, metadata.kernel_name.value_or(""),
                      metadata.kernel_name ? "named" : "unnamed", schemas::dump_json(options)});
}

}  // namespace assay::engine
