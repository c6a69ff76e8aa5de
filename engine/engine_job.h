// SPDX-License-Identifier: Apache-2.0
// A job in the engine's hands. Only engine.cpp and engine_worker.cpp include this.
#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <vector>

#include "engine/engine_impl.h"

namespace assay::engine {

inline double now_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// A job that has not ended. The engine's mutex guards all but the cancellation.
struct EngineImpl::Job {
  JobRecord record;
  double progress = 0;
  std::int64_t log_bytes = 0;  // of all that was told; the record keeps the tail
  std::size_t bytes = 0;       // of its record, as JSON
  bool ended = false;          // terminal and on disk
  bool cancelled_by_stop = false;
  // Its last state before the end, shown until the end is on disk.
  schemas::JobState state_before_end = schemas::JobState::submitted;
  std::string stage;  // the one being timed
  std::chrono::steady_clock::time_point stage_began = std::chrono::steady_clock::now();
  std::vector<JobListener> listeners;
  std::mutex notifying;  // one call of the listeners at a time, so that none is missed; taken
                         // before mutex_
  Cancellation cancellation;

  // Its record is complete: from here on it waits.
  void begin_waiting() {
    bytes = schemas::dump_json(schemas::to_json(record.spec)).size();
    enter_stage(schemas::stage_name(schemas::Stage::queued));
  }

  void enter_stage(const std::string& name) {
    const auto now = std::chrono::steady_clock::now();
    if (!stage.empty()) {
      record.stages.push_back({stage, std::chrono::duration<double>(now - stage_began).count()});
    }
    stage = name;
    stage_began = now;
  }
};

}  // namespace assay::engine
