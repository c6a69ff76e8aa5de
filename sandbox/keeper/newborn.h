// SPDX-License-Identifier: Apache-2.0
// The other side of a keeper's fork: the process that confines itself and becomes the target. In a
// new PID namespace it is its init and forks the target; elsewhere it is the target.
#pragma once

#include <signal.h>
#include <string>
#include <vector>

#include "sandbox/channel.h"
#include "sandbox/confinement.h"
#include "sandbox/fd.h"
#include "sandbox/policy.h"

namespace assay::sandbox {

// What the init of a PID namespace writes to its keeper when the target has ended.
struct TargetEnd {
  int status = 0;          // as waitpid gives it
  double cpu_seconds = 0;  // user and system
};

struct Newborn {
  const Policy& policy;
  const std::vector<std::string>& arguments;  // empty: no exec, return to the caller
  std::vector<GrantedFd> descriptors;
  std::uint32_t uid = 0, gid = 0;  // effective ones of the keeper
  bool privileged = false;
  bool in_user_namespace = false;  // how it was born
  bool in_pid_namespace = false;
  Refusals refusals;
  Channel link;            // to the keeper, until the target runs
  UniqueFd end_pipe;       // init writes one TargetEnd
  sigset_t signal_mask{};  // of the target
};

// Returns only in a target without arguments, confined, with nothing open but what was granted.
void become_target(Newborn newborn);

}  // namespace assay::sandbox
