// SPDX-License-Identifier: Apache-2.0
// Policy: everything a keeper must know to confine one process. Plain data.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace assay::sandbox {

enum class ConfineLevel : std::uint8_t {
  trusted,    // L0 only
  untrusted,  // L0 to L4
};

// A path of this machine that the process sees. Missing directories above `target` are made with
// mode 0755, so a private home above the source does not hide it. A symbolic link is repeated as
// such, and what it points to is bound too.
struct BindMount {
  std::string source;  // absolute
  std::string target;  // absolute; empty = same as source
  bool read_only = true;
  bool optional = false;  // absent: leave out, instead of failing the set-up
};

// rlimits, soft = hard, and a share of the processors. 0 leaves each as it is. Never the address
// space: CUDA reserves far more than it uses.
struct ResourceLimits {
  std::uint64_t cpu_seconds = 0;      // per process
  std::uint64_t file_size_bytes = 0;  // of any one file
  std::uint64_t descriptors = 0;
  std::uint64_t tasks = 0;    // processes and threads of the whole tree
  std::int32_t niceness = 0;  // 1 to 19: yields the processors to whoever wants them
};

struct Policy {
  ConfineLevel level = ConfineLevel::untrusted;
  // The uid (and gid) to become when the keeper is root; each process that runs at the same time
  // gets its own (uid_pool.h). 0: none was set aside.
  std::uint32_t outer_uid = 0;
  ResourceLimits limits;
  // Anonymous and shared memory of the tree beyond what it had at its start, its /tmp and /dev/shm
  // included. Memory that others share with it counts once it touches it. 0: not watched.
  std::uint64_t memory_limit_bytes = 0;
  std::chrono::milliseconds wall_limit{0};    // from the start of the target; 0: none
  std::uint64_t output_cap_bytes = 64 << 10;  // kept of stdout and stderr together, head and tail

  // The file tree (untrusted): binds in this order, /proc, /tmp and /dev/shm of its own, and /dev
  // with null, zero, full, random, urandom and these nodes.
  std::vector<BindMount> binds;
  std::vector<std::string> device_nodes;  // absolute paths below /dev; absent ones are left out
  bool shows_proc = true;                 // false: Landlock, where there is one, hides /proc
  std::uint64_t tmp_bytes = 256 << 20;    // size of /tmp
  std::uint64_t shm_bytes = 256 << 20;    // size of /dev/shm
  std::string host_name = "sandbox";
  std::string working_directory = "/";

  std::vector<std::string> environment;  // "NAME=value"; nothing else is inherited
};

// What any dynamically linked program needs of a system: /usr, /lib*, /bin, /sbin, the loader's
// cache and little of /etc, read-only and optional.
std::vector<BindMount> system_binds();

template <typename Archive>
void fields(Archive& archive, BindMount& bind) {
  archive(bind.source, bind.target, bind.read_only, bind.optional);
}
template <typename Archive>
void fields(Archive& archive, ResourceLimits& limits) {
  archive(limits.cpu_seconds, limits.file_size_bytes, limits.descriptors, limits.tasks,
          limits.niceness);
}
template <typename Archive>
void fields(Archive& archive, Policy& policy) {
  archive(policy.level, policy.outer_uid, policy.limits, policy.memory_limit_bytes,
          policy.wall_limit, policy.output_cap_bytes, policy.binds, policy.device_nodes,
          policy.shows_proc, policy.tmp_bytes, policy.shm_bytes, policy.host_name,
          policy.working_directory, policy.environment);
}

}  // namespace assay::sandbox
