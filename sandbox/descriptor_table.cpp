// SPDX-License-Identifier: Apache-2.0
#include "sandbox/descriptor_table.h"

#include <algorithm>
#include <cstdlib>
#include <dirent.h>
#include <limits>
#include <unistd.h>

#include <sys/syscall.h>

namespace assay::sandbox {
namespace {

bool close_range_of(unsigned first, unsigned last) {
  return first > last || ::syscall(SYS_close_range, first, last, 0) == 0;
}

// For kernels without close_range.
bool close_listed_except(const std::vector<int>& keep) {
  DIR* directory = ::opendir("/proc/self/fd");
  if (directory == nullptr) return false;
  std::vector<int> open;
  while (const dirent* entry = ::readdir(directory))
    if (entry->d_name[0] != '.') open.push_back(std::atoi(entry->d_name));
  ::closedir(directory);
  for (const int fd : open)
    if (!std::binary_search(keep.begin(), keep.end(), fd)) ::close(fd);
  return true;
}

}  // namespace

bool close_all_except(std::vector<int> keep) {
  std::sort(keep.begin(), keep.end());
  unsigned next = 0;
  for (const int fd : keep) {
    if (fd < 0) continue;
    const auto number = static_cast<unsigned>(fd);
    if (number > next && !close_range_of(next, number - 1)) return close_listed_except(keep);
    next = number + 1;
  }
  return close_range_of(next, std::numeric_limits<unsigned>::max()) || close_listed_except(keep);
}

}  // namespace assay::sandbox
