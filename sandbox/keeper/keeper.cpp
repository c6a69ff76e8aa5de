// SPDX-License-Identifier: Apache-2.0
#include "sandbox/keeper/keeper.h"

#include "sandbox/keeper/watch.h"

namespace assay::sandbox {
namespace {

constexpr std::int32_t kMaxTarget = 255;

}  // namespace

void keep(Job job, Channel owner) {
  auto watch = std::make_unique<Watch>(std::move(job), std::move(owner));
  // Only the target comes back. Its copy of the keeper's handles names descriptors that are someone
  // else's by now.
  if (watch->run()) (void)watch.release();
}

std::optional<std::vector<GrantedFd>> pair_descriptors(std::vector<UniqueFd> descriptors,
                                                       const std::vector<std::int32_t>& targets) {
  if (descriptors.size() != targets.size()) return std::nullopt;
  std::vector<GrantedFd> grants;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (targets[i] < 0 || targets[i] > kMaxTarget) return std::nullopt;
    for (std::size_t other = 0; other < i; ++other)
      if (targets[other] == targets[i]) return std::nullopt;
    grants.push_back({std::move(descriptors[i]), targets[i]});
  }
  return grants;
}

}  // namespace assay::sandbox
