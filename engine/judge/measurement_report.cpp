// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "engine/judge/measurement.h"
#include "engine/judge/statistics.h"

namespace assay::engine::judge {

schemas::Timing Measurement::report(std::uint64_t bootstrap_seed) const {
  const auto middle = [](const std::vector<std::int64_t>& samples) {
    return static_cast<std::int64_t>(median(std::vector<double>(samples.begin(), samples.end())));
  };
  TimingFrame frame;
  frame.mode = mode_;
  frame.gpu = parts_.memory.kind() == schemas::DeviceKind::cuda;
  frame.cache_flushed = flush_;
  frame.beyond_cache = parts_.plan.beyond_cache;
  // The same constant for both; the smaller one, because a runner can only make its own empty
  // windows longer.
  if (!empty_candidate_ns_.empty()) frame.empty_window_ns = middle(empty_candidate_ns_);
  if (!empty_reference_ns_.empty())
    frame.empty_window_ns = std::min(frame.empty_window_ns, middle(empty_reference_ns_));
  if (candidate_timings_.windows.empty() ||
      (parts_.reference != nullptr && reference_timings_.windows.empty())) {
    schemas::Timing none;
    none.unavailable_reason = "too little time was left to time both sides in the same way";
    none.notes = notes_;
    return none;
  }
  schemas::Timing timing =
      report_timing(candidate_timings_, parts_.reference != nullptr ? &reference_timings_ : nullptr,
                    frame, bootstrap_seed);
  timing.candidate_other = candidate_other_;
  timing.reference_other = reference_other_;
  timing.notes.insert(timing.notes.begin(), notes_.begin(), notes_.end());
  if (!parts_.plan.shortfall.empty()) timing.notes.push_back(parts_.plan.shortfall);
  return timing;
}

}  // namespace assay::engine::judge
