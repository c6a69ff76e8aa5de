// SPDX-License-Identifier: Apache-2.0
// Reading /proc: who exists, whose child it is, what memory it holds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace assay::sandbox {

// Every process that a /proc shows. `proc_fd` is an open directory; -1 for our own /proc.
std::vector<pid_t> list_processes(int proc_fd);
// Children of `root` and their children, as our own /proc shows them; `root` not included.
std::vector<pid_t> descendants_of(pid_t root);
// Processes with this effective uid that are not zombies.
std::vector<pid_t> processes_of_uid(uid_t uid);
// Threads of all processes with this effective uid, as far as our own /proc shows them.
std::uint64_t count_tasks_of_uid(uid_t uid);

// Bytes held by one process.
struct ProcessMemory {
  std::uint64_t anonymous = 0;  // private pages, swapped ones included
  std::uint64_t shared = 0;     // shared memory that it touched (memfd, tmpfs mapping, MAP_SHARED)
};
// From the kernel's per-process counters: cheap (20 us), takes no lock, counts a page in every
// process that maps it.
std::optional<ProcessMemory> read_memory(int proc_fd, pid_t pid);
// By walking the page tables: slow, but a page shared by n processes counts 1/n in each.
std::optional<ProcessMemory> read_proportional_memory(int proc_fd, pid_t pid);

// Bytes in memfds that these processes hold open, each counted once; those of other uids than the
// process's are left out, since someone else made them.
std::uint64_t memfd_bytes(int proc_fd, const std::vector<pid_t>& pids);

// Times the host's out-of-memory killer has struck since boot; 0 when unknown.
std::uint64_t host_out_of_memory_kills();

}  // namespace assay::sandbox
