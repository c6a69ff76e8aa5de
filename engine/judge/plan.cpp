// SPDX-License-Identifier: Apache-2.0
#include "engine/judge/plan.h"

#include <algorithm>
#include <numeric>

#include "engine/judge/failure.h"
#include "engine/judge/memory.h"

namespace assay::engine::judge {
namespace {

// Messages, poison, noise and comparison round one window of one side, roughly.
constexpr std::int64_t kRoundCostNs = 5'000'000;
constexpr std::int64_t kMinCallNs = 500;
// Of the time left; the rest is for slower windows than the probe promised.
constexpr double kTimeShare = 0.7;

std::int64_t ceil_div(std::int64_t value, std::int64_t by) {
  return (value + by - 1) / by;
}

struct Cost {
  double call_ns, fixed_ns;
  // Per round: expected values, the reference's window, the candidate's window.
  double round(std::int64_t calls) const { return fixed_ns + call_ns * static_cast<double>(calls); }
};

std::int64_t slots_wanted(const PlanQuestion& question) {
  const std::int64_t candidate = std::max(question.candidate_call_ns, kMinCallNs);
  const std::int64_t reference =
      question.reference_call_ns > 0 ? std::max(question.reference_call_ns, kMinCallNs) : candidate;
  const std::int64_t fast = std::min(candidate, reference), slow = std::max(candidate, reference);
  const std::int64_t for_length = ceil_div(kWindowAim.count(), fast);
  const std::int64_t traffic = std::max<std::int64_t>(question.traffic_per_slot, 1);
  const std::int64_t for_cache = ceil_div(2 * question.cache_bytes, traffic);
  const std::int64_t traffic_most =
      std::max(ceil_div(kTrafficMost, traffic), ceil_div(kWindowLeast.count(), fast));
  const std::int64_t most = std::max<std::int64_t>(kWindowMost.count() / slow, 1);
  // Past the cache only as far as windows stay within a few times their aim.
  const std::int64_t cache_most = std::max<std::int64_t>(5 * kWindowAim.count() / slow, 1);
  return std::min({std::max(for_length, std::min(for_cache, cache_most)), most, traffic_most});
}

std::vector<std::int64_t> split(std::int64_t calls, std::int64_t windows) {
  std::vector<std::int64_t> parts(static_cast<std::size_t>(windows), calls / windows);
  for (std::int64_t i = 0; i < calls % windows; ++i) ++parts[static_cast<std::size_t>(i)];
  return parts;
}

}  // namespace

std::int64_t MeasurementPlan::counted_calls() const {
  return std::accumulate(window_calls.begin(), window_calls.end(), std::int64_t{0});
}

MeasurementPlan plan_measurement(const PlanQuestion& question) {
  const std::int64_t fitting =
      question.memory_left / std::max<std::int64_t>(question.memory_per_slot, 1);
  if (fitting < 1)
    throw Failure(
        Cause::memory,
        "one call's inputs, outputs and expected outputs take " +
            bytes_text(static_cast<std::size_t>(question.memory_per_slot)) + " in all, but " +
            bytes_text(static_cast<std::size_t>(std::max<std::int64_t>(question.memory_left, 0))) +
            " are left for this job");
  const std::int64_t most_slots = std::min(fitting, kMaxSlotsUsed);
  MeasurementPlan plan;
  plan.check_slots = std::min({std::max(question.draws, std::int64_t{2}), kCheckSlots, most_slots});
  if (!question.timed) {
    plan.slots = plan.check_slots;
    return plan;
  }

  std::int64_t calls = std::min(slots_wanted(question), most_slots);
  std::int64_t windows = std::max(kMinOrdinaryWindows, ceil_div(question.num_trials, calls));
  std::int64_t total = std::max(question.num_trials, windows * calls);
  // More trials than full windows hold: exactly num_trials, spread evenly.
  if (question.num_trials >= kMinOrdinaryWindows * calls) total = question.num_trials;

  const double sides_ns = static_cast<double>(question.candidate_call_ns) +
                          2.0 * static_cast<double>(question.reference_call_ns);
  const Cost cost{sides_ns,
                  static_cast<double>(kRoundCostNs) * (question.reference_call_ns > 0 ? 3 : 1)};
  const double budget = kTimeShare * static_cast<double>(question.time_left_ns);
  plan.rehearse = true;
  const auto too_slow = [&] {
    const std::int64_t extra = plan.rehearse ? 2 : 1;  // and the last window
    return static_cast<double>(windows + extra) * cost.fixed_ns +
               cost.call_ns * static_cast<double>(total + extra * calls) >
           budget;
  };
  if (too_slow()) plan.rehearse = false;
  if (too_slow()) {
    // Fewer windows first, then shorter ones, then only the last.
    const auto affordable = static_cast<std::int64_t>(budget / cost.round(calls)) - 1;
    windows = std::clamp(affordable, kMinOrdinaryWindows, windows);
    total = std::min(total, windows * calls);
    if (too_slow()) {
      const double per_window = budget / static_cast<double>(windows + 1) - cost.fixed_ns;
      calls =
          std::clamp<std::int64_t>(static_cast<std::int64_t>(per_window / cost.call_ns), 1, calls);
      total = windows * calls;
    }
    if (too_slow()) {
      windows = std::clamp(static_cast<std::int64_t>(budget / cost.round(calls)) - 1,
                           std::int64_t{0}, windows);
      total = windows * calls;
    }
    if (total < question.num_trials)
      plan.shortfall = "the time left allows " +
                       std::to_string(total + (windows == 0 ? calls : 0)) + " of the " +
                       std::to_string(question.num_trials) + " trials asked for";
  }

  if (windows > 0) plan.window_calls = split(total, windows);
  plan.final_calls = windows > 0 ? plan.window_calls.front() : calls;
  plan.slots = std::max(plan.final_calls, plan.check_slots);
  plan.beyond_cache = question.cache_bytes > 0 &&
                      plan.final_calls * question.traffic_per_slot > 2 * question.cache_bytes;
  return plan;
}

}  // namespace assay::engine::judge
