// SPDX-License-Identifier: Apache-2.0
// MemoryWatchdog: how much memory a tree of processes holds beyond what it had when it was
// confined.
//   charge = anonymous + swapped + max(touched shared memory, tmpfs and memfd contents) - baseline
// Read first from cheap counters, which count a page once per process that maps it; only a charge
// above the limit is checked again page by page. The page walk takes the memory-map lock, and must
// not disturb a run that behaves.
#pragma once

#include <cstdint>

#include <sys/types.h>

#include "sandbox/fd.h"

namespace assay::sandbox {

class MemoryWatchdog {
 public:
  // limit 0: never over. `proc`: the /proc of the PID namespace, or invalid: the descendants of
  // `root` are the tree. `tmp`, `shm`: directories on the tree's own tmpfs, may be invalid.
  MemoryWatchdog() = default;
  MemoryWatchdog(std::uint64_t limit_bytes, pid_t root, UniqueFd proc, UniqueFd tmp, UniqueFd shm);

  void set_baseline();
  // Looks once; true when the tree is over its limit.
  bool over();

  bool watching() const { return limit_bytes_ != 0; }
  std::uint64_t charge_bytes() const { return charge_; }
  std::uint64_t peak_bytes() const { return peak_; }

 private:
  std::uint64_t measure(bool proportional, bool with_memfds) const;

  std::uint64_t limit_bytes_ = 0;
  pid_t root_ = 0;
  UniqueFd proc_, tmp_, shm_;
  std::uint64_t baseline_ = 0, proportional_baseline_ = 0;
  std::uint64_t charge_ = 0, peak_ = 0;
  unsigned looks_ = 0;
};

}  // namespace assay::sandbox
