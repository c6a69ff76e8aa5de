// SPDX-License-Identifier: Apache-2.0
// What evaluate_kernel, compare_kernels and validate_kernel have in common once their arguments are
// a request.
#pragma once

#include "engine/engine.h"
#include "schemas/requests.h"
#include "tools/job_join.h"
#include "tools/tool.h"

namespace assay::tools {

// Joins an equal job or submits the work, and waits: until the verdict where the call says so, else
// for `wait_seconds`, after which the outcome is a job handle. A joined outcome is marked:
// `joined`, `job_age_s`. Errors: those of JobJoin::enter, and cancelled.
schemas::Result<Outcome> run_work(engine::Engine& engine, JobJoin& join, schemas::WorkRequest work,
                                  const CallContext& context);

// The outcome of a job as it stands.
Outcome outcome_of(const engine::JobView& job);

}  // namespace assay::tools
