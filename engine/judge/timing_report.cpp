// SPDX-License-Identifier: Apache-2.0
#include "engine/judge/timing_report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "engine/judge/statistics.h"

namespace assay::engine::judge {
namespace {

// A runner's own copies may cost this much of what the judge measures for the same bytes.
constexpr double kCopySlack = 1.25;
// Events and window may differ by this share, or by this much in a window, and still confirm each
// other.
constexpr double kConfirmShare = 0.10;
constexpr double kConfirmNs = 50'000;
// The window that ended with a kill may differ by this share from the others before it is remarked
// on.
constexpr double kFinalShare = 0.25;

double milliseconds(double nanoseconds) {
  return nanoseconds / 1e6;
}

std::string percent_text(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.0f %%", std::abs(share) * 100);
  return text;
}

// What copies cost in one window: the runner's word, at most what the judge allows. A killed runner
// said nothing: the others' mean per call holds.
double copy_ns_of(const TimedWindow& window, const SideTimings& timings) {
  const double bound =
      kCopySlack * static_cast<double>(timings.copy_bound_ns) * static_cast<double>(window.calls);
  if (window.copy_ns) return std::min(static_cast<double>(*window.copy_ns), bound);
  double copies = 0, calls = 0;
  for (const TimedWindow& other : timings.windows)
    if (other.copy_ns) {
      copies += static_cast<double>(*other.copy_ns);
      calls += static_cast<double>(other.calls);
    }
  return calls > 0 ? std::min(copies / calls * static_cast<double>(window.calls), bound) : 0;
}

// At most 0: the window was no longer than what is subtracted, and says nothing about its calls.
double net_ns_of(const TimedWindow& window, const SideTimings& timings, const TimingFrame& frame) {
  return static_cast<double>(window.elapsed_ns - frame.empty_window_ns) -
         copy_ns_of(window, timings);
}

// The runner's own figure for the calls alone.
std::optional<double> events_ns_of(const TimedWindow& window, const SideTimings& timings,
                                   const TimingFrame& frame) {
  if (window.calls_ns.empty()) return std::nullopt;
  const double sum = static_cast<double>(
      std::accumulate(window.calls_ns.begin(), window.calls_ns.end(), std::int64_t{0}));
  // One event pair round a graph has the copies in it.
  const double calls = frame.mode == "graph" ? sum - copy_ns_of(window, timings) : sum;
  return calls > 0 ? std::optional(calls) : std::nullopt;
}

std::string how_text(const TimingFrame& frame, bool per_call, bool copies) {
  std::string how =
      "The judge's clock from the release of a window's inputs to the end of its calls, each call "
      "with its "
      "own inputs and outputs; ";
  how += frame.mode == "graph" ? "all calls of a window run as one CUDA graph"
                               : "calls run one after the other";
  if (frame.gpu) how += frame.mode == "graph" ? "" : " on the stream";
  how += "; an empty window with the same release is subtracted";
  if (copies)
    how += ", and the copying of returned outputs, by the runner's measure and at most the judge's";
  if (frame.cache_flushed)
    how += "; the L2 cache is overwritten before each window";
  else if (frame.gpu)
    how += "; the L2 cache is as the release leaves it";
  if (frame.beyond_cache) how += "; a window's slots exceed twice the cache";
  how += per_call ? ". Samples are single calls by the runner's clock, confirmed by the window."
                  : ". Samples are windows: their mean per call.";
  return how;
}

struct Confirmation {
  bool confirmed = false;
  double worst_share = 0;
};

// Whether, in every window that has both, the runner's figures add up to the judge's.
Confirmation confirm(const SideTimings& timings, const TimingFrame& frame) {
  Confirmation result;
  for (const TimedWindow& window : timings.windows) {
    const auto events = events_ns_of(window, timings, frame);
    if (!events) continue;
    const double net = net_ns_of(window, timings, frame);
    const double difference = *events - net;
    const double share = net > 0 ? difference / net : difference > 0 ? 1 : 0;
    if (std::abs(difference) > std::max(kConfirmShare * net, kConfirmNs) &&
        std::abs(share) > std::abs(result.worst_share))
      result.worst_share = share;
    result.confirmed = true;
  }
  result.confirmed = result.confirmed && result.worst_share == 0;
  return result;
}

// Single calls in milliseconds, when every window that was not killed has one figure per call.
std::vector<double> call_samples(const SideTimings& timings) {
  std::vector<double> samples;
  for (const TimedWindow& window : timings.windows) {
    if (window.killed) continue;
    if (static_cast<std::int64_t>(window.calls_ns.size()) != window.calls) return {};
    for (const std::int64_t call : window.calls_ns)
      samples.push_back(milliseconds(static_cast<double>(call)));
  }
  return samples;
}

// A sum can be confirmed while its parts are made up: the middle call must be near the window's
// mean as well, or the figures of single calls say more than the judge can stand for.
bool plausible_spread(const std::vector<double>& calls, const std::vector<double>& windows) {
  return median(calls) >= (1 - 2 * kConfirmShare) * median(windows);
}

// The sentence for a side of which a window was no longer than what is subtracted from it.
std::string too_short_text(const TimedWindow& window, const TimingFrame& frame,
                           const std::string& name) {
  return "a window of " + std::to_string(window.calls) + (window.calls == 1 ? " call" : " calls") +
         " of the " + name + " took " +
         milliseconds_text(milliseconds(static_cast<double>(window.elapsed_ns))) +
         ", no longer than an empty window (" +
         milliseconds_text(milliseconds(static_cast<double>(frame.empty_window_ns))) +
         ") and the copying of its outputs: too short to measure; larger inputs take longer";
}

// The middle of the other windows, where the killed one took longer.
std::optional<double> faster_than_killed(const SideReport& report, const SideTimings& timings) {
  if (!timings.windows.back().killed || report.window_ms.size() < 2) return std::nullopt;
  const double usual =
      median(std::vector<double>(report.window_ms.begin(), report.window_ms.end() - 1));
  return report.window_ms.back() > (1 + kFinalShare) * usual ? std::optional(usual) : std::nullopt;
}

SideReport report_windows(const SideTimings& timings, const TimingFrame& frame,
                          const std::string& name) {
  SideReport report;
  double raw_ns = 0, events_ns = 0, copies_ns = 0, calls = 0, event_calls = 0;
  for (const TimedWindow& window : timings.windows) {
    const auto count = static_cast<double>(window.calls);
    const double net = net_ns_of(window, timings, frame);
    if (net <= 0) {
      report.unknown_reason = too_short_text(window, frame, name);
      return report;
    }
    report.window_ms.push_back(milliseconds(net / count));
    raw_ns += static_cast<double>(window.elapsed_ns - frame.empty_window_ns);
    copies_ns += copy_ns_of(window, timings);
    calls += count;
    if (const auto events = events_ns_of(window, timings, frame)) {
      events_ns += *events;
      event_calls += count;
    }
  }
  schemas::TimingMethod& method = report.method;
  method.method = frame.mode == "graph" ? "window_graph" : "window_stream";
  method.window_ms_per_call = milliseconds(raw_ns / calls);
  if (event_calls > 0) method.events_ms_per_call = milliseconds(events_ns / event_calls);
  if (copies_ns > 0) method.copy_ms_per_call = milliseconds(copies_ns / calls);
  method.empty_window_ms = milliseconds(static_cast<double>(frame.empty_window_ns));

  const Confirmation confirmation = confirm(timings, frame);
  const std::vector<double> single = call_samples(timings);
  const bool per_call =
      confirmation.confirmed && !single.empty() && plausible_spread(single, report.window_ms);
  method.stats = per_call ? describe(single, "calls") : describe(report.window_ms, "windows");
  method.how = how_text(frame, per_call, copies_ns > 0);
  if (confirmation.worst_share != 0)
    report.notes.push_back("the " + name +
                           "'s own figures and the judge's windows disagree by up to " +
                           percent_text(confirmation.worst_share) + "; the windows are used");
  return report;
}

double copies_per_call(const SideTimings& timings) {
  double copies = 0, calls = 0;
  for (const TimedWindow& window : timings.windows) {
    copies += copy_ns_of(window, timings);
    calls += static_cast<double>(window.calls);
  }
  return copies / calls;
}

}  // namespace

SideReport report_side(const SideTimings& timings, const TimingFrame& frame,
                       const std::string& name) {
  SideReport report = report_windows(timings, frame, name);
  if (!report.unknown_reason.empty()) return report;
  const auto usual = faster_than_killed(report, timings);
  if (!usual) return report;
  SideTimings last{{timings.windows.back()}, timings.copy_bound_ns, {}};
  last.windows[0].copy_ns = static_cast<std::int64_t>(copy_ns_of(timings.windows.back(), timings));
  report = report_windows(last, frame, name);
  report.left_out_ms = usual;
  report.notes.push_back("the " + name + "'s last window, which ended with a kill, took " +
                         milliseconds_text(report.window_ms.front()) + " per call against " +
                         milliseconds_text(*usual) +
                         " in the others; its figures are those of that window alone, and the "
                         "interval of the ratio reaches to the others'");
  return report;
}

schemas::Timing report_timing(const SideTimings& candidate, const SideTimings* reference,
                              const TimingFrame& frame, std::uint64_t bootstrap_seed) {
  schemas::Timing timing;
  SideTimings limited = candidate;
  if (reference != nullptr)
    limited.copy_bound_ns = std::min(
        limited.copy_bound_ns, static_cast<std::int64_t>(copies_per_call(*reference) / kCopySlack));
  SideReport mine = report_side(limited, frame, "candidate");
  timing.unavailable_reason = mine.unknown_reason;
  if (mine.unknown_reason.empty()) timing.candidate = std::move(mine.method);
  timing.notes = std::move(mine.notes);
  if (reference == nullptr) return timing;
  SideReport theirs = report_side(*reference, frame, "reference");
  timing.notes.insert(timing.notes.end(), theirs.notes.begin(), theirs.notes.end());
  if (!timing.candidate || !theirs.unknown_reason.empty()) {
    if (timing.unavailable_reason.empty()) timing.unavailable_reason = theirs.unknown_reason;
    if (theirs.unknown_reason.empty()) timing.reference = std::move(theirs.method);
    return timing;
  }
  // One kind of sample on both sides.
  if (timing.candidate->stats.kind != theirs.method.stats.kind) {
    timing.candidate->stats = describe(mine.window_ms, "windows");
    timing.candidate->how = how_text(frame, false, timing.candidate->copy_ms_per_call.has_value());
    theirs.method.stats = describe(theirs.window_ms, "windows");
    theirs.method.how = how_text(frame, false, theirs.method.copy_ms_per_call.has_value());
  }
  timing.reference = std::move(theirs.method);
  timing.speedup = median(theirs.window_ms) / median(mine.window_ms);
  if (const auto interval = ratio_interval(theirs.window_ms, mine.window_ms, bootstrap_seed)) {
    timing.speedup_low = interval->low;
    timing.speedup_high = interval->high;
  }
  const auto reach = [&timing](double ratio) {
    timing.speedup_low = std::min(timing.speedup_low.value_or(*timing.speedup), ratio);
    timing.speedup_high = std::max(timing.speedup_high.value_or(*timing.speedup), ratio);
  };
  if (mine.left_out_ms) reach(median(theirs.window_ms) / *mine.left_out_ms);
  if (reference->beside.empty()) return timing;
  const SideTimings left_out{reference->beside, reference->copy_bound_ns, {}};
  const SideReport disturbed = report_windows(left_out, frame, "reference");
  if (!disturbed.unknown_reason.empty()) return timing;
  reach(median(disturbed.window_ms) / median(mine.window_ms));
  return timing;
}

}  // namespace assay::engine::judge
