// SPDX-License-Identifier: Apache-2.0
// Measurement: the check pass and the timed windows of one job, reference and candidate interleaved
// on the same inputs. Every timed call's outputs are checked against an untimed pass of the
// reference over those very inputs.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/judge/contents.h"
#include "engine/judge/evidence.h"
#include "engine/judge/plan.h"
#include "engine/judge/timing_report.h"
#include "engine/judge/window.h"

namespace assay::engine::judge {

struct MeasurementParts {
  Memory& memory;
  JobWatch& watch;
  WindowRunner& windows;
  Contents& contents;
  Evidence& evidence;
  Side* reference;  // null: none
  Side& candidate;
  const MeasurementPlan& plan;
  std::int64_t warmup = 0;
  std::int64_t draws = 1;  // independent ones: contents 0 to draws - 1
};

class Measurement {
 public:
  // Both sides are bound with plan.slots slots. Failure: memory.
  explicit Measurement(const MeasurementParts& parts);

  // The untimed check pass; twice with other poison where a poison could be a right value. False:
  // the candidate is wrong, and the evidence says how. Failure: unusable, when the reference does
  // not write its outputs.
  bool check();

  // Rehearsal, ordinary windows, last window with the candidate's kill. `progress` hears fractions
  // of 1. False: a timed call of the candidate was wrong.
  bool time(const std::function<void(double)>& progress);

  // REQUIRES: time() returned true.
  schemas::Timing report(std::uint64_t bootstrap_seed) const;
  bool final_kill() const { return final_kill_; }
  // What the verdict cannot tell, or what disturbed it.
  const std::vector<std::string>& warnings() const { return warnings_; }
  std::int64_t windows_timed() const {
    return static_cast<std::int64_t>(candidate_timings_.windows.size());
  }

 private:
  struct Round {
    std::int64_t calls = 0;
    bool timed = true;  // false: a rehearsal
    bool last = false;  // ends with a kill
    std::int64_t warmup = 0;
    std::int64_t checked() const;  // its first calls, of which the outputs are compared
  };
  void begin_round(std::int64_t calls);
  void fill_contents(std::int64_t slots);
  void expect(std::int64_t calls);
  void examine_reference(std::int64_t calls);
  bool check_candidate(std::int64_t calls, const std::vector<Poison>* poison, Arena& into,
                       std::vector<Poison>& used);
  void demand_reference_writes(std::int64_t calls, const std::vector<Poison>& poison);
  bool run_round(const Round& round);
  bool time_candidate(const Round& round);
  void time_reference(const Round& round);
  void time_reference_alone();
  WindowResult timed_window(Side& side, const Round& round, SideTimings& timings);
  bool window_is_right(const Outputs& got, const Round& round);
  void leave_graphs(const std::string& why);
  void measure_empty(Side& side, std::int64_t released);
  void measure_empty_both(std::int64_t released);
  bool device_events(Side& side, std::vector<schemas::TimingMethod>& into);
  bool time_for(sandbox::Clock::duration round) const;
  std::string wanted_mode() const;

  MeasurementParts parts_;
  ArenaPointer expected_, snapshot_, second_snapshot_;
  std::vector<Poison> reference_poison_;
  SideTimings candidate_timings_, reference_timings_;
  std::vector<std::int64_t> empty_candidate_ns_, empty_reference_ns_;
  std::vector<schemas::TimingMethod> candidate_other_, reference_other_;
  std::vector<std::string> notes_, warnings_;
  std::string mode_ = "stream";
  std::int64_t round_number_ = 0;
  std::uint64_t round_seed_ = 0;
  bool final_kill_ = false, reference_repeats_ = true, flush_ = false;
  // Its captured calls gave what its calls on the stream gave: untimed passes may replay them.
  bool reference_graph_repeats_ = false;
};

}  // namespace assay::engine::judge
