// SPDX-License-Identifier: Apache-2.0
// From evidence and failures to the answer: code, a sentence or two, the next step. Fills an
// Evaluation in place; nothing here decides what is checked.
#pragma once

#include "engine/judge/evidence.h"
#include "engine/judge/failure.h"
#include "schemas/evaluation.h"

namespace assay::engine::judge {

// What is known of a job when it ends early.
struct Progress {
  bool has_reference = false;
  bool candidate_loaded = false;  // its module ran and its entry was found
  bool check_passed = false;      // the untimed check pass agreed (or wrote everything)
};

// Ends a job that failed before its last step. Fills verdict, compiled, correctness, the two error
// fields, process_ends, error and timing.unavailable_reason.
void conclude_failure(schemas::Evaluation& evaluation, const Failure& failure,
                      const Progress& progress);

// A call gave wrong values or left elements unwritten. `timed`: it was one of the timed calls.
// `ignored`: what is said of returned tensors that no output took, or empty.
void conclude_incorrect(schemas::Evaluation& evaluation, const Evidence& evidence,
                        bool has_reference, bool timed, const std::string& ignored);

// Everything agreed. `call` is the candidate's. REQUIRES: checks and timing are filled in.
void conclude_correct(schemas::Evaluation& evaluation, bool has_reference, const CallPlan& call);

}  // namespace assay::engine::judge
