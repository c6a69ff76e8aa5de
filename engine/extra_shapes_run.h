// SPDX-License-Identifier: Apache-2.0
// A job with everything that its request asks for: its own shapes, then, where these are right,
// each of its extra_shapes, checked for correctness only with runners and a lease of their own.
#pragma once

#include "engine/job_run.h"

namespace assay::engine {

// The verdict is that of the first shape that is not right. All shapes share the job's time-out.
schemas::Result<schemas::Evaluation> run_with_extra_shapes(const JobParts& parts,
                                                           const schemas::JobSpec& spec,
                                                           const EventSink& events,
                                                           Cancellation& cancellation);

}  // namespace assay::engine
