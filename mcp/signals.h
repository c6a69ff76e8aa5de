// SPDX-License-Identifier: Apache-2.0
// SIGTERM and SIGINT as an ordinary event.
#pragma once

namespace assay::mcp {

// A descriptor that is readable while a SIGTERM or SIGINT waits. Call once, before any thread is
// started: the signals are blocked in all of them from then on. SIGPIPE is ignored.
int watch_stop_signals();

// Waits for a signal on that descriptor and returns its number. 0 when `also` became readable first
// (-1: none).
int read_stop_signal(int descriptor, int also);

}  // namespace assay::mcp
