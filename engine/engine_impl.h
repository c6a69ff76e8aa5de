// SPDX-License-Identifier: Apache-2.0
// The engine behind engine.h. Only engine.cpp and the tests include this.
//
// Threads: `parallel_jobs` workers, each taking the oldest queued job, running it on the executor
// and recording its end; one cleaner. One mutex guards all members below it. The job table is
// written without that mutex held (a commit waits for the disk), which is safe because each job has
// one writer at a time: the submitter until it is queued, then whoever takes it out of the queue (a
// worker or a canceller). A job is shown as terminal only once its end is on disk.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "engine/engine.h"
#include "engine/job_table.h"
#include "engine/statistics.h"

namespace assay::engine {

class EngineImpl final : public Engine {
 public:
  EngineImpl(EngineOptions options, std::unique_ptr<JobTable> table,
             std::unique_ptr<Executor> executor);
  ~EngineImpl() override;
  // Ends what the last process left: running jobs are interrupted, queued ones queued again. Then
  // starts threads.
  schemas::Status start();

  schemas::Result<std::string> submit(schemas::WorkRequest work, JobIdentity identity) override;
  schemas::Result<std::vector<IdentifiedJob>> identified(std::size_t most) override;
  schemas::Result<JobView> wait(const std::string& job_id,
                                std::chrono::milliseconds patience) override;
  schemas::Result<JobView> find(const std::string& job_id) override;
  schemas::Result<JobList> list(const JobFilter& filter) override;
  schemas::Result<LogPage> compile_log(const std::string& job_id, std::int64_t cursor) override;
  schemas::Status cancel(const std::string& job_id) override;
  schemas::Status listen(const std::string& job_id, JobListener listener) override;
  std::int64_t cleanup() override;
  EngineStats stats() override;
  Capacity capacity() override;
  void stop(std::chrono::milliseconds patience) override;

 private:
  struct Job;
  using JobPointer = std::shared_ptr<Job>;

  schemas::Status recover();
  void work();  // a worker thread
  void run(const JobPointer& job);
  void note(const JobPointer& job, const schemas::JobEvent& event);
  void end(const JobPointer& job, schemas::Result<schemas::Evaluation> result);
  void finish(const JobPointer& job);  // record is terminal: stores, publishes
  void notify(const JobPointer& job);  // tells listeners; no lock held
  void notify_queue();
  JobPointer find_active(const std::string& job_id);
  JobView view_of(const Job& job) const;
  // Stopped while it waited for a device: the next process runs it.
  static bool is_held_over(const Job& job);
  schemas::Status check_room(std::size_t bytes) const;
  void clean_regularly();

  const EngineOptions options_;
  const std::unique_ptr<JobTable> table_;
  const std::unique_ptr<Executor> executor_;
  const std::chrono::steady_clock::time_point opened_ = std::chrono::steady_clock::now();

  std::mutex mutex_;
  std::condition_variable changed_;  // any job, the queue, stopping
  std::unordered_map<std::string, JobPointer>
      active_;  // not yet terminal; from before their record is on disk
  std::deque<JobPointer> queue_;
  std::size_t being_recorded_ = 0;  // submitted, on their way to disk
  std::int64_t running_ = 0;
  Statistics statistics_;
  bool stopping_ = false;  // no new jobs, none taken from the queue
  bool stopped_ = false;   // threads have been told to end

  std::vector<std::thread> workers_;
  std::thread cleaner_;
};

}  // namespace assay::engine
