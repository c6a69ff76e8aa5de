// SPDX-License-Identifier: Apache-2.0
// Waiting for a job on behalf of a call: tells its progress, heeds its cancellation.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "engine/engine.h"
#include "tools/tool.h"

namespace assay::tools {

// A cancelled call is noticed within this time.
inline constexpr std::chrono::milliseconds kWaitSlice{200};
// Progress is told at least this often, so that hosts do not give up on us.
inline constexpr std::chrono::seconds kProgressInterval{5};

struct WaitPolicy {
  std::optional<std::chrono::milliseconds> patience;  // absent: until the job is terminal
  bool cancels_job = false;  // a withdrawn call takes the job with it; else only the waiting ends
};

// The job once it is terminal, or as it stands when patience ran out or the server stops before it
// began. Blocks. Errors: not_found,
// cancelled.
schemas::Result<engine::JobView> wait_for_job(engine::Engine& engine, const std::string& job_id,
                                              const WaitPolicy& policy, const CallContext& context);

// "queued, position 3", "validating: checking draw 2": what a person wants to read beside a
// progress bar.
std::string progress_message(const engine::JobView& job);

}  // namespace assay::tools
