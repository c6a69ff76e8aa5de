// SPDX-License-Identifier: Apache-2.0
#include "engine/statistics.h"

#include <algorithm>

namespace assay::engine {

void Statistics::Mean::add(double value) {
  sum += value;
  ++count;
}

std::optional<double> Statistics::Mean::value() const {
  return count == 0 ? std::nullopt : std::optional(sum / static_cast<double>(count));
}

void Statistics::count_durations(const std::vector<schemas::StageTime>& stages) {
  for (const schemas::StageTime& stage : stages) {
    StageDurations& durations = stages_[stage.name];
    durations.stage = stage.name;
    durations.sum_seconds += stage.seconds;
    const auto* bound = std::lower_bound(kStageBounds.begin(), kStageBounds.end(), stage.seconds);
    ++durations.counts[static_cast<std::size_t>(bound - kStageBounds.begin())];
  }
}

void Statistics::count_ended(const JobView& view) {
  count_durations(view.stages);
  const bool has_verdict =
      view.state == schemas::JobState::completed || view.state == schemas::JobState::failed;
  ++ended_[{schemas::job_kind_name(view.kind),
            view.evaluation ? schemas::kernel_type_name(view.evaluation->kernel_type) : "unknown",
            has_verdict && view.evaluation
                ? schemas::verdict_code_name(view.evaluation->verdict.code)
                : schemas::job_state_name(view.state)}];
  const bool completed = view.state == schemas::JobState::completed;
  if (view.state == schemas::JobState::cancelled) {  // its callers' wish, no failure
    ++cancelled_;
  } else {
    ++(completed ? completed_ : failed_);
    succeeded_.add(completed ? 1 : 0);
  }
  if (completed && view.finished_at) {
    runtime_ms_.add((*view.finished_at - view.created_at) * 1e3);
  }
  for (const schemas::StageTime& stage : view.stages) {
    if (stage.name == schemas::stage_name(schemas::Stage::profiling)) {
      ++profilings_;
      profiling_seconds_.add(stage.seconds);
    }
  }
  if (!view.evaluation) {
    return;
  }
  const schemas::Evaluation& evaluation = *view.evaluation;
  for (const schemas::CompileReport& report : evaluation.compile) {
    cache_hits_.add(report.cache_hit ? 1 : 0);
    if (!report.cache_hit) {
      compile_seconds_.add(report.seconds);
    }
  }
  if (!evaluation.compile.empty() && evaluation.compiled) {
    compiled_.add(*evaluation.compiled ? 1 : 0);
  }
  if (evaluation.timing.candidate) {
    captured_.add(evaluation.timing.candidate->method == "window_graph" ? 1 : 0);
  }
  if (evaluation.correctness) {
    correct_.add(*evaluation.correctness ? 1 : 0);
  }
}

void Statistics::fill(EngineStats& stats) const {
  for (const auto& [key, count] : ended_) {
    stats.ended.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), count});
  }
  for (const auto& [name, durations] : stages_) {
    stats.stages.push_back(durations);
  }
  stats.total = total_;
  stats.completed = completed_;
  stats.failed = failed_;
  stats.cancelled = cancelled_;
  stats.average_runtime_ms = runtime_ms_.value();
  stats.success_rate = succeeded_.value();
  stats.compilations = cache_hits_.count;
  stats.compile_success_rate = compiled_.value();
  stats.compile_average_time_s = compile_seconds_.value();
  stats.compile_cache_hit_rate = cache_hits_.value();
  stats.profilings = profilings_;
  stats.profiling_average_time_s = profiling_seconds_.value();
  stats.graph_capture_rate = captured_.value();
  stats.correctness_rate = correct_.value();
}

}  // namespace assay::engine
