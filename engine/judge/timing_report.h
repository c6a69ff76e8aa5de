// SPDX-License-Identifier: Apache-2.0
// From windows to figures: what is subtracted, what a sample is, whether the runner's own figures
// are confirmed. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "schemas/evaluation.h"

namespace assay::engine::judge {

// One timed window of one side.
struct TimedWindow {
  std::int64_t calls = 0;
  std::int64_t elapsed_ns = 0;          // by the judge's clock, with everything in it
  std::vector<std::int64_t> calls_ns;   // by the runner; one per call, one in all, or none (killed)
  std::optional<std::int64_t> copy_ns;  // by the runner, all copies of the window together
  bool killed = false;
};

struct SideTimings {
  std::vector<TimedWindow> windows;  // in order; a killed one is the last
  std::int64_t copy_bound_ns = 0;    // per call, by the judge's clock
  // The reference's: windows left out because they took longer while the candidate lived than after
  // its end, which may be the candidate's doing or the machine's.
  std::vector<TimedWindow> beside = {};
};

// What holds for both sides of a comparison alike.
struct TimingFrame {
  std::string mode = "stream";  // "stream", "graph"
  bool gpu = false;
  bool cache_flushed = false;
  bool beyond_cache = false;
  std::int64_t empty_window_ns = 0;  // subtracted from every window
};

struct SideReport {
  schemas::TimingMethod method;
  std::vector<double> window_ms;  // net, per call, every window; the ratio's samples
  // Where only the killed window counts: the middle of the others.
  std::optional<double> left_out_ms;
  std::vector<std::string> notes;
  // Not empty: a window was no longer than an empty one; the time is unknown and all else is void.
  std::string unknown_reason;
};

// REQUIRES: at least one window. `name`: "candidate" or "reference", for notes. A window that ended
// with a kill leaves nothing to do after its word: where it took longer than the others, it alone
// counts.
SideReport report_side(const SideTimings& timings, const TimingFrame& frame,
                       const std::string& name);

// Both sides into one Timing: medians of the windows give the ratio. `reference` may be null. A
// side whose time is unknown is absent, and unavailable_reason says why. Of what the candidate says
// that its copies took, no more is subtracted than the reference's took. Where windows of a side
// were left out, the interval reaches to the ratio that they give.
schemas::Timing report_timing(const SideTimings& candidate, const SideTimings* reference,
                              const TimingFrame& frame, std::uint64_t bootstrap_seed);

}  // namespace assay::engine::judge
