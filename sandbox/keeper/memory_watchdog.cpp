// SPDX-License-Identifier: Apache-2.0
#include "sandbox/keeper/memory_watchdog.h"

#include <algorithm>
#include <utility>

#include <sys/statvfs.h>

#include "sandbox/process_table.h"

namespace assay::sandbox {
namespace {

constexpr unsigned kMemfdEvery = 10;  // looks: listing every descriptor of the tree costs more
// Processes that start or end during a page walk shift their shares to others that are counted
// later.
constexpr int kConfirmations = 3;

std::uint64_t tmpfs_bytes(const UniqueFd& directory) {
  struct statvfs status {};
  if (!directory || ::fstatvfs(directory.get(), &status) != 0) return 0;
  return (status.f_blocks - status.f_bfree) * status.f_bsize;
}

std::uint64_t beyond(std::uint64_t value, std::uint64_t baseline) {
  return value > baseline ? value - baseline : 0;
}

}  // namespace

MemoryWatchdog::MemoryWatchdog(std::uint64_t limit_bytes, pid_t root, UniqueFd proc, UniqueFd tmp,
                               UniqueFd shm)
    : limit_bytes_(limit_bytes),
      root_(root),
      proc_(std::move(proc)),
      tmp_(std::move(tmp)),
      shm_(std::move(shm)) {}

void MemoryWatchdog::set_baseline() {
  if (!watching()) return;
  baseline_ = measure(false, false);
  proportional_baseline_ = measure(true, false);
}

bool MemoryWatchdog::over() {
  if (!watching()) return false;
  charge_ = beyond(measure(false, looks_++ % kMemfdEvery == 0), baseline_);
  for (int again = 0; charge_ > limit_bytes_ && again < kConfirmations; ++again)
    charge_ = std::min(charge_, beyond(measure(true, true), proportional_baseline_));
  peak_ = std::max(peak_, charge_);
  return charge_ > limit_bytes_;
}

std::uint64_t MemoryWatchdog::measure(bool proportional, bool with_memfds) const {
  std::vector<pid_t> pids = proc_ ? list_processes(proc_.get()) : descendants_of(root_);
  if (!proc_) pids.push_back(root_);
  ProcessMemory sum;
  for (const pid_t pid : pids) {
    auto memory = proportional ? read_proportional_memory(proc_.get(), pid) : std::nullopt;
    if (!memory) memory = read_memory(proc_.get(), pid);
    if (!memory) continue;
    sum.anonymous += memory->anonymous;
    sum.shared += memory->shared;
  }
  const std::uint64_t files =
      tmpfs_bytes(tmp_) + tmpfs_bytes(shm_) + (with_memfds ? memfd_bytes(proc_.get(), pids) : 0);
  return sum.anonymous + std::max(sum.shared, files);
}

}  // namespace assay::sandbox
