// SPDX-License-Identifier: Apache-2.0
#include "tools/job_document.h"

#include <catch2/catch.hpp>

namespace {

using assay::engine::JobView;
using assay::schemas::Error;
using assay::schemas::ErrorCode;
using assay::schemas::JobState;
using assay::tools::error_document;
using assay::tools::job_document;

TEST_CASE("times are UTC with milliseconds") {
  CHECK(assay::tools::utc_time(1'700'000'000.25) == "2023-11-14T22:13:20.250Z");
}

TEST_CASE("a queued job says its place and how to go on") {
  JobView job;
  job.job_id = "job-1";
  job.queue_position = 4;
  const auto document = job_document(job);
  CHECK(document["status"] == "submitted");
  CHECK(document["queue_position"] == 4);
  CHECK(document["poll_after_ms"] == 4000);
  CHECK(document["result"].is_null());
}

TEST_CASE("a finished job carries its result and no call to make") {
  JobView job;
  job.job_id = "job-1";
  job.state = JobState::completed;
  job.evaluation.emplace();
  job.evaluation->verdict.code = assay::schemas::VerdictCode::incorrect;
  const auto document = job_document(job);
  CHECK(document["status"] == "completed");
  CHECK(document["result"].is_object());
  CHECK(document["summary"] == document["result"]["summary"]);
  CHECK_FALSE(document.contains("next"));
}

TEST_CASE("an interrupted job says why and that a retry is worth it") {
  JobView job;
  job.state = JobState::interrupted;
  const auto document = job_document(job);
  CHECK(document["status"] == "interrupted");
  CHECK(document["error"].get<std::string>().find("server ended") != std::string::npos);
  CHECK(document["retryable"] == true);
}

TEST_CASE("a job that ended by our own failure says so beside what was known") {
  JobView job;
  job.state = JobState::interrupted;
  job.evaluation.emplace();
  job.evaluation->compiled = true;
  const auto document = job_document(job);
  CHECK(document["retryable"] == true);
  CHECK_FALSE(document["error"].is_null());
  CHECK(document["result"]["kernel_exec_result"]["compiled"] == true);
  job.state = JobState::failed;
  job.evaluation->error = "the judge died";
  CHECK(job_document(job)["error"] == "the judge died");
  CHECK(job_document(job)["retryable"] == false);
}

TEST_CASE("a malformed call and our own failure are told apart") {
  const auto malformed = error_document({ErrorCode::malformed_call,
                                         "kernel_type: is required",
                                         false,
                                         {{"kernel_type", "is required"}}});
  CHECK(malformed["status"] == "client_error");
  CHECK(malformed["validation_errors"][0]["path"] == "kernel_type");
  const auto ours = error_document({ErrorCode::internal, "disk full", true, {}});
  CHECK(ours["status"] == "error");
  CHECK(ours["retryable"] == true);
  CHECK_FALSE(ours.contains("validation_errors"));
}

}  // namespace
