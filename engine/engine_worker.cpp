// SPDX-License-Identifier: Apache-2.0
// The way of one job through a worker thread: out of the queue, through the executor, to its
// recorded end, and what listeners hear meanwhile. Threads and locks: engine_impl.h.
#include <algorithm>

#include "engine/engine_job.h"
#include "engine/failure.h"
#include "engine/memory_check.h"

namespace assay::engine {

using schemas::Error;
using schemas::ErrorCode;
using schemas::Evaluation;
using schemas::JobEvent;
using schemas::JobState;
using schemas::Result;
using schemas::Status;

void EngineImpl::work() {
  while (true) {
    JobPointer job;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stopped_ || (!stopping_ && !queue_.empty()); });
      if (stopped_) {
        return;
      }
      job = queue_.front();
      queue_.pop_front();
      ++running_;
    }
    notify_queue();
    run(job);
    const std::lock_guard lock(mutex_);
    --running_;
    changed_.notify_all();
  }
}

void EngineImpl::run(const JobPointer& job) {
  const double started_at = now_seconds();
  const auto begun = table_->begin_attempt(job->record.spec, started_at);
  if (!begun) {
    end(job, begun.error());
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    job->record.spec = *begun;
    job->record.started_at = started_at;
    // Still queued: what is not compiled waits for a device next. The executor names its stages.
    job->record.message = "started";
    changed_.notify_all();
  }
  notify(job);
  // Devices may have become known since the job was submitted.
  const Status fits = check_memory(begun->work, executor_->capacity().configured);
  if (!fits) {
    end(job, fits.error());
    return;
  }
  try {
    end(job, executor_->run(
                 *begun, [&](const JobEvent& event) { note(job, event); }, job->cancellation));
  } catch (const std::exception& exception) {
    end(job, Error{ErrorCode::internal,
                   std::string("the executor failed: ") + exception.what(),
                   true,
                   {}});
  }
}

void EngineImpl::note(const JobPointer& job, const JobEvent& event) {
  JobRecord entered;
  {
    const std::lock_guard lock(mutex_);
    JobRecord& record = job->record;
    job->progress = std::clamp(event.progress, job->progress, 1.0);
    if (event.kind == JobEvent::Kind::compile_log) {
      record.compile_log += event.message + "\n";
      record.compile_log.resize(std::min(record.compile_log.size(), kMaxStoredLogBytes));
    } else if (event.kind == JobEvent::Kind::log) {
      record.log_tail += event.message + "\n";
      job->log_bytes += static_cast<std::int64_t>(event.message.size()) + 1;
      if (record.log_tail.size() > kMaxLogTailBytes) {
        record.log_tail.erase(0, record.log_tail.size() - kMaxLogTailBytes);
      }
    } else if (!event.message.empty()) {
      record.message = event.message;
    }
    const std::string stage = schemas::stage_name(event.stage);
    const bool new_stage = event.kind == JobEvent::Kind::stage &&
                           event.stage != schemas::Stage::done && stage != job->stage;
    if (new_stage) {
      job->enter_stage(stage);
      // What waits for a device after it was compiled is not submitted anew.
      if (event.stage != schemas::Stage::queued) record.state = schemas::state_of(event.stage);
      entered = record;
    }
    changed_.notify_all();
  }
  if (!entered.spec.job_id.empty()) {
    // Lost progress is no lost job: the end is what must be stored.
    static_cast<void>(table_->record_progress(entered));
  }
  notify(job);
}

void EngineImpl::end(const JobPointer& job, Result<Evaluation> result) {
  {
    std::unique_lock lock(mutex_);
    if (!result && is_held_over(*job)) {  // its row stays as it is
      lock.unlock();
      return notify(job);
    }
    JobRecord& record = job->record;
    job->state_before_end = record.state;
    record.finished_at = now_seconds();
    job->enter_stage("");
    if (result) {
      record.evaluation = std::move(*result);
      record.evaluation->job_id = record.spec.job_id;
      record.state = schemas::is_error(*record.evaluation) ? JobState::failed : JobState::completed;
      record.error = record.evaluation->error;
      record.message = record.evaluation->verdict.summary;
    } else if (job->cancelled_by_stop) {
      record.state = JobState::interrupted;
      record.error = "the server was stopped while the job ran";
      record.message = record.error;
      record.evaluation = interrupted_evaluation(record);
    } else {
      const bool cancelled = result.error().code == ErrorCode::cancelled;
      record.state = cancelled ? JobState::cancelled : JobState::failed;
      record.error = result.error().message;
      record.message = record.error;
      record.evaluation = failed_evaluation(record, result.error());
    }
    record.evaluation->stages = record.stages;
    if (record.spec.work.enable_device_metrics) {
      record.evaluation->warnings.push_back(
          "device_metrics is null: this server does not read the device's counters");
    }
    if (record.evaluation->log_tail.empty()) {
      record.evaluation->log_tail = record.log_tail;
    }
  }
  finish(job);
}

void EngineImpl::finish(const JobPointer& job) {
  const Status stored = table_->finish(job->record);
  {
    const std::lock_guard lock(mutex_);
    job->progress = 1;
    job->ended = true;
    statistics_.count_ended(view_of(*job));
    if (stored) {
      active_.erase(job->record.spec.job_id);
    }  // else it is kept in memory, so that its answer can still be had from this process
    changed_.notify_all();
  }
  notify(job);
}

void EngineImpl::notify(const JobPointer& job) {
  const std::lock_guard one_at_a_time(job->notifying);
  std::vector<JobListener> listeners;
  JobView view;
  {
    const std::lock_guard lock(mutex_);
    if (job->listeners.empty()) {
      return;
    }
    listeners.swap(job->listeners);
    view = view_of(*job);
  }
  std::erase_if(listeners, [&](const JobListener& listener) { return !listener(view); });
  const std::lock_guard lock(mutex_);
  job->listeners.insert(job->listeners.begin(), std::make_move_iterator(listeners.begin()),
                        std::make_move_iterator(listeners.end()));
}

void EngineImpl::notify_queue() {
  std::vector<JobPointer> watched;
  {
    const std::lock_guard lock(mutex_);
    std::copy_if(queue_.begin(), queue_.end(), std::back_inserter(watched),
                 [](const JobPointer& job) { return !job->listeners.empty(); });
  }
  for (const JobPointer& job : watched) {
    notify(job);
  }
}

}  // namespace assay::engine
