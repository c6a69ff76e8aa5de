// SPDX-License-Identifier: Apache-2.0
// One job as the executor hands it over (docs/workers.md, "evaluate"). The executor is trusted, but
// a frame that does not fit is answered, not died of.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/judge/runner_client.h"
#include "sandbox/channel.h"
#include "schemas/job.h"
#include "schemas/worker_message.h"

namespace assay::engine::judge {

struct RunnerGrant {
  schemas::RunnerRole role = schemas::RunnerRole::candidate;
  Tier tier = Tier::host;
  std::string kernel_name;                         // device tier: the lowered symbol
  schemas::Json launch = schemas::Json::object();  // the compiler's words to the runner, unread
  bool has_artifact = false;
  sandbox::Channel channel;
  sandbox::UniqueFd pidfd;
  sandbox::UniqueFd artifact;  // what was compiled for it
};

struct JobRequest {
  schemas::JobSpec spec;
  std::vector<RunnerGrant> runners;
  std::int64_t budget_ms = 0;

  RunnerGrant* find(schemas::RunnerRole role);
};

// Takes the frame's descriptors. Error: protocol_violation.
schemas::Result<JobRequest> read_job_request(const schemas::Json& message,
                                             std::vector<sandbox::UniqueFd> descriptors);

}  // namespace assay::engine::judge
