// SPDX-License-Identifier: Apache-2.0
#include "sandbox/clock.h"

#include <algorithm>
#include <limits>

namespace assay::sandbox {

int poll_timeout_ms(Deadline deadline) {
  if (deadline == no_deadline()) return -1;
  const auto left = deadline - Clock::now();
  if (left <= Clock::duration::zero()) return 0;
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  return static_cast<int>(
      std::min<decltype(milliseconds)>(milliseconds, std::numeric_limits<int>::max()));
}

}  // namespace assay::sandbox
