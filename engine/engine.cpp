// SPDX-License-Identifier: Apache-2.0
#include "engine/engine.h"

#include <algorithm>
#include <filesystem>

#include "engine/engine_job.h"
#include "engine/failure.h"
#include "engine/log_page.h"
#include "engine/memory_check.h"
#include "schemas/random_id.h"

namespace assay::engine {

using schemas::Error;
using schemas::ErrorCode;
using schemas::Evaluation;
using schemas::JobEvent;
using schemas::JobState;
using schemas::Result;
using schemas::Status;

namespace {

// What the table says of an id that it does not hold, with what its sender can do.
Error explained(Error error, std::chrono::seconds lifetime) {
  if (error.code != ErrorCode::not_found) {
    return error;
  }
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(lifetime);
  error.message += ": finished jobs are kept for " +
                   (minutes.count() > 0 ? std::to_string(minutes.count()) + " minutes"
                                        : std::to_string(lifetime.count()) + " seconds") +
                   "; send the request again to get a new job";
  return error;
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::open(EngineOptions options,
                                             std::unique_ptr<Executor> executor) {
  namespace fs = std::filesystem;
  std::error_code error;
  fs::create_directories(options.data_directory, error);
  if (!error) {
    fs::permissions(options.data_directory, fs::perms::owner_all, error);
  }
  if (error) {
    return Error{ErrorCode::internal,
                 "cannot use the data directory " + options.data_directory + ": " + error.message(),
                 false,
                 {}};
  }
  auto table = JobTable::open(options.data_directory + "/jobs.sqlite");
  if (!table) {
    return table.error();
  }
  auto engine =
      std::make_unique<EngineImpl>(std::move(options), std::move(*table), std::move(executor));
  if (Status started = engine->start(); !started) {
    return started.error();
  }
  return std::unique_ptr<Engine>(std::move(engine));
}

Engine::~Engine() = default;

EngineImpl::EngineImpl(EngineOptions options, std::unique_ptr<JobTable> table,
                       std::unique_ptr<Executor> executor)
    : options_(std::move(options)), table_(std::move(table)), executor_(std::move(executor)) {}

EngineImpl::~EngineImpl() {
  stop(std::chrono::milliseconds(0));
}

Status EngineImpl::start() {
  if (Status recovered = recover(); !recovered) {
    return recovered;
  }
  const std::int64_t parallel = std::max<std::int64_t>(1, executor_->capacity().parallel_jobs);
  for (std::int64_t i = 0; i < parallel; ++i) {
    workers_.emplace_back([this] { work(); });
  }
  cleaner_ = std::thread([this] { clean_regularly(); });
  return schemas::success();
}

Status EngineImpl::recover() {
  auto records = table_->unfinished();
  if (!records) {
    return records.error();
  }
  for (JobRecord& record : *records) {
    const bool begun = record.spec.attempt > 0 && record.state != JobState::submitted;
    if (begun || record.spec.attempt >= kMaxAttempts || !record.error.empty()) {
      if (record.error.empty()) {
        record.error = begun ? "the server ended while the job ran"
                             : "the server ended " + std::to_string(kMaxAttempts) +
                                   " times while the job waited for a device";
      }
      record.message = record.error;
      record.evaluation = interrupted_evaluation(record);
      record.state = JobState::interrupted;
      record.finished_at = now_seconds();
      if (Status finished = table_->finish(record); !finished) {
        return finished;
      }
    } else {
      auto job = std::make_shared<Job>();
      job->record = std::move(record);
      job->begin_waiting();
      statistics_.count_submitted();
      active_.emplace(job->record.spec.job_id, job);
      queue_.push_back(job);
    }
  }
  return schemas::success();
}

Status EngineImpl::check_room(std::size_t bytes) const {
  const auto full = [](const std::string& what) {
    return Error{ErrorCode::overloaded, "the queue is full (" + what + ")", true, {}};
  };
  if (queue_.size() + being_recorded_ >= options_.max_queued_jobs)
    return full(std::to_string(options_.max_queued_jobs) + " jobs");
  for (const auto& [id, job] : active_) bytes += job->bytes;
  if (bytes > options_.max_unfinished_bytes)
    return full(std::to_string(options_.max_unfinished_bytes >> 20) + " MiB of requests");
  return schemas::success();
}

Result<std::string> EngineImpl::submit(schemas::WorkRequest work, JobIdentity identity) {
  if (Status fits = check_memory(work, executor_->capacity().configured); !fits) {
    return fits.error();
  }
  auto job = std::make_shared<Job>();
  const std::string job_id = schemas::random_id();
  job->record.spec.job_id = job_id;
  job->record.spec.work = std::move(work);
  job->record.created_at = now_seconds();
  job->record.message = "queued";
  job->record.identity = std::move(identity);
  job->begin_waiting();
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      return Error{ErrorCode::overloaded, "the server is stopping", true, {}};
    }
    if (Status room = check_room(job->bytes); !room) return room.error();
    ++being_recorded_;
    active_.emplace(job_id, job);  // before the table lists it
  }
  const Status stored = table_->insert(job->record);
  {
    const std::lock_guard lock(mutex_);
    --being_recorded_;
    changed_.notify_all();
    if (!stored) {
      active_.erase(job_id);
      return stored.error();
    }
    statistics_.count_submitted();
    queue_.push_back(job);
  }
  // Whoever found it in the table may have come before the queue knew it.
  if (job->cancellation.cancelled()) {
    static_cast<void>(cancel(job_id));
  } else {
    notify(job);
  }
  return job_id;
}

EngineImpl::JobPointer EngineImpl::find_active(const std::string& job_id) {
  const auto found = active_.find(job_id);
  return found == active_.end() ? nullptr : found->second;
}

bool EngineImpl::is_held_over(const Job& job) {
  return job.cancelled_by_stop && job.record.state == JobState::submitted;
}

JobView EngineImpl::view_of(const Job& job) const {
  const JobRecord& record = job.record;
  JobView view = view_of_record(record);
  view.progress = job.ended ? 1 : job.progress;
  view.stage = job.stage;
  view.log_bytes = job.log_bytes;
  if (!job.ended && schemas::is_terminal(view.state)) {
    view.state = job.state_before_end;
    view.evaluation.reset();
  }
  if (view.state == JobState::submitted) {
    const auto place = std::find_if(queue_.begin(), queue_.end(),
                                    [&](const JobPointer& queued) { return queued.get() == &job; });
    view.queue_position = place == queue_.end() ? 0 : place - queue_.begin() + 1;
    view.held_over = stopped_ && (place != queue_.end() || is_held_over(job));
  }
  return view;
}

Result<JobView> EngineImpl::wait(const std::string& job_id, std::chrono::milliseconds patience) {
  {
    std::unique_lock lock(mutex_);
    if (const JobPointer job = find_active(job_id)) {
      changed_.wait_for(lock, patience, [&] { return job->ended || stopped_; });
      return view_of(*job);
    }
  }
  return find(job_id);
}

Result<JobView> EngineImpl::find(const std::string& job_id) {
  {
    const std::lock_guard lock(mutex_);
    if (const JobPointer job = find_active(job_id)) {
      return view_of(*job);
    }
  }
  auto record = table_->find(job_id);
  if (!record) {
    return explained(record.error(), options_.finished_job_lifetime);
  }
  JobView view = view_of_record(*record);
  view.progress = schemas::is_terminal(view.state) ? 1 : 0;
  return view;
}

Result<std::vector<IdentifiedJob>> EngineImpl::identified(std::size_t most) {
  return table_->identified(most);
}

Result<JobList> EngineImpl::list(const JobFilter& filter) {
  return table_->list(filter);
}

Result<LogPage> EngineImpl::compile_log(const std::string& job_id, std::int64_t cursor) {
  {
    const std::lock_guard lock(mutex_);
    if (const JobPointer job = find_active(job_id)) {
      return page_of(job->record.compile_log, cursor);
    }
  }
  const auto log = table_->compile_log(job_id);
  if (!log) {
    return explained(log.error(), options_.finished_job_lifetime);
  }
  return page_of(*log, cursor);
}

Status EngineImpl::cancel(const std::string& job_id) {
  JobPointer job;
  bool queued = false;
  {
    const std::lock_guard lock(mutex_);
    job = find_active(job_id);
    const auto place = std::find(queue_.begin(), queue_.end(), job);
    if (place != queue_.end()) {
      queue_.erase(place);
      queued = true;
    }
  }
  if (!job) {
    const auto record = table_->find(job_id);
    if (!record) {
      return explained(record.error(), options_.finished_job_lifetime);
    }
    return schemas::success();
  }
  if (queued) {
    end(job, Error{ErrorCode::cancelled, "cancelled before it began", false, {}});
    notify_queue();
  } else {
    job->cancellation.cancel();  // without the lock: its waker may be anything
  }
  return schemas::success();
}

Status EngineImpl::listen(const std::string& job_id, JobListener listener) {
  {
    const std::lock_guard lock(mutex_);
    if (const JobPointer job = find_active(job_id); job && !job->ended) {
      job->listeners.push_back(std::move(listener));
      return schemas::success();
    }
  }
  const auto view = find(job_id);
  if (!view) {
    return view.error();
  }
  listener(*view);
  return schemas::success();
}

std::int64_t EngineImpl::cleanup() {
  const double before =
      now_seconds() - std::chrono::duration<double>(options_.finished_job_lifetime).count();
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(active_, [&](const auto& entry) {
      return entry.second->ended && entry.second->record.finished_at.value_or(0) < before;
    });
  }
  const auto removed = table_->remove_finished(before);
  return removed ? *removed : 0;
}

