// SPDX-License-Identifier: Apache-2.0
// How Spawner and ForkServer make a Process out of the owner's end of a keeper channel.
#pragma once

#include "sandbox/channel.h"
#include "sandbox/clock.h"
#include "sandbox/policy.h"
#include "sandbox/process.h"
#include "schemas/result.h"

namespace assay::sandbox {

class ProcessMaker {
 public:
  // Waits for the keeper's word that the target runs. Errors: internal (the set-up failed, with its
  // reason), timed_out.
  static schemas::Result<Process> await_start(Channel keeper, const Policy& policy,
                                              Deadline deadline);
};

// The targets of grants in order. Error: internal when one is absurd or there are too many.
schemas::Result<std::vector<std::int32_t>> targets_of(const std::vector<DescriptorGrant>& grants,
                                                      std::size_t max_grants);

}  // namespace assay::sandbox
