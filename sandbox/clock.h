// SPDX-License-Identifier: Apache-2.0
// Deadlines are points on the steady clock; one in the past means "try once, do not wait".
#pragma once

#include <chrono>

namespace assay::sandbox {

using Clock = std::chrono::steady_clock;
using Deadline = Clock::time_point;

inline Deadline after(Clock::duration duration) {
  return Clock::now() + duration;
}
inline constexpr Deadline no_deadline() {
  return Deadline::max();
}

// What poll(2) takes: milliseconds left, rounded up; 0 when past; -1 for no deadline.
int poll_timeout_ms(Deadline deadline);

}  // namespace assay::sandbox
