// SPDX-License-Identifier: Apache-2.0
// The judge's loop on the executor's channel: hello, then one request at a time until the executor
// goes away.
#pragma once

#include "engine/judge/session.h"
#include "sandbox/channel.h"

namespace assay::engine::judge {

// Returns when the executor has closed the channel. Error: internal, when the channel breaks, and
// after a job that failed inside the judge: its result is sent, and a fresh process is safer than
// one with a broken CUDA context.
schemas::Status serve(JudgeDevice& device, sandbox::Channel& executor);

}  // namespace assay::engine::judge
