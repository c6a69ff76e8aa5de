// SPDX-License-Identifier: Apache-2.0
#include "engine/judge/measurement.h"

#include <algorithm>
#include <utility>

#include "engine/judge/failure.h"
#include "engine/judge/random.h"
#include "engine/judge/statistics.h"

namespace assay::engine::judge {
namespace {

// The rest of the plan is given up when less than this many rounds fit into the time left.
constexpr int kRoundsAhead = 3;
// Launches of the device tier's own figure: each is preceded by a cache flush and a held stream.
constexpr std::int64_t kEventCalls = 128;
// The reference is this much slower beside the candidate than alone: then it was disturbed.
constexpr double kDisturbedShare = 0.25;
constexpr std::size_t kWindowsAlone = 3;
// Of a rehearsal, whose calls are not timed: enough to see whether captured calls give the same.
constexpr std::int64_t kRehearsedChecks = 32;

std::size_t outputs_bytes(const Side& side, std::int64_t slots) {
  return static_cast<std::size_t>(side.call.outputs.slot_bytes() * slots);
}

bool any_ambiguous(const std::vector<Poison>& poisons) {
  return std::any_of(poisons.begin(), poisons.end(),
                     [](const Poison& poison) { return poison.present && !poison.is_proof; });
}

}  // namespace

Measurement::Measurement(const MeasurementParts& parts) : parts_(parts) {
  const std::int64_t slots = parts_.plan.slots;
  std::size_t bytes = outputs_bytes(parts_.candidate, slots);
  if (parts_.reference != nullptr) {
    expected_ = parts_.memory.allocate(outputs_bytes(*parts_.reference, slots), Sharing::judge_only,
                                       "expected outputs");
    bytes = std::max(bytes, outputs_bytes(*parts_.reference, slots));
  }
  snapshot_ = parts_.memory.allocate(bytes, Sharing::judge_only, "the outputs to check");
  flush_ = parts_.memory.kind() == schemas::DeviceKind::cuda && !parts_.plan.beyond_cache;
}

std::int64_t Measurement::Round::checked() const {
  return timed ? calls : std::min(calls, kRehearsedChecks);
}

// --- expected values ---

void Measurement::expect(std::int64_t calls) {
  if (parts_.reference == nullptr) return;
  WindowRequest request;
  request.calls = calls;
  request.number = ++parts_.reference->windows;
  request.seed = round_seed_;
  if (reference_graph_repeats_) {
    request.kind = "time";
    request.mode = mode_;
  }
  reference_poison_ =
      parts_.windows.run(*parts_.reference, request, parts_.contents, expected_.get()).poison;
  demand_reference_writes(calls, reference_poison_);
}

void Measurement::demand_reference_writes(std::int64_t calls, const std::vector<Poison>& poison) {
  Evidence written = parts_.evidence.fresh();
  if (written.written_window({&parts_.reference->call, expected_.get(), &poison}, nullptr, calls,
                             round_number_))
    return;
  throw Failure(Cause::unusable, schemas::RunnerRole::reference, "pass", written.fault());
}

// --- check pass ---

bool Measurement::check_candidate(std::int64_t calls, const std::vector<Poison>* poison,
                                  Arena& into, std::vector<Poison>& used) {
  WindowRequest request;
  request.calls = calls;
  request.number = ++parts_.candidate.windows;
  request.seed = round_seed_;
  used = parts_.windows.run(parts_.candidate, request, parts_.contents, &into, poison).poison;
  if (parts_.reference == nullptr) return true;
  return parts_.evidence.compare_window(
      {&parts_.candidate.call, &into, &used},
      {&parts_.reference->call, expected_.get(), &reference_poison_}, calls, round_number_);
}

// Two things make a comparison say nothing: outputs that change by themselves, and outputs that do
// not change with the inputs.
void Measurement::examine_reference(std::int64_t calls) {
  const Outputs once{&parts_.reference->call, expected_.get(), &reference_poison_};
  const std::int64_t varied = std::min(calls, parts_.draws);
  if (varied > 1 && parts_.evidence.all_alike(once, varied))
    warnings_.push_back(
        "the reference's outputs are the same for different inputs, within the tolerance (or have "
        "no elements): a kernel that ignores its inputs would pass as well; choose inputs for "
        "which the outputs differ");
  WindowRequest request;
  request.calls = calls;
  request.number = ++parts_.reference->windows;
  request.seed = round_seed_;
  const WindowResult result =
      parts_.windows.run(*parts_.reference, request, parts_.contents, snapshot_.get());
  if (!parts_.evidence.agree({&parts_.reference->call, snapshot_.get(), &result.poison}, once,
                             calls))
    throw Failure(Cause::unusable, schemas::RunnerRole::reference, "pass",
                  "its outputs differ between two passes over the same inputs and from the same "
                  "random seed, beyond the tolerance, so nothing can be compared with them");
}

bool Measurement::check() {
  const std::int64_t calls = parts_.plan.check_slots;
  begin_round(calls);
  expect(calls);
  if (parts_.reference != nullptr) examine_reference(calls);
  std::vector<Poison> first, second;
  if (!check_candidate(calls, nullptr, *snapshot_, first)) return false;
  const bool twice = any_ambiguous(first);
  if (twice) {
    second_snapshot_ = parts_.memory.allocate(outputs_bytes(parts_.candidate, calls),
                                              Sharing::judge_only, "the outputs to check");
    const std::vector<Poison> other = parts_.windows.make_poisons(parts_.candidate, &first);
    if (!check_candidate(calls, &other, *second_snapshot_, second)) return false;
  }
  if (parts_.reference != nullptr) return true;
  const Outputs once{&parts_.candidate.call, snapshot_.get(), &first};
  const Outputs again{&parts_.candidate.call, second_snapshot_.get(), &second};
  return parts_.evidence.written_window(once, twice ? &again : nullptr, calls, round_number_);
}

// --- timed windows ---

std::string Measurement::wanted_mode() const {
  return parts_.memory.kind() == schemas::DeviceKind::cuda ? "graph" : "stream";
}

bool Measurement::time_for(sandbox::Clock::duration round) const {
  return round * kRoundsAhead < parts_.watch.left();
}

bool Measurement::time(const std::function<void(double)>& progress) {
  const MeasurementPlan& plan = parts_.plan;
  mode_ = wanted_mode();
  candidate_timings_.copy_bound_ns =
      measure_copy_ns(parts_.candidate, plan.final_calls, *snapshot_, parts_.memory);
  if (parts_.reference != nullptr)
    reference_timings_.copy_bound_ns =
        measure_copy_ns(*parts_.reference, plan.final_calls, *snapshot_, parts_.memory);

  auto begin = sandbox::Clock::now();
  if (plan.rehearse && !run_round({plan.final_calls, false, false, parts_.warmup})) return false;
  sandbox::Clock::duration longest =
      plan.rehearse ? sandbox::Clock::now() - begin : sandbox::Clock::duration::zero();

  const auto count = static_cast<double>(plan.window_calls.size() + 1);
  double done = 0;
  for (const std::int64_t calls : plan.window_calls) {
    if (!time_for(longest)) {
      notes_.push_back("stopped early, because the time for this job was running out");
      break;
    }
    begin = sandbox::Clock::now();
    if (!run_round({calls, true, false, plan.rehearse || done > 0 ? 0 : parts_.warmup}))
      return false;
    longest = std::max(longest, sandbox::Clock::now() - begin);
    progress(++done / count);
  }
  if (!device_events(parts_.candidate, candidate_other_)) return false;
  if (parts_.reference != nullptr && !device_events(*parts_.reference, reference_other_))
    return false;
  if (!run_round({plan.final_calls, true, true, 0})) return false;
  if (parts_.reference != nullptr) time_reference_alone();
  return true;
}

// The candidate's processes may have slowed the reference as long as they lived.
void Measurement::time_reference_alone() {
  std::vector<TimedWindow>& windows = reference_timings_.windows;
  if (windows.size() < 2) return;
  const auto per_call = [](auto begin, auto end) {
    std::vector<double> samples;
    for (auto window = begin; window != end; ++window)
      samples.push_back(static_cast<double>(window->elapsed_ns) /
                        static_cast<double>(window->calls));
    return median(samples);
  };
  const double beside = per_call(windows.begin(), windows.end() - 1);
  const auto disturbed = [&](double alone) { return beside > (1 + kDisturbedShare) * alone; };
  if (!disturbed(per_call(windows.end() - 1, windows.end()))) return;
  const Round round{parts_.plan.final_calls, true, false, 0};
  const std::size_t before = windows.size() - 1;
  while (windows.size() < before + kWindowsAlone) {
    if (!time_for(std::chrono::nanoseconds(windows.back().elapsed_ns))) return;
    measure_empty(*parts_.reference, round.calls);
    begin_round(round.calls);
    timed_window(*parts_.reference, round, reference_timings_);
    if (windows.size() <= before) return;  // the mode changed, and what was timed is gone
  }
  const auto first = windows.begin() + static_cast<std::ptrdiff_t>(before);
  const double alone = per_call(first, windows.end());
  if (!disturbed(alone)) return;
  warnings_.push_back("the reference took " + number_text(beside / alone) +
                      " times as long per call while the candidate's processes lived as after "
                      "their end, by their doing or the machine's; the ratio is to its time after "
                      "it, and its interval reaches to the other");
  reference_timings_.beside.assign(windows.begin(), first);
  windows.erase(windows.begin(), first);
}

void Measurement::begin_round(std::int64_t calls) {
  ++round_number_;
  round_seed_ = random_seed();
  fill_contents(calls);
}

void Measurement::fill_contents(std::int64_t slots) {
  parts_.contents.fill(slots, [this] { parts_.watch.check(); });
}

bool Measurement::run_round(const Round& round) {
  if (round.timed && (!round.last || candidate_timings_.windows.empty()))
    measure_empty_both(round.calls);
  begin_round(round.calls);
  expect(round.checked());
  // Who goes first changes with every round, so that neither always finds the warmer machine; in
  // the last one the candidate, so that the reference runs once without it.
  const bool reference_first = !round.last && round_number_ % 2 == 0;
  if (reference_first) time_reference(round);
  if (!time_candidate(round)) return false;
  if (!reference_first) time_reference(round);
  return true;
}

WindowResult Measurement::timed_window(Side& side, const Round& round, SideTimings& timings) {
  WindowRequest request;
  request.kind = "time";
  request.calls = round.calls;
  request.number = ++side.windows;
  request.mode = mode_;
  request.warmup = round.warmup;
  request.seed = round_seed_;
  const bool to_be_killed = round.last && side.role == schemas::RunnerRole::candidate;
  request.kill_at_done = to_be_killed;
  request.flush_cache = flush_;
  WindowResult result = parts_.windows.run(side, request, parts_.contents, snapshot_.get());
  if (result.mode != mode_)
    leave_graphs("the " + side.name() + "'s calls cannot be captured in a CUDA graph");
  if (round.timed) {
    TimedWindow window;
    window.calls = round.calls;
    window.elapsed_ns = result.elapsed_ns;
    window.killed = to_be_killed;
    if (result.told) {
      window.calls_ns = std::move(result.told->calls_ns);
      window.copy_ns = result.told->copy_ns;
    }
    timings.windows.push_back(std::move(window));
  }
  return result;
}

// Before the round's contents are made: an empty window shows a runner what staging holds, and what
// it sees before the clock starts it can compute before the clock starts.
void Measurement::measure_empty_both(std::int64_t released) {
  if (parts_.contents.filled() < released) fill_contents(released);
  measure_empty(parts_.candidate, released);
  if (parts_.reference != nullptr) measure_empty(*parts_.reference, released);
}

void Measurement::measure_empty(Side& side, std::int64_t released) {
  WindowRequest request;
  request.kind = "time";
  request.calls = 0;
  request.released = released;
  request.number = ++side.windows;
  request.flush_cache = flush_;
  const std::int64_t elapsed =
      parts_.windows.run(side, request, parts_.contents, nullptr).elapsed_ns;
  (side.role == schemas::RunnerRole::reference ? empty_reference_ns_ : empty_candidate_ns_)
      .push_back(elapsed);
}

bool Measurement::time_candidate(const Round& round) {
  const WindowResult result = timed_window(parts_.candidate, round, candidate_timings_);
  if (round.last) {
    final_kill_ = result.killed;
    if (!result.killed)
      notes_.push_back("the last window could not be ended with a kill: the process did not die");
  }
  const Outputs got{&parts_.candidate.call, snapshot_.get(), &result.poison};
  const Evidence before = parts_.evidence;
  if (window_is_right(got, round)) return true;
  if (result.mode != "graph" || round.last) return false;
  // A copy from a host variable that is gone at the replay, work on a stream of its own: right as
  // it is called, but not as a graph. The windows that follow are checked on the stream.
  parts_.evidence = before;
  leave_graphs(
      "the candidate's calls give other values captured in a CUDA graph than on the stream");
  return true;
}

bool Measurement::window_is_right(const Outputs& got, const Round& round) {
  if (parts_.reference == nullptr)
    return parts_.evidence.written_window(got, nullptr, round.checked(), round_number_);
  return parts_.evidence.compare_window(
      got, {&parts_.reference->call, expected_.get(), &reference_poison_}, round.checked(),
      round_number_);
}

// From here on both sides run on the stream, and what was timed otherwise is dropped.
void Measurement::leave_graphs(const std::string& why) {
  mode_ = "stream";
  notes_.push_back(why + "; both sides run on the stream");
  candidate_timings_.windows.clear();
  reference_timings_.windows.clear();
}

void Measurement::time_reference(const Round& round) {
  if (parts_.reference == nullptr) return;
  const WindowResult result = timed_window(*parts_.reference, round, reference_timings_);
  const Outputs got{&parts_.reference->call, snapshot_.get(), &result.poison};
  const Outputs want{&parts_.reference->call, expected_.get(), &reference_poison_};
  if (reference_repeats_ && !parts_.evidence.agree(got, want, round.checked())) {
    reference_repeats_ = false;
    notes_.push_back(
        "the reference does not repeat itself within the tolerance: its timed calls differ from "
        "its untimed ones on the same inputs");
  }
  reference_graph_repeats_ = reference_repeats_ && mode_ == "graph";
}

// The device tier's own figure: each launch behind a blocking kernel with a cold cache. False: a
// call was wrong.
bool Measurement::device_events(Side& side, std::vector<schemas::TimingMethod>& into) {
  if (side.runner.tier() != Tier::device || parts_.memory.kind() != schemas::DeviceKind::cuda)
    return true;
  const bool candidate = side.role == schemas::RunnerRole::candidate;
  const std::int64_t calls = std::min(parts_.plan.final_calls, kEventCalls);
  begin_round(calls);
  // A graph serves the calls that it was captured with; those beyond `calls` hold what they held.
  if (candidate) expect(reference_graph_repeats_ ? parts_.plan.final_calls : calls);
  WindowRequest request;
  request.kind = "time";
  request.calls = calls;
  request.number = ++side.windows;
  request.mode = "events";
  request.seed = round_seed_;
  request.warmup = 1;
  WindowResult result;
  try {
    result = parts_.windows.run(side, request, parts_.contents, snapshot_.get());
  } catch (const Failure& failure) {
    // A runner without this mode says so.
    if (failure.cause == Cause::runner_error &&
        failure.error.kind == schemas::RunnerErrorKind::protocol)
      return true;
    throw;
  }
  if (result.mode == "events" && result.told &&
      static_cast<std::int64_t>(result.told->calls_ns.size()) == calls) {
    std::vector<double> samples;
    for (const std::int64_t call : result.told->calls_ns)
      samples.push_back(static_cast<double>(call) / 1e6);
    schemas::TimingMethod method;
    method.method = "device_events";
    method.how =
        "CUDA events round each launch, queued behind a blocking kernel, with the L2 cache "
        "overwritten before it";
    method.stats = describe(std::move(samples), "calls");
    into.push_back(std::move(method));
  }
  const Outputs got{&side.call, snapshot_.get(), &result.poison};
  if (!candidate) return true;
  if (parts_.reference == nullptr)
    return parts_.evidence.written_window(got, nullptr, calls, round_number_);
  return parts_.evidence.compare_window(
      got, {&parts_.reference->call, expected_.get(), &reference_poison_}, calls, round_number_);
}

}  // namespace assay::engine::judge
