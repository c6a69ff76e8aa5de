// SPDX-License-Identifier: Apache-2.0
// The folder of one server: its job table and its cache, which no other process may use meanwhile.
#pragma once

#include <string>

#include "schemas/result.h"

namespace assay::mcp {

// Several stdio servers of one user find a folder each, up to this many.
inline constexpr int kMostDataDirectories = 64;

// Held as long as this lives; the system lets go of it when the process dies.
class DataDirectory {
 public:
  // Makes the folder, readable by us alone. Error: internal when it cannot be made or is in use.
  static schemas::Result<DataDirectory> hold(const std::string& path);
  // The first of `path`, `path`-2, `path`-3 … that is not in use.
  static schemas::Result<DataDirectory> hold_first_free(const std::string& path);

  DataDirectory(DataDirectory&& other) noexcept;
  DataDirectory& operator=(DataDirectory&&) = delete;
  ~DataDirectory();

  const std::string& path() const { return path_; }

 private:
  DataDirectory(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  std::string path_;
  int lock_;
};

}  // namespace assay::mcp
