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

// The job once it is terminal, or as it stands when patience ran out or the server stops before it
// began; without patience, however long that takes. Blocks. Errors: not_found; cancelled when the
// call was withdrawn, which leaves the job alone (job_join.h knows who else wants it).
schemas::Result<engine::JobView> wait_for_job(engine::Engine& engine, const std::string& job_id,
                                              std::optional<std::chrono::milliseconds> patience,
                                              const CallContext& context);

// "queued, position 3", "validating: checking draw 2": what a person wants to read beside a
// progress bar.
std::string progress_message(const engine::JobView& job);

}  // namespace assay::tools
