// SPDX-License-Identifier: Apache-2.0
#include "engine/toolchain.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include <sys/stat.h>

#include "engine/artifact_cache.h"
#include "schemas/json_reader.h"

namespace assay::engine {

namespace {

// Raised when the meaning of a stored artifact changes.
constexpr const char* kArtifactVersion = "artifact 3";

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

// Our own modules in their order, and what they run: torch (its version file is written at its
// build), nvcc and g++.
std::vector<std::string> python_parts(const Installation& installation) {
  namespace fs = std::filesystem;
  std::vector<std::string> parts = {installation.python,
                                    file_stamp(installation.cuda_directory + "/bin/nvcc"),
                                    file_stamp("/usr/bin/g++")};
  std::error_code error;
  std::vector<std::string> files;
  std::vector<std::string> stamps;
  for (const auto& entry : fs::recursive_directory_iterator(installation.python_modules, error)) {
    const std::string extension = entry.path().extension().string();
    if (!entry.is_regular_file(error) || extension == ".pyc") continue;
    // The caller of split extensions and the header they are compiled over: too large to read.
    // All else is text: modules, and headers, some without an extension as the standard's are.
    if (extension == ".so" || extension == ".gch")
      stamps.push_back(file_stamp(entry.path().string()));
    else
      files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  std::sort(stamps.begin(), stamps.end());
  parts.insert(parts.end(), stamps.begin(), stamps.end());
  for (const std::string& file : files) {
    parts.push_back(file.substr(installation.python_modules.size()));
    parts.push_back(file_bytes(file));
  }
  const fs::path libraries = fs::path(installation.python).parent_path().parent_path() / "lib";
  for (const auto& entry : fs::directory_iterator(libraries, error)) {
    for (const char* packages : {"site-packages", "dist-packages"}) {
      const fs::path version = entry.path() / packages / "torch" / "version.py";
      if (fs::exists(version, error)) parts.push_back(file_bytes(version.string()));
    }
  }
  return parts;
}

// Triton's version is in its first file. It lies where the chosen Python finds its packages.
void add_triton(const std::string& python, std::vector<std::string>& parts) {
  namespace fs = std::filesystem;
  std::error_code error;
  parts.push_back(file_stamp(python));
  const fs::path prefix = fs::path(python).parent_path().parent_path();
  std::vector<std::string> paths;
  for (const auto& library : fs::directory_iterator(prefix / "lib", error))
    for (const char* packages : {"site-packages", "dist-packages"})
      paths.push_back((library.path() / packages / "triton" / "__init__.py").string());
  std::sort(paths.begin(), paths.end());
  for (const std::string& path : paths)
    if (fs::exists(path, error)) parts.push_back(file_stamp(path) + "\n" + file_bytes(path));
}

// Constants are compiled in, other scalars chosen from by their value; a tensor counts by its type.
schemas::Json specialization(const schemas::Kernel& kernel) {
  schemas::Json json = schemas::Json::array();
  if (!kernel.io) return json;
  for (const schemas::ArgSpec& argument : kernel.io->args)
    json.push_back({{"name", argument.name},
                    {"type", static_cast<int>(argument.type)},
                    {"role", static_cast<int>(argument.role)},
                    {"meta", argument.is_meta},
                    {"value", schemas::to_json(argument.value)},
                    {"dtype", argument.tensor ? schemas::dtype_name(argument.tensor->dtype) : ""}});
  if (const auto& launch = kernel.io->launch)
    json.push_back({{"grid", launch->grid.has_value()},
                    {"num_warps", launch->num_warps.value_or(0)},
                    {"num_stages", launch->num_stages.value_or(0)}});
  return json;
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
  nvcc_identity_ = content_key(
      {file_stamp(installation.nvcc()), file_stamp("/usr/bin/gcc")});  // its preprocessor
  auto python = python_parts(installation);
  add_triton(installation.python, python);
  python_identity_ = content_key({python.begin(), python.end()});
}

std::string Toolchain::artifact_key(const schemas::Kernel& kernel,
                                    const std::string& architecture) const {
  const schemas::KernelMetadata& metadata = kernel.metadata;
  if (kernel.type == schemas::KernelType::triton) {
    schemas::Kernel named;  // whose source and contract count by themselves
    named.metadata = metadata;
    return content_key({python_identity_, schemas::kernel_type_name(kernel.type), architecture,
                        kernel.source_code, schemas::dump_json(schemas::to_json(named)),
                        schemas::dump_json(specialization(kernel))});
  }
  schemas::Json options = metadata.compiler_options;
  const bool by_python = kernel.type != schemas::KernelType::cuda;
  const bool by_nvcc = metadata.backend == schemas::CudaBackend::nvcc;
  return content_key({identity_,
                      by_python ? python_identity_
                      : by_nvcc ? nvcc_identity_
                                : "",
                      schemas::kernel_type_name(kernel.type), architecture, kernel.source_code,
                      metadata.kernel_name.value_or(""), metadata.kernel_name ? "named" : "unnamed",
                      schemas::dump_json(options)});
}

}  // namespace assay::engine
