// SPDX-License-Identifier: Apache-2.0
// Offers an executor over a channel. One thread per run, at most kMaxRemoteRuns; a run whose
// fencing token is not newer than every one seen for its job is refused as `stale_token`, and a
// newer attempt cancels the older one, whose answer is then not sent.
#pragma once

#include "engine/executor.h"
#include "sandbox/channel.h"

namespace assay::engine {

inline constexpr std::size_t kMaxRemoteRuns = 64;

// Serves until the client closes the channel or breaks the protocol; then cancels what still runs
// and waits for it. `executor` must outlive the call.
schemas::Status serve_executor(Executor& executor, sandbox::Channel channel);

}  // namespace assay::engine
