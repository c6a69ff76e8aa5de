// SPDX-License-Identifier: Apache-2.0
// The documents about a job that is not simply an evaluation: its state, and the handle that stands
// for it.
#pragma once

#include <cstdint>
#include <string>

#include "engine/engine.h"
#include "tools/tool.h"

namespace assay::tools {

// Whether something is said about the kernel; else the job is not finished, or ended by our own
// failure.
bool has_verdict(const engine::JobView& job);

// How long a client is told to wait for a job at a time.
inline constexpr std::int64_t kSuggestedWaitSeconds = 45;

// The name of the GPU that was used; empty when none was.
std::string gpu_name(const schemas::Evaluation& evaluation);

// {job_id, kind, status, created_at, …, result}; `result` is the evaluation's document or null.
Json job_document(const engine::JobView& job);

// {job_id, status, section, text, cursor, next_cursor, total_bytes, summary}: one page of what the
// compilers said, or of the samples of the timing.
Json page_document(const engine::JobView& job, schemas::JobSection section,
                   const engine::LogPage& page, std::int64_t cursor);

// {status: "running", job_id, state, poll_after_ms, next, summary}: the way back to a job that
// takes longer than the caller wanted to wait.
Json job_handle(const engine::JobView& job);

// Marks the document of a call that joined the job of an equal one: `joined`, `job_age_s` and a
// sentence of the summary.
void mark_joined(Json& document, const engine::JobView& job);

// {status: "error", error, retryable, job_id, state, summary} of a job that ended without a verdict
// (interrupted, cancelled, our failure); and the same in the shape of an evaluation of which
// nothing is known.
Json ended_without_verdict(const engine::JobView& job);
Json ended_without_result(const engine::JobView& job);

// {status, error, code, retryable, validation_errors?, summary} of a call that made no job.
Json error_document(const schemas::Error& error);

// Seconds since the epoch as "2026-11-21T03:30:00.125Z".
std::string utc_time(double seconds_since_epoch);

}  // namespace assay::tools
