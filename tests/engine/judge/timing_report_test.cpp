// SPDX-License-Identifier: Apache-2.0
// What windows become, and that a runner's own figures cannot make a kernel look faster than its
// windows.
#include "engine/judge/timing_report.h"

#include <catch2/catch.hpp>

using namespace assay;
using namespace assay::engine::judge;

namespace {

// A window of `calls` calls of `call_ns` with a constant of 100 us round them.
TimedWindow window(std::int64_t calls, std::int64_t call_ns, bool killed = false) {
  TimedWindow made;
  made.calls = calls;
  made.elapsed_ns = calls * call_ns + 100'000;
  made.killed = killed;
  if (!killed) {
    made.calls_ns.assign(static_cast<std::size_t>(calls), call_ns);
    made.copy_ns = 0;
  }
  return made;
}

TimingFrame frame() {
  TimingFrame made;
  made.empty_window_ns = 100'000;
  return made;
}

SideTimings honest(std::int64_t call_ns) {
  return {{window(20, call_ns), window(20, call_ns), window(20, call_ns, true)}, 0};
}

bool notes_mention(const std::vector<std::string>& notes, const std::string& words) {
  for (const std::string& note : notes)
    if (note.find(words) != std::string::npos) return true;
  return false;
}

}  // namespace

TEST_CASE("confirmed calls are the samples") {
  const auto report = report_side(honest(1'000'000), frame(), "candidate");
  CHECK(report.method.stats.kind == "calls");
  CHECK(report.method.stats.n == 40);
  CHECK(report.method.stats.median == Approx(1.0));
  CHECK(report.method.window_ms_per_call.value() == Approx(1.0));
  CHECK(report.method.events_ms_per_call.value() == Approx(1.0));
  CHECK(report.method.empty_window_ms.value() == Approx(0.1));
  CHECK_FALSE(report.method.copy_ms_per_call);
  CHECK(report.window_ms == std::vector<double>{1.0, 1.0, 1.0});
  CHECK(report.notes.empty());
}

TEST_CASE("figures that the windows do not confirm are not used") {
  auto timings = honest(1'000'000);
  for (auto& one : timings.windows)
    for (auto& call : one.calls_ns) call = 400'000;
  const auto report = report_side(timings, frame(), "candidate");
  CHECK(report.method.stats.kind == "windows");
  CHECK(report.method.stats.median == Approx(1.0));
  CHECK(notes_mention(report.notes, "disagree by up to 60 %"));
}

