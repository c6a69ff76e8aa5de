// SPDX-License-Identifier: Apache-2.0
#include "tools/job_document.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <optional>

#include <fmt/format.h>

#include "tools/evaluation_document.h"
#include "tools/job_wait.h"

namespace assay::tools {
namespace {

using engine::JobView;
using schemas::JobState;

constexpr std::int64_t kPollRunningMs = 1'000;
constexpr std::int64_t kPollPerQueuePositionMs = 1'000;
constexpr std::int64_t kPollMostMs = 10'000;
constexpr std::int64_t kPollHeldOverMs = 5'000;

std::int64_t poll_after_ms(const JobView& job) {
  if (job.held_over) return kPollHeldOverMs;
  if (job.state != JobState::submitted) return kPollRunningMs;
  return std::clamp(job.queue_position * kPollPerQueuePositionMs, kPollRunningMs, kPollMostMs);
}

std::string next_call(const JobView& job) {
  return fmt::format(
      "{} get_job_status with {{\"job_id\": \"{}\", \"wait_seconds\": {}}}.",
      job.held_over ? "The server is stopping; the job is kept and runs after its next start: then "
                      "call"
                    : "Call",
      job.job_id, kSuggestedWaitSeconds);
}

std::string running_summary(const JobView& job) {
  return fmt::format("Job {} is not finished: {}. {}", job.job_id, progress_message(job),
                     next_call(job));
}

Json time_or_null(const std::optional<double>& seconds) {
  return seconds ? Json(utc_time(*seconds)) : Json();
}

std::string end_text(const JobView& job) {
  if (!job.error.empty()) return job.error;
  if (job.evaluation && !job.evaluation->error.empty()) return job.evaluation->error;
  switch (job.state) {
    case JobState::interrupted: return "the server ended while this job was running";
    case JobState::cancelled: return "the job was cancelled";
    default: return "the job ended without a result";
  }
}

double seconds_since_epoch() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

bool worth_retrying(const JobView& job) {
  if (job.state == JobState::failed && job.evaluation) return job.evaluation->retryable;
  return job.state != JobState::cancelled;
}

std::string ended_summary(const JobView& job) {
  return fmt::format(
      "No verdict: {}. Nothing is said about the kernel. {}", end_text(job),
      worth_retrying(job) ? "Send the same request again." : "Send it again if you still want it.");
}

}  // namespace

bool has_verdict(const JobView& job) {
  const bool ended = job.state == JobState::completed || job.state == JobState::failed;
  return ended && job.evaluation &&
         job.evaluation->verdict.code != schemas::VerdictCode::infrastructure_failed;
}

std::string utc_time(double seconds_since_epoch) {
  const double whole = std::floor(seconds_since_epoch);
  const auto seconds = static_cast<std::time_t>(whole);
  const int milliseconds = static_cast<int>((seconds_since_epoch - whole) * 1000);
  std::tm broken_down{};
  gmtime_r(&seconds, &broken_down);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", broken_down.tm_year + 1900,
                     broken_down.tm_mon + 1, broken_down.tm_mday, broken_down.tm_hour,
                     broken_down.tm_min, broken_down.tm_sec, milliseconds);
}

std::string gpu_name(const schemas::Evaluation& evaluation) {
  const bool has_gpu = evaluation.device && evaluation.device->kind == schemas::DeviceKind::cuda;
  return has_gpu ? evaluation.device->name : "";
}

