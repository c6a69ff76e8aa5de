// SPDX-License-Identifier: Apache-2.0
// Evaluations for jobs that ended without one: what is known of them, and that it was not the
// kernel's fault. And the view that clients get of a stored record.
#pragma once

#include "engine/engine.h"
#include "engine/job_table.h"

namespace assay::engine {

// The server went away while the job ran; `record` holds stages and log so far.
schemas::Evaluation interrupted_evaluation(const JobRecord& record);
// The job failed on our side, or was cancelled.
schemas::Evaluation failed_evaluation(const JobRecord& record, const schemas::Error& error);

JobView view_of_record(const JobRecord& record);

}  // namespace assay::engine
