// SPDX-License-Identifier: Apache-2.0
// The engine's facade: submit a job, wait for it, ask, cancel, count. Owns the job table, the queue
// and the threads that feed an executor. All members are thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/executor.h"
#include "engine/log_page.h"
#include "schemas/evaluation.h"
#include "schemas/job.h"
#include "schemas/requests.h"
#include "schemas/result.h"

namespace assay::engine {

struct EngineOptions {
  std::string data_directory;                        // job table, cache; made with mode 0700
  std::size_t max_queued_jobs = 1000;                // more: Error{overloaded}
  std::chrono::seconds finished_job_lifetime{3600};  // cleanup removes older ones
  std::chrono::seconds cleanup_interval{300};
};

// A job as it stands now.
struct JobView {
  std::string job_id;
  schemas::JobKind kind = schemas::JobKind::evaluate;
  schemas::JobState state = schemas::JobState::submitted;
  std::int64_t queue_position = 0;  // 1 = next; 0 = not queued
  double progress = 0;              // 0..1
  std::string message;              // last event's message
  double created_at = 0;            // seconds since the epoch
  std::optional<double> started_at, finished_at;
  std::string error;
  std::vector<schemas::StageTime> stages;
  std::optional<schemas::Evaluation> evaluation;  // when terminal
};

struct EngineStats {
  std::int64_t total = 0, completed = 0, failed = 0, active = 0, queued = 0;
  std::optional<double> average_runtime_ms;  // of completed jobs, wall, submit to end
  std::optional<double> success_rate;
  std::int64_t compilations = 0;
  std::optional<double> compile_success_rate, compile_average_time_s, compile_cache_hit_rate;
  std::int64_t profilings = 0;
  std::optional<double> profiling_average_time_s, graph_capture_rate, correctness_rate;
  std::optional<CacheUse> cache;
  std::vector<DeviceUse> devices;
  std::vector<std::string> starting;
  std::vector<schemas::LayerReport> isolation;
  double uptime_s = 0;
};

// Called for every change of a job, one call at a time; must not block nor call the engine. Return
// false to stop listening.
using JobListener = std::function<bool(const JobView&)>;

class Engine {
 public:
  // Opens the job table (jobs that were running when the last process ended become `interrupted`)
  // and starts the worker threads. The executor may still be starting.
  static schemas::Result<std::unique_ptr<Engine>> open(EngineOptions options,
                                                       std::unique_ptr<Executor> executor);
  virtual ~Engine();

  // Records the job durably, queues it, returns its id. Errors: overloaded; malformed_call when its
  // tensors need more memory than any configured device has.
  virtual schemas::Result<std::string> submit(schemas::WorkRequest work) = 0;
  // The job once it is terminal, or as it stands after `patience`. Error: not_found.
  virtual schemas::Result<JobView> wait(const std::string& job_id,
                                        std::chrono::milliseconds patience) = 0;
  virtual schemas::Result<JobView> find(const std::string& job_id) = 0;
  // All that compilers said of the job, from byte `cursor` on. Error: not_found.
  virtual schemas::Result<LogPage> compile_log(const std::string& job_id, std::int64_t cursor) = 0;
  // A queued job ends at once, a running one soon; one that has ended stays as it is. Error:
  // not_found.
  virtual schemas::Status cancel(const std::string& job_id) = 0;
  // A job that has ended already: `listener` is called once, at once. Error: not_found.
  virtual schemas::Status listen(const std::string& job_id, JobListener listener) = 0;
  virtual std::int64_t cleanup() = 0;  // finished jobs removed
  virtual EngineStats stats() = 0;
  virtual Capacity capacity() = 0;
  // No new jobs; waits up to `patience` for running ones, then ends them as interrupted. Queued
  // ones stay in the table and are queued again by the next process. Idempotent.
  virtual void stop(std::chrono::milliseconds patience) = 0;
};

}  // namespace assay::engine
