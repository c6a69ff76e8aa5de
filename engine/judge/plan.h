// SPDX-License-Identifier: Apache-2.0
// How much is measured: slots, windows, calls per window. Pure functions of sizes and times.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace assay::engine::judge {

// A window costs a constant of up to 0.2 ms, which is measured and subtracted; beyond this length
// what is left of it is within 1 %.
inline constexpr std::chrono::nanoseconds kWindowAim = std::chrono::milliseconds(20);
// No side's window is planned longer than this unless one call is.
inline constexpr std::chrono::nanoseconds kWindowMost = std::chrono::milliseconds(500);
// Filling, releasing and checking a slot costs more than the call itself where calls only move
// memory: beyond this much traffic a window is kept to kWindowLeast.
inline constexpr std::int64_t kTrafficMost = std::int64_t{4} << 30;
inline constexpr std::chrono::nanoseconds kWindowLeast = std::chrono::milliseconds(2);
inline constexpr std::int64_t kMaxSlotsUsed = 1024;     // of the control page's 8,192
inline constexpr std::int64_t kMinOrdinaryWindows = 2;  // and the one that ends with a kill
inline constexpr std::int64_t kCheckSlots = 8;

struct PlanQuestion {
  std::int64_t candidate_call_ns = 0;
  std::int64_t reference_call_ns = 0;  // 0: no reference
  std::int64_t memory_per_slot = 1;    // bytes of all buffers together
  std::int64_t memory_left = 0;        // bytes
  std::int64_t traffic_per_slot = 1;   // bytes that one call reads and writes
  std::int64_t cache_bytes = 0;        // L2; 0: not known
  std::int64_t num_trials = 1;
  std::int64_t time_left_ns = 0;
  std::int64_t draws = 1;
  bool timed = true;  // false: only the check pass (validate)
};

struct MeasurementPlan {
  std::int64_t slots = 1;  // most calls of any window
  std::int64_t check_slots = 1;
  std::vector<std::int64_t> window_calls;  // of the ordinary timed windows
  std::int64_t final_calls = 0;            // of the window that ends with a kill
  bool rehearse = false;      // one round before the timed ones: warm-up, first touches, mode
  bool beyond_cache = false;  // the slots together exceed twice the cache
  std::string shortfall;      // why fewer than num_trials calls; empty when there are enough

  std::int64_t counted_calls() const;  // of the ordinary windows together
};

// Failure: memory, naming the sizes, when not even one slot fits.
MeasurementPlan plan_measurement(const PlanQuestion& question);

}  // namespace assay::engine::judge
