// SPDX-License-Identifier: Apache-2.0
// Puts together what the judge concluded, what the keepers saw and what the compilers said. Pure
// functions.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/artifact_cache.h"
#include "sandbox/exit_report.h"
#include "schemas/evaluation.h"
#include "schemas/job.h"
#include "schemas/worker_message.h"

namespace assay::engine {

using ExitReports = std::map<schemas::RunnerRole, sandbox::ExitReport>;

// Fills the judge's `process_ends` from the reports and corrects verdict and texts: memory, signal,
// exit code.
void add_exit_reports(schemas::Evaluation& evaluation, const schemas::WorkRequest& work,
                      const ExitReports& reports);

// Evaluations that are made without a judge; their compile reports are added by the caller.
schemas::Evaluation blank_evaluation(const schemas::JobSpec& spec);
// `build` has no artifact; `of_reference` says whose it is.
schemas::Evaluation compilation_failed(const schemas::JobSpec& spec, const BuildResult& build,
                                       bool of_reference);
// Everything compiled and no GPU is here to run it. `report`: of the last kernel compiled.
schemas::Evaluation compiled_only(const schemas::JobSpec& spec,
                                  const schemas::CompileReport& report);

}  // namespace assay::engine