TEST_CASE("one long call among many short ones does not lower the median") {
  auto timings = honest(1'000'000);
  for (auto& one : timings.windows) {
    if (one.killed) continue;
    one.calls_ns.assign(20, 1'000);
    one.calls_ns[7] = 20'000'000 - 19'000;  // the sum is confirmed
  }
  const auto report = report_side(timings, frame(), "candidate");
  CHECK(report.method.stats.kind == "windows");
  CHECK(report.method.stats.median == Approx(1.0));
}

TEST_CASE("a claimed copy is subtracted as far as the judge's own copy goes") {
  auto timings = honest(1'000'000);
  timings.copy_bound_ns = 80'000;
  for (auto& one : timings.windows)
    one.copy_ns = one.killed ? std::nullopt : std::optional<std::int64_t>(20 * 50'000);
  auto report = report_side(timings, frame(), "candidate");
  CHECK(report.window_ms[0] == Approx(0.95));
  CHECK(report.window_ms[2] == Approx(0.95));  // the killed one said nothing: as the others
  CHECK(report.method.copy_ms_per_call.value() == Approx(0.05));
  CHECK(report.method.window_ms_per_call.value() == Approx(1.0));
  for (auto& one : timings.windows)
    if (one.copy_ns) one.copy_ns = 20 * 900'000;  // would leave almost nothing
  report = report_side(timings, frame(), "candidate");
  CHECK(report.window_ms[0] == Approx(0.9));
}

TEST_CASE("a last window that takes longer than the others counts alone") {
  const auto reference = honest(1'000'000);
  auto timings = honest(100'000);
  timings.windows.back() = window(20, 900'000, true);
  const auto report = report_side(timings, frame(), "candidate");
  CHECK(report.window_ms == std::vector<double>{0.9});
  CHECK(report.method.stats.median == Approx(0.9));
  CHECK(notes_mention(report.notes, "ended with a kill"));
  const auto timing = report_timing(timings, &reference, frame(), 1);
  CHECK(timing.speedup.value() == Approx(1 / 0.9));
  CHECK(timing.speedup_low.value() == Approx(1 / 0.9));
  CHECK(timing.speedup_high.value() == Approx(10));
  timings.windows.back() = window(20, 110'000, true);
  CHECK(report_side(timings, frame(), "candidate").window_ms.size() == 3);
  CHECK(report_side(timings, frame(), "candidate").notes.empty());
}

TEST_CASE("a candidate's copies count as far as the reference's go") {
  const auto copying = [](std::int64_t copy_ns) {
    auto timings = honest(1'000'000);
    timings.copy_bound_ns = 400'000;
    for (auto& one : timings.windows)
      if (!one.killed) one.copy_ns = 20 * copy_ns;
    return timings;
  };
  const auto reference = copying(100'000), same = copying(100'000), more = copying(400'000);
  const auto none = copying(0);
  CHECK(report_timing(same, &reference, frame(), 1).speedup.value() == Approx(1.0));
  CHECK(report_timing(more, &reference, frame(), 1).speedup.value() == Approx(1.0));
  CHECK(report_timing(none, &reference, frame(), 1).speedup.value() == Approx(0.9));
}

TEST_CASE("the interval reaches to the ratio of the windows that were left out") {
  const auto candidate = honest(1'000'000);
  auto reference = honest(500'000);
  CHECK(report_timing(candidate, &reference, frame(), 1).speedup_high.value() == Approx(0.5));
  reference.beside = {window(20, 1'200'000), window(20, 1'200'000)};
  const auto timing = report_timing(candidate, &reference, frame(), 1);
  CHECK(timing.speedup.value() == Approx(0.5));
  CHECK(timing.speedup_low.value() == Approx(0.5));
  CHECK(timing.speedup_high.value() == Approx(1.2));
}

TEST_CASE("a graph has one figure, with its copies in it") {
  auto timings = honest(10'000);
  auto graph = frame();
  graph.mode = "graph";
  graph.gpu = true;
  timings.copy_bound_ns = 4'000;
  for (auto& one : timings.windows) {
    if (one.killed) continue;
    one.calls_ns = {std::int64_t{20} * 10'000};
    one.copy_ns = 20 * 2'000;
  }
  const auto report = report_side(timings, graph, "candidate");
  CHECK(report.method.method == "window_graph");
  CHECK(report.method.stats.kind == "windows");
  CHECK(report.method.stats.n == 3);
  CHECK(report.method.events_ms_per_call.value() == Approx(0.008));
  CHECK(report.method.stats.median == Approx(0.008));
}

TEST_CASE("the ratio comes from the windows of both sides, by one kind of sample") {
  auto fast = honest(1'000'000), slow = honest(2'000'000);
  auto timing = report_timing(fast, &slow, frame(), 1);
  CHECK(timing.speedup.value() == Approx(2.0));
  CHECK(timing.speedup_low.value() == Approx(2.0));
  CHECK(timing.speedup_high.value() == Approx(2.0));
  CHECK(timing.candidate->stats.kind == "calls");
  for (auto& one : slow.windows) one.calls_ns.clear();
  timing = report_timing(fast, &slow, frame(), 1);
  CHECK(timing.candidate->stats.kind == "windows");
  CHECK(timing.reference->stats.kind == "windows");
  // Lying about calls changes nothing.
  for (auto& one : fast.windows)
    for (auto& call : one.calls_ns) call = 1;
  CHECK(report_timing(fast, &slow, frame(), 1).speedup.value() == Approx(2.0));
}

TEST_CASE("a side with a window no longer than an empty one has no time and gives no ratio") {
  const auto slow = honest(2'000'000);
  const auto says = [](const schemas::Timing& timing, const std::string& words) {
    return timing.unavailable_reason.find(words) != std::string::npos;
  };
  auto shorter = honest(0);
  shorter.windows[1].elapsed_ns = 90'000;
  for (const auto& nothing : {honest(0), shorter}) {
    auto timing = report_timing(nothing, &slow, frame(), 1);
    CHECK_FALSE(timing.speedup);
    CHECK_FALSE(timing.candidate);
    REQUIRE(timing.reference);
    CHECK(timing.reference->stats.median == Approx(2.0));
    CHECK(says(timing, "20 calls of the candidate took 0.1 ms, no longer than an empty window"));
    timing = report_timing(slow, &nothing, frame(), 1);
    CHECK_FALSE(timing.speedup);
    CHECK_FALSE(timing.reference);
    REQUIRE(timing.candidate);
    CHECK(timing.candidate->stats.median == Approx(2.0));
    CHECK(says(timing, "of the reference"));
    timing = report_timing(nothing, nullptr, frame(), 1);
    CHECK_FALSE(timing.candidate);
    CHECK(says(timing, "too short to measure"));
  }
  // One such window is enough: the others are no better known.
  auto mixed = honest(1'000'000);
  mixed.windows[2].elapsed_ns = 100'000;
  CHECK_FALSE(report_timing(mixed, &slow, frame(), 1).candidate);
}

TEST_CASE("a graph no longer than its copies has no figure of its own") {
  auto timings = honest(10'000);
  auto graph = frame();
  graph.mode = "graph";
  timings.copy_bound_ns = 4'000;
  for (auto& one : timings.windows) {
    if (one.killed) continue;
    one.calls_ns = {std::int64_t{20} * 2'000};
    one.copy_ns = 20 * 2'000;
  }
  const auto report = report_side(timings, graph, "candidate");
  CHECK_FALSE(report.method.events_ms_per_call);
  CHECK(report.method.stats.median == Approx(0.008));
}
