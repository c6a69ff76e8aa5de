// SPDX-License-Identifier: Apache-2.0
#include "mcp/data_directory.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>
#include <utility>

#include <sys/file.h>
#include <sys/stat.h>

namespace assay::mcp {
namespace {

using schemas::Error;
using schemas::ErrorCode;
using schemas::Result;

Error unusable(const std::string& path, const std::string& why) {
  return {ErrorCode::internal, "the data directory " + path + " " + why, false, {}};
}

// The lock's descriptor, -1 when another process has it.
Result<int> lock(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  if (::mkdir(path.c_str(), 0700) != 0 && !std::filesystem::is_directory(path, error))
    return unusable(path, "cannot be made");
  const int file = ::open((path + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return unusable(path, std::string("cannot be written: ") + std::strerror(errno));
  if (::flock(file, LOCK_EX | LOCK_NB) == 0) return file;
  const int reason = errno;
  ::close(file);
  if (reason == EWOULDBLOCK) return -1;
  return unusable(path, std::string("cannot be locked: ") + std::strerror(reason));
}

}  // namespace

Result<DataDirectory> DataDirectory::hold(const std::string& path) {
  const auto file = lock(path);
  if (!file.ok()) return file.error();
  if (*file < 0)
    return unusable(path,
                    "is in use by another server: stop that one, or give this one another "
                    "--data-dir");
  return DataDirectory(path, *file);
}

Result<DataDirectory> DataDirectory::hold_first_free(const std::string& path) {
  for (int number = 1; number <= kMostDataDirectories; ++number) {
    std::string numbered = number == 1 ? path : path + "-" + std::to_string(number);
    const auto file = lock(numbered);
    if (!file.ok()) return file.error();
    if (*file >= 0) return DataDirectory(std::move(numbered), *file);
  }
  return unusable(path, "and " + std::to_string(kMostDataDirectories - 1) +
                            " beside it are in use by other servers");
}

DataDirectory::DataDirectory(DataDirectory&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

DataDirectory::~DataDirectory() {
  if (lock_ >= 0) ::close(lock_);
}

}  // namespace assay::mcp
