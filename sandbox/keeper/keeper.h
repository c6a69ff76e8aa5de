// SPDX-License-Identifier: Apache-2.0
// The keeper: one process per confined tree. It gives birth to the tree, confines it, drains its
// output, watches its memory and its time, kills it when a limit, its owner or its owner's death
// says so, and reports how it ended once every process of it is dead. Runs as assay-keeper, or as a
// fork of a zygote. Single-threaded.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sandbox/channel.h"
#include "sandbox/confinement.h"
#include "sandbox/policy.h"

namespace assay::sandbox {

struct Job {
  Policy policy;
  std::vector<std::string> arguments;  // empty: the target is a fork that returns
  std::vector<GrantedFd> descriptors;
};

// Turns the calling process into the keeper of `job`. The keeper itself never returns: it ends with
// the tree. Returns only in the target of a job without arguments, confined; then every descriptor
// but the granted ones is closed.
void keep(Job job, Channel owner);

// Descriptors that came with a command, under their targets. Empty when the counts differ or a
// target is absurd.
std::optional<std::vector<GrantedFd>> pair_descriptors(std::vector<UniqueFd> descriptors,
                                                       const std::vector<std::int32_t>& targets);

}  // namespace assay::sandbox
