// SPDX-License-Identifier: Apache-2.0
#include "engine/installation.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <unistd.h>

#include "engine/installation_paths.h"

namespace assay::engine {

namespace fs = std::filesystem;
using schemas::Error;
using schemas::ErrorCode;

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool executable(const fs::path& path) {
  return ::access(path.c_str(), X_OK) == 0;
}

// The first folder of a few that holds bin/assay-keeper.
std::string find_home() {
  std::error_code error;
  std::vector<fs::path> candidates;
  if (const std::string home = environment("ASSAY_HOME"); !home.empty()) {
    candidates.emplace_back(home);
  } else {
    candidates.push_back(fs::read_symlink("/proc/self/exe", error).parent_path().parent_path());
    candidates.emplace_back(kBuiltHome);
  }
  for (const fs::path& candidate : candidates) {
    if (executable(candidate / "bin" / "assay-keeper")) {
      return fs::absolute(candidate, error).lexically_normal().string();
    }
  }
  return {};
}

std::string find_nvrtc(const fs::path& cuda) {
  for (const char* folder : {"lib", "lib64", "targets/x86_64-linux/lib"}) {
    std::vector<std::string> found;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(cuda / folder, error)) {
      if (entry.path().filename().string().starts_with("libnvrtc.so")) {
        found.push_back(entry.path().string());
      }
    }
    if (!found.empty()) {
      return *std::min_element(found.begin(), found.end());
    }
  }
  return {};
}

Error missing(const std::string& what, const std::string& remedy) {
  return {ErrorCode::internal, what + " not found: " + remedy, false, {}};
}

}  // namespace

std::string Installation::nvcc() const {
  return cuda_directory.empty() ? "" : cuda_directory + "/bin/nvcc";
}

schemas::Result<Installation> Installation::find() {
  Installation found;
  found.home = find_home();
  if (found.home.empty()) {
    return missing("bin/assay-keeper",
                   "build everything ('./dev build') or set ASSAY_HOME to the folder above bin/");
  }
  const fs::path bin = fs::path(found.home) / "bin";
  found.keeper = (bin / "assay-keeper").string();
  found.judge = (bin / "assay-judge").string();
  found.runner = (bin / "assay-runner").string();
  found.compiler = (bin / "assay-compiler").string();
  for (const std::string& binary : {found.judge, found.runner, found.compiler}) {
    if (!executable(binary)) {
      return missing(binary, "build everything ('./dev build')");
    }
  }
  found.python = environment("ASSAY_PYTHON");
  if (found.python.empty()) {
    found.python = kBuiltPython;
  }
  if (!executable(found.python)) {
    return missing("Python " + found.python,
                   "set ASSAY_PYTHON to a Python that has torch, or run './dev build'");
  }
  found.python_modules = (fs::path(found.home) / "python").string();
  found.zygote_script = found.python_modules + "/assay_runner/zygote.py";
  if (!fs::exists(found.zygote_script)) {
    return missing(found.zygote_script, "build everything ('./dev build')");
  }
  for (const std::string& named : {std::string(kBuiltCudaDirectory), environment("CUDA_HOME"),
                                   std::string("/usr/local/cuda")}) {
    // /usr/local/cuda is often a link by way of /etc, which compilers do not see.
    std::error_code unresolved;
    const std::string place = fs::canonical(named, unresolved).string();
    if (!unresolved && !find_nvrtc(place).empty()) {
      found.cuda_directory = place;
      found.nvrtc_library = find_nvrtc(place);
      for (const char* folder : {"include", "include/cccl"}) {
        if (fs::exists(fs::path(place) / folder)) {
          found.include_directories.push_back((fs::path(place) / folder).string());
        }
      }
      break;
    }
  }
  return found;
}

}  // namespace assay::engine
