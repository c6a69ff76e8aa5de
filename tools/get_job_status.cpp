// SPDX-License-Identifier: Apache-2.0
#include "engine/log_page.h"
#include "schemas/requests.h"
#include "schemas/tool_schemas.h"
#include "tools/all_tools.h"
#include "tools/evaluation_document.h"
#include "tools/job_document.h"
#include "tools/job_wait.h"

namespace assay::tools {
namespace {

constexpr const char* kStatusDescription =
    "Says how far a job is, and hands over its result once it is done: the way to fetch the answer "
    "of a call that "
    "returned {status: \"running\", job_id}, or whose answer was lost.\n"
    "Use it with the job_id of evaluate_kernel, compare_kernels or validate_kernel; with "
    "wait_seconds it waits for "
    "the end instead of making you poll. Costs nothing and starts nothing.\n"
    "Returns summary, status (submitted, compiling, validating, profiling, completed, failed, "
    "cancelled, "
    "interrupted), created_at, stages with seconds, queue_position, progress, error, and result: "
    "the whole answer "
    "when the job is done, else null with poll_after_ms and next. With section \"compile_log\" or "
    "\"samples\": text, a page of all that the compilers said or of every timed sample, and "
    "next_cursor for the next one. Finished jobs "
    "are kept for an "
    "hour; after that the "
    "id is unknown and the request has to be sent again.";

schemas::Result<engine::LogPage> page_at(engine::Engine& engine, const engine::JobView& job,
                                         const schemas::JobStatusRequest& request) {
  if (request.section == schemas::JobSection::compile_log)
    return engine.compile_log(request.job_id, request.cursor);
  return engine::page_of(job.evaluation ? samples_text(*job.evaluation) : "", request.cursor);
}

schemas::Result<Outcome> answer_page(engine::Engine& engine,
                                     const schemas::JobStatusRequest& request) {
  const auto job = engine.find(request.job_id);
  if (!job.ok()) return job.error();
  const auto page = page_at(engine, *job, request);
  if (!page.ok()) return page.error();
  Outcome outcome;
  outcome.document = page_document(*job, request.section, *page, request.cursor);
  return outcome;
}

schemas::Result<Outcome> answer_status(engine::Engine& engine, JobJoin& join, const Call& call) {
  auto request = schemas::read_job_status_arguments(call.arguments);
  if (!request.ok()) return request.error();
  if (request->section != schemas::JobSection::status) return answer_page(engine, *request);
  // Who waits, wants the job; a mere look at it is no promise to come back.
  std::optional<JobJoin::Waiter> waiter;
  if (request->wait_seconds > 0) waiter.emplace(join.attend(request->job_id));
  auto job = wait_for_job(engine, request->job_id, std::chrono::seconds(request->wait_seconds),
                          call.context);
  if (!job.ok()) return job.error();
  if (waiter) waiter->served(*job);
  Outcome outcome;
  outcome.document = job_document(*job);
  if (job->evaluation) outcome.gpu_name = gpu_name(*job->evaluation);
  return outcome;
}

}  // namespace

Tool get_job_status_tool(engine::Engine& engine, std::shared_ptr<JobJoin> join) {
  Tool tool;
  tool.name = "get_job_status";
  tool.title = "Status and result of a job";
  tool.description = kStatusDescription;
  tool.input_schema = schemas::get_job_status_input();
  tool.output_schema = schemas::job_status_output();
  tool.may_take_long = true;
  tool.handler = [&engine, join = std::move(join)](const Call& call) {
    return answer_status(engine, *join, call);
  };
  return tool;
}

}  // namespace assay::tools
