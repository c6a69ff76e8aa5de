// SPDX-License-Identifier: Apache-2.0
#include "tools/work_call.h"

#include "tools/evaluation_document.h"
#include "tools/job_document.h"
#include "tools/job_wait.h"

namespace assay::tools {

using engine::JobView;

Outcome outcome_of(const JobView& job) {
  Outcome outcome;
  if (!schemas::is_terminal(job.state)) {
    outcome.standing = Standing::pending;
    outcome.document = job_handle(job);
    return outcome;
  }
  const bool has_verdict =
      job.state == schemas::JobState::completed || job.state == schemas::JobState::failed;
  if (!job.evaluation || !has_verdict) {
    outcome.standing = Standing::failed;
    outcome.document = ended_without_result(job);
    if (job.evaluation)
      outcome.document["kernel_exec_result"] =
          schemas::to_json(*job.evaluation)["kernel_exec_result"];
    return outcome;
  }
  outcome.standing = standing_of(*job.evaluation);
  outcome.document = evaluation_document(*job.evaluation);
  if (job.evaluation->device) outcome.device_name = job.evaluation->device->name;
  return outcome;
}

schemas::Result<Outcome> run_work(engine::Engine& engine, schemas::WorkRequest work,
                                  const CallContext& context) {
  WaitPolicy policy;
  policy.cancels_job = true;
  if (!context.wait_for_verdict) policy.patience = std::chrono::seconds(work.wait_seconds);
  auto job_id = engine.submit(std::move(work));
  if (!job_id.ok()) return job_id.error();
  auto job = wait_for_job(engine, *job_id, policy, context);
  if (!job.ok()) return job.error();
  return outcome_of(*job);
}

}  // namespace assay::tools