Json job_document(const JobView& job) {
  Json stages = Json::array();
  for (const auto& stage : job.stages)
    stages.push_back({{"name", stage.name}, {"seconds", stage.seconds}});
  Json document = {{"job_id", job.job_id},
                   {"kind", schemas::job_kind_name(job.kind)},
                   {"status", schemas::job_state_name(job.state)},
                   {"created_at", utc_time(job.created_at)},
                   {"started_at", time_or_null(job.started_at)},
                   {"finished_at", time_or_null(job.finished_at)},
                   {"progress", job.progress},
                   {"message", job.message},
                   {"stages", std::move(stages)},
                   {"error", job.error.empty() ? Json() : Json(job.error)},
                   {"result", nullptr}};
  if (!schemas::is_terminal(job.state)) {
    document["queue_position"] = job.queue_position;
    document["poll_after_ms"] = poll_after_ms(job);
    document["next"] = next_call(job);
    document["summary"] = running_summary(job);
    return document;
  }
  if (job.evaluation) {
    document["result"] = evaluation_document(*job.evaluation);
    document["summary"] = document["result"]["summary"];
  }
  if (!has_verdict(job)) {
    document["error"] = end_text(job);
    document["retryable"] = worth_retrying(job);
    document["summary"] = ended_summary(job);
  }
  return document;
}

Json page_document(const JobView& job, schemas::JobSection section, const engine::LogPage& page,
                   std::int64_t cursor) {
  const bool log = section == schemas::JobSection::compile_log;
  const char* name = log ? "compile_log" : "samples";
  const auto end = cursor + static_cast<std::int64_t>(page.text.size());
  std::string summary =
      page.total_bytes > 0
          ? fmt::format("Bytes {} to {} of {} of {}.", cursor, end, page.total_bytes,
                        log ? "what the compilers said" : "the samples of the timing")
      : log ? fmt::format("No compiler has said anything about job {}.", job.job_id)
            : fmt::format("Job {} has no timed samples{}.", job.job_id,
                          schemas::is_terminal(job.state) ? "" : " before its end");
  if (page.next_cursor)
    summary += fmt::format(
        " Call get_job_status with {{\"job_id\": \"{}\", \"section\": \"{}\", \"cursor\": {}}} "
        "for the next page.",
        job.job_id, name, *page.next_cursor);
  return {{"job_id", job.job_id},
          {"status", schemas::job_state_name(job.state)},
          {"section", name},
          {"text", page.text},
          {"cursor", cursor},
          {"next_cursor", page.next_cursor ? Json(*page.next_cursor) : Json()},
          {"total_bytes", page.total_bytes},
          {"summary", std::move(summary)}};
}

Json job_handle(const JobView& job) {
  return {{"status", "running"},
          {"job_id", job.job_id},
          {"state", schemas::job_state_name(job.state)},
          {"queue_position", job.queue_position},
          {"progress", job.progress},
          {"poll_after_ms", poll_after_ms(job)},
          {"next", next_call(job)},
          {"summary", running_summary(job)}};
}

void mark_joined(Json& document, const JobView& job) {
  const double age_s = std::max(0.0, seconds_since_epoch() - job.created_at);
  document["joined"] = true;
  document["job_age_s"] = std::round(age_s * 1000) / 1000;
  document["summary"] =
      document.value("summary", "") +
      fmt::format(
          " Joined job {}, made by an equal request {:.0f} s ago; fresh: true runs it anew.",
          job.job_id, age_s);
}

Json ended_without_verdict(const JobView& job) {
  return {{"status", "error"},
          {"error", end_text(job)},
          {"retryable", worth_retrying(job)},
          {"job_id", job.job_id},
          {"state", schemas::job_state_name(job.state)},
          {"summary", ended_summary(job)}};
}

Json ended_without_result(const JobView& job) {
  Json document = ended_without_verdict(job);
  document["kernel_exec_result"] = nullptr;
  return document;
}

Json error_document(const schemas::Error& error) {
  const bool callers_fault = error.code == schemas::ErrorCode::malformed_call;
  Json document = {{"status", callers_fault ? "client_error" : "error"},
                   {"error", error.message},
                   {"code", schemas::error_code_name(error.code)}};
  if (callers_fault) {
    Json fields = Json::array();
    for (const auto& field : error.fields)
      fields.push_back({{"path", field.path}, {"message", field.message}});
    document["validation_errors"] = std::move(fields);
    document["summary"] = "The request is not valid: " + error.message;
  } else {
    document["retryable"] = error.retryable;
    document["summary"] =
        error.message + (error.retryable ? ". Send the same request again later." : "");
  }
  return document;
}

}  // namespace assay::tools
