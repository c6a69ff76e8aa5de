// SPDX-License-Identifier: Apache-2.0
// The engine's facade: submit a job, wait for it, ask, cancel, count. Owns the job table, the queue
// and the threads that feed an executor. All members are thread-safe.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/executor.h"
#include "engine/job_listing.h"
#include "engine/log_page.h"
#include "schemas/evaluation.h"
#include "schemas/job.h"
#include "schemas/requests.h"
#include "schemas/result.h"

namespace assay::engine {

struct EngineOptions {
  std::string data_directory;          // job table, cache; made with mode 0700
  std::size_t max_queued_jobs = 1000;  // more: Error{overloaded}
  std::size_t max_unfinished_bytes = std::size_t{256} << 20;  // of their requests, likewise
  std::chrono::seconds finished_job_lifetime{3600};           // cleanup removes older ones
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
  std::string stage;                              // the one it is in, until it ends
  std::string log_tail;                           // the last of what the executor told
  std::int64_t log_bytes = 0;                     // of all that it told
  std::int64_t compile_log_bytes = 0;             // see Engine::compile_log
  bool held_over = false;                         // not begun, and this process is stopping
  std::optional<schemas::Evaluation> evaluation;  // when terminal
};

// How many jobs of one sort ended in one way.
struct JobCount {
  std::string kind, kernel_type;
  std::string verdict;  // or, of a job without one, its state
  std::int64_t count = 0;
};

// How long a stage took, of the jobs that ended: a count per bound of kStageBounds, and one beyond.
inline constexpr std::array kStageBounds = {0.01, 0.05, 0.1, 0.25, 0.5,  1.0,  2.5,
                                            5.0,  10.0, 30., 60.0, 120., 300., 600.};
struct StageDurations {
  std::string stage;
  std::array<std::int64_t, kStageBounds.size() + 1> counts{};
  double sum_seconds = 0;
};

struct EngineStats {
  std::int64_t total = 0, completed = 0, failed = 0, cancelled = 0, active = 0, queued = 0;
  std::optional<double> average_runtime_ms;  // of completed jobs, wall, submit to end
  std::optional<double> success_rate;        // of those completed or failed
  std::int64_t compilations = 0;
  std::optional<double> compile_success_rate, compile_average_time_s, compile_cache_hit_rate;
  std::int64_t profilings = 0;
  std::optional<double> profiling_average_time_s, graph_capture_rate, correctness_rate;
  std::optional<CacheUse> cache;
  std::vector<JobCount> ended;         // by kind, type and verdict
  std::vector<StageDurations> stages;  // in no order
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
  virtual schemas::Result<std::string> submit(schemas::WorkRequest work,
                                              JobIdentity identity = {}) = 0;
  // The newest `most` jobs that were submitted with an identity and neither cancelled nor
  // interrupted, oldest first.
  virtual schemas::Result<std::vector<IdentifiedJob>> identified(std::size_t most) = 0;
  // The job once it is terminal, or as it stands after `patience` or once it is held over. Error:
  // not_found.
  virtual schemas::Result<JobView> wait(const std::string& job_id,
                                        std::chrono::milliseconds patience) = 0;
  virtual schemas::Result<JobView> find(const std::string& job_id) = 0;
  // The newest jobs first, as last recorded.
  virtual schemas::Result<JobList> list(const JobFilter& filter) = 0;
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
  // No new jobs; waits up to `patience` for running ones, then ends them as interrupted. Those that
  // wait, in the queue or for a device, are held over: they stay in the table and are queued again
  // by the next process; listeners are told. Idempotent.
  virtual void stop(std::chrono::milliseconds patience) = 0;
};

}  // namespace assay::engine
