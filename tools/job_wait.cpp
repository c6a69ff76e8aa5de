// SPDX-License-Identifier: Apache-2.0
#include "tools/job_wait.h"

#include <algorithm>

namespace assay::tools {
namespace {

using Clock = std::chrono::steady_clock;
using engine::JobView;
using schemas::Error;
using schemas::ErrorCode;

// Tells changes at once and repeats the last word every kProgressInterval.
class ProgressTeller {
 public:
  explicit ProgressTeller(const CallContext& context) : context_(context) {}

  void tell(const JobView& job) {
    if (!context_.progress) return;
    std::string message = progress_message(job);
    const auto now = Clock::now();
    if (message == last_message_ && job.progress <= last_fraction_ &&
        now - last_time_ < kProgressInterval)
      return;
    // The id is the way back for whoever loses the answer.
    context_.progress(std::clamp(job.progress, 0.0, 1.0), message + " (job " + job.job_id + ")");
    last_message_ = std::move(message);
    last_fraction_ = job.progress;
    last_time_ = now;
  }

 private:
  const CallContext& context_;
  std::string last_message_;
  double last_fraction_ = -1;
  Clock::time_point last_time_{};
};

}  // namespace

std::string progress_message(const JobView& job) {
  if (job.state == schemas::JobState::submitted && job.queue_position > 0)
    return "queued, position " + std::to_string(job.queue_position);
  const std::string& state = schemas::job_state_name(job.state);
  return job.message.empty() || job.message == state ? state : state + ": " + job.message;
}

schemas::Result<JobView> wait_for_job(engine::Engine& engine, const std::string& job_id,
                                      std::optional<std::chrono::milliseconds> patience,
                                      const CallContext& context) {
  const auto deadline = Clock::now() + patience.value_or(std::chrono::milliseconds::zero());
  ProgressTeller teller(context);
  for (;;) {
    auto slice = kWaitSlice;
    if (patience)
      slice = std::clamp(std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()),
                         std::chrono::milliseconds::zero(), kWaitSlice);
    auto job = engine.wait(job_id, slice);
    if (!job.ok() || schemas::is_terminal(job->state)) return job;
    if (context.cancelled && context.cancelled())
      return Error{ErrorCode::cancelled, "the call was withdrawn", false, {}};
    if (job->held_over) return job;
    teller.tell(*job);
    if (patience && Clock::now() >= deadline) return job;
  }
}

}  // namespace assay::tools
