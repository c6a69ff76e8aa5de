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
  if (!job.evaluation) {
    outcome.standing = Standing::failed;
    outcome.document = ended_without_result(job);
    return outcome;
  }
  outcome.standing = has_verdict(job) ? standing_of(*job.evaluation) : Standing::failed;
  outcome.document = evaluation_document(*job.evaluation);
  if (outcome.standing == Standing::failed) outcome.document.update(ended_without_verdict(job));
  outcome.gpu_name = gpu_name(*job.evaluation);
  return outcome;
}

schemas::Result<Outcome> run_work(engine::Engine& engine, JobJoin& join, schemas::WorkRequest work,
                                  const CallContext& context) {
  std::optional<std::chrono::milliseconds> patience;
  if (!context.wait_for_verdict) patience = std::chrono::seconds(work.wait_seconds);
  if (context.run_timeout_seconds) work.run_timeout_seconds = context.run_timeout_seconds;
  auto waiter = join.enter(std::move(work));
  if (!waiter.ok()) return waiter.error();
  auto job = wait_for_job(engine, waiter->job_id(), patience, context);
  if (!job.ok()) return job.error();
  waiter->served(*job);
  Outcome outcome = outcome_of(*job);
  if (waiter->joined()) mark_joined(outcome.document, *job);
  return outcome;
}

}  // namespace assay::tools
