// SPDX-License-Identifier: Apache-2.0
#include "engine/failure.h"

#include <algorithm>

namespace assay::engine {

using schemas::ErrorCode;
using schemas::Evaluation;
using schemas::VerdictCode;

namespace {

Evaluation known(const JobRecord& record) {
  Evaluation evaluation;
  const schemas::Kernel& candidate = record.spec.work.candidate;
  evaluation.job_id = record.spec.job_id;
  evaluation.kind = record.spec.work.kind;
  evaluation.kernel_type = candidate.type;
  evaluation.kernel_name = candidate.metadata.kernel_name.value_or("");
  evaluation.verdict.code = VerdictCode::infrastructure_failed;
  evaluation.stages = record.stages;
  evaluation.log_tail = record.log_tail;
  evaluation.warnings = record.spec.work.warnings;
  evaluation.timing.unavailable_reason = "the job did not run to its end";
  // A cuda kernel leaves the compiling stage only once it compiled.
  const bool ran = record.state == schemas::JobState::validating ||
                   record.state == schemas::JobState::profiling ||
                   std::any_of(record.stages.begin(), record.stages.end(), [](const auto& stage) {
                     return stage.name == "validating" || stage.name == "profiling";
                   });
  if (candidate.type == schemas::KernelType::cuda && ran) {
    evaluation.compiled = true;
  }
  return evaluation;
}

}  // namespace

Evaluation interrupted_evaluation(const JobRecord& record) {
  Evaluation evaluation = known(record);
  evaluation.error = record.error;
  evaluation.retryable = true;
  evaluation.verdict.summary =
      "The server ended while this job ran; nothing is said about the kernel.";
  evaluation.verdict.next_step = "Submit it again.";
  return evaluation;
}

Evaluation failed_evaluation(const JobRecord& record, const schemas::Error& error) {
  Evaluation evaluation = known(record);
  evaluation.error = error.message;
  evaluation.retryable = error.retryable;
  if (error.code == ErrorCode::cancelled) {
    evaluation.verdict.summary = "The job was cancelled; nothing is said about the kernel.";
    evaluation.verdict.next_step = "Submit it again if it is still wanted.";
    return evaluation;
  }
  evaluation.verdict.summary = "The server could not evaluate this kernel: " + error.message + ".";
  evaluation.verdict.next_step =
      error.retryable ? "Submit it again; nothing is wrong with the request."
                      : "Change the request or the server's set-up as the error says.";
  return evaluation;
}

JobView view_of_record(const JobRecord& record) {
  JobView view;
  view.job_id = record.spec.job_id;
  view.kind = record.spec.work.kind;
  view.state = record.state;
  view.message = record.message;
  view.created_at = record.created_at;
  view.started_at = record.started_at;
  view.finished_at = record.finished_at;
  view.error = record.error;
  view.stages = record.stages;
  view.log_tail = record.log_tail;
  view.log_bytes = static_cast<std::int64_t>(record.log_tail.size());
  view.compile_log_bytes = static_cast<std::int64_t>(record.compile_log.size());
  view.evaluation = record.evaluation;
  return view;
}

}  // namespace assay::engine
