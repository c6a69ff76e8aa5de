// SPDX-License-Identifier: Apache-2.0
// What evaluate_kernel, compare_kernels and validate_kernel have in common once their arguments are
// a request.
#pragma once

#include "engine/engine.h"
#include "schemas/requests.h"
#include "tools/tool.h"

namespace assay::tools {

// Submits the work and waits: until the verdict where the call says so, else for `wait_seconds`,
// after which the outcome is a job handle. Errors: those of Engine::submit, and cancelled.
schemas::Result<Outcome> run_work(engine::Engine& engine, schemas::WorkRequest work,
                                  const CallContext& context);

// The outcome of a job as it stands.
Outcome outcome_of(const engine::JobView& job);

}  // namespace assay::tools
