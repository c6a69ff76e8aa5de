// SPDX-License-Identifier: Apache-2.0
// An engine without workers: a test says what becomes of the jobs it is given.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/engine.h"

namespace assay::tests {

// Thread-safe. By default a job is completed at once as `correct`.
class FakeEngine final : public engine::Engine {
 public:
  using Decide = std::function<schemas::Evaluation(const schemas::WorkRequest&)>;

  Decide decide = [](const schemas::WorkRequest& work) {
    schemas::Evaluation evaluation;
    evaluation.kind = work.kind;
    evaluation.kernel_type = work.candidate.type;
    evaluation.verdict = {schemas::VerdictCode::correct, "It agrees with the reference.",
                          "Keep it."};
    evaluation.compiled = evaluation.correctness = true;
    return evaluation;
  };
  // Jobs stay as they are until `set` or `complete` is called.
  std::atomic<bool> hold = false;
  // What submit says instead of taking the job.
  std::optional<schemas::Error> refusal;
  std::function<void()> before_submit, before_cancel;  // may call the engine
  engine::Capacity capacity_now;
  engine::EngineStats stats_now;
  std::string compile_log_now;                  // of every job
  std::vector<schemas::WorkRequest> submitted;  // read it when no call is in progress
  std::vector<std::string> cancelled;
  std::vector<engine::IdentifiedJob> identified_now;
  std::vector<engine::JobFilter> filters;  // of the lists asked for
  engine::JobList list_now;
  int cleanups = 0;
  std::function<void()> on_cleanup;  // a defect of the engine, when it throws

  schemas::Result<std::string> submit(schemas::WorkRequest work,
                                      engine::JobIdentity identity = {}) override {
    if (before_submit) before_submit();
    const std::lock_guard lock(mutex_);
    if (refusal) return *refusal;
    const std::string id = "job-" + std::to_string(jobs_.size() + removed_ + 1);
    engine::JobView job;
    job.job_id = id;
    job.kind = work.kind;
    job.queue_position = 1;
    job.created_at = 1'700'000'000.25;
    submitted.push_back(work);
    if (!hold) finish(job, decide(work));
    jobs_[id] = job;
    if (!identity.key.empty()) identified_now.push_back({id, std::move(identity)});
    changed_.notify_all();
    return id;
  }

  schemas::Result<engine::JobView> wait(const std::string& job_id,
                                        std::chrono::milliseconds patience) override {
    std::unique_lock lock(mutex_);
    if (!jobs_.count(job_id)) return unknown(job_id);
    changed_.wait_for(lock, patience, [&] { return schemas::is_terminal(jobs_[job_id].state); });
    return jobs_[job_id];
  }

  schemas::Result<std::vector<engine::IdentifiedJob>> identified(std::size_t most) override {
    const std::lock_guard lock(mutex_);
    const std::size_t skipped = identified_now.size() - std::min(most, identified_now.size());
    return std::vector(identified_now.begin() + static_cast<std::ptrdiff_t>(skipped),
                       identified_now.end());
  }

  schemas::Result<engine::JobView> find(const std::string& job_id) override {
    return wait(job_id, std::chrono::milliseconds::zero());
  }

  schemas::Result<engine::JobList> list(const engine::JobFilter& filter) override {
    const std::lock_guard lock(mutex_);
    filters.push_back(filter);
    return list_now;
  }

  schemas::Result<engine::LogPage> compile_log(const std::string& job_id,
                                               std::int64_t cursor) override {
    const std::lock_guard lock(mutex_);
    if (!jobs_.count(job_id)) return unknown(job_id);
    return engine::page_of(compile_log_now, cursor);
  }

  schemas::Status cancel(const std::string& job_id) override {
    if (before_cancel) before_cancel();
    const std::lock_guard lock(mutex_);
    if (!jobs_.count(job_id)) return unknown(job_id);
    cancelled.push_back(job_id);
    if (!schemas::is_terminal(jobs_[job_id].state))
      jobs_[job_id].state = schemas::JobState::cancelled;
    tell(job_id);
    changed_.notify_all();
    return schemas::success();
  }

  schemas::Status listen(const std::string& job_id, engine::JobListener listener) override {
    const std::lock_guard lock(mutex_);
    if (!jobs_.count(job_id)) return unknown(job_id);
    if (!schemas::is_terminal(jobs_[job_id].state))
      listeners_[job_id].push_back(std::move(listener));
    else
      listener(jobs_[job_id]);
    return schemas::success();
  }
  std::int64_t cleanup() override {
    if (on_cleanup) on_cleanup();
    return ++cleanups;
  }
  engine::EngineStats stats() override { return stats_now; }
  engine::Capacity capacity() override { return capacity_now; }
  void stop(std::chrono::milliseconds) override {}

  // Changes a job under the lock and wakes who waits for it.
  void set(const std::string& job_id, const std::function<void(engine::JobView&)>& change) {
    const std::lock_guard lock(mutex_);
    change(jobs_[job_id]);
    tell(job_id);
    changed_.notify_all();
  }
  // As if its lifetime had passed.
  void remove(const std::string& job_id) {
    const std::lock_guard lock(mutex_);
    jobs_.erase(job_id);
    ++removed_;
  }
  void complete(const std::string& job_id) {
    set(job_id, [&](engine::JobView& job) { finish(job, decide(schemas::WorkRequest{})); });
  }
  bool was_cancelled() {
    const std::lock_guard lock(mutex_);
    return !cancelled.empty();
  }
  // How many still want to hear of the job.
  std::size_t listeners(const std::string& job_id) {
    const std::lock_guard lock(mutex_);
    return listeners_[job_id].size();
  }
  // True once a job was submitted.
  bool await_submission(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return !jobs_.empty(); });
  }

 private:
  void tell(const std::string& job_id) {
    std::erase_if(listeners_[job_id],
                  [&](const auto& listener) { return !listener(jobs_[job_id]); });
  }
  static schemas::Error unknown(const std::string& job_id) {
    return {schemas::ErrorCode::not_found, "there is no job " + job_id, false, {}};
  }
  static void finish(engine::JobView& job, schemas::Evaluation evaluation) {
    evaluation.job_id = job.job_id;
    job.state = schemas::JobState::completed;
    job.queue_position = 0;
    job.progress = 1;
    job.finished_at = job.created_at + 1;
    job.evaluation = std::move(evaluation);
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, engine::JobView> jobs_;
  std::size_t removed_ = 0;
  std::map<std::string, std::vector<engine::JobListener>> listeners_;
};

}  // namespace assay::tests
