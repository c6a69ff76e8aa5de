// SPDX-License-Identifier: Apache-2.0
// Rolling figures over the jobs that ended since the server started. Not thread-safe; the engine's
// mutex guards it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include "engine/engine.h"

namespace assay::engine {

class Statistics {
 public:
  void count_submitted() { ++total_; }
  // A job that ended: its terminal view, evaluation included.
  void count_ended(const JobView& view);
  // Writes totals, rates and averages; a rate over nothing stays absent.
  void fill(EngineStats& stats) const;

 private:
  // A sum and how many went into it.
  struct Mean {
    double sum = 0;
    std::int64_t count = 0;
    void add(double value);
    std::optional<double> value() const;
  };
  void count_durations(const std::vector<schemas::StageTime>& stages);

  std::map<std::tuple<std::string, std::string, std::string>, std::int64_t>
      ended_;  // by kind, type, verdict
  std::map<std::string, StageDurations> stages_;
  std::int64_t total_ = 0, completed_ = 0, failed_ = 0, cancelled_ = 0, profilings_ = 0;
  Mean runtime_ms_, succeeded_, compiled_, compile_seconds_, cache_hits_;
  Mean profiling_seconds_, captured_, correct_;
};

}  // namespace assay::engine