void EngineImpl::clean_regularly() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, options_.cleanup_interval, [&] { return stopped_; })) {
    lock.unlock();
    cleanup();
    lock.lock();
  }
}

EngineStats EngineImpl::stats() {
  EngineStats stats;
  const Capacity now = executor_->capacity();
  stats.devices = executor_->device_use();
  stats.starting = now.starting;
  stats.isolation = now.isolation;
  stats.cache = now.cache;
  stats.uptime_s =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - opened_).count();
  const std::lock_guard lock(mutex_);
  statistics_.fill(stats);
  stats.active = running_;
  stats.queued = static_cast<std::int64_t>(queue_.size());
  return stats;
}

Capacity EngineImpl::capacity() {
  return executor_->capacity();
}

void EngineImpl::stop(std::chrono::milliseconds patience) {
  {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
    changed_.wait(lock, [&] { return being_recorded_ == 0; });
    if (!changed_.wait_for(lock, patience, [&] { return running_ == 0; })) {
      std::vector<JobPointer> running;
      for (const auto& [id, job] : active_) {
        if (std::find(queue_.begin(), queue_.end(), job) == queue_.end() &&
            !job->cancellation.cancelled()) {
          job->cancelled_by_stop = true;
          running.push_back(job);
        }
      }
      lock.unlock();  // a waker may be anything
      for (const JobPointer& job : running) {
        job->cancellation.cancel();
      }
      lock.lock();
    }
    stopped_ = true;
    changed_.notify_all();
  }
  // What is still queued stays in the table and is queued again by the next process.
  notify_queue();
  for (std::thread& worker : workers_) {
    if (worker.joinable()) {
      worker.join();
    }
  }
  if (cleaner_.joinable()) {
    cleaner_.join();
  }
}

}  // namespace assay::engine
