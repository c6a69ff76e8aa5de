// SPDX-License-Identifier: Apache-2.0
// JobWatch: what may end a job from outside while the judge waits for a runner: its deadline, a
// cancel from the executor, the executor's end. Also the job's way of telling the executor what
// happens.
#pragma once

#include <optional>
#include <string>

#include "engine/judge/failure.h"
#include "sandbox/channel.h"
#include "sandbox/clock.h"
#include "schemas/job.h"

namespace assay::engine::judge {

// The text at `key` of a message; empty when there is none.
std::string word_of(const schemas::Json& message, const char* key);

class JobWatch {
 public:
  // `executor` must outlive the watch.
  JobWatch(sandbox::Channel& executor, std::string job_id, sandbox::Deadline deadline);

  // Waits until one of up to two descriptors is readable, or until `patience` is over. Returns a
  // bit per descriptor (1 for the first, 2 for the second; negative descriptors are left out).
  // Failure: deadline or cancelled, naming role and request; a deadline names no role where the
  // judge itself used most of the time.
  int wait(int first_fd, int second_fd, sandbox::Deadline patience, schemas::RunnerRole role,
           const std::string& at);
  // The same without waiting or descriptors.
  void check(schemas::RunnerRole role, const std::string& at);
  // Between steps of the judge's own work.
  void check();

  // As long as one lives, a runner uses the job's time, and not the judge. One at a time.
  class Attending {
   public:
    explicit Attending(JobWatch& watch);
    ~Attending();
    Attending(const Attending&) = delete;
    Attending& operator=(const Attending&) = delete;

   private:
    JobWatch& watch_;
  };

  // Tells the executor; a lost executor is noticed at the next wait.
  void tell(const schemas::JobEvent& event);

  sandbox::Deadline deadline() const { return deadline_; }
  sandbox::Clock::duration left() const;

 private:
  void read_executor(std::optional<schemas::RunnerRole> role, const std::string& at);
  int look(int first_fd, int second_fd, sandbox::Deadline patience,
           std::optional<schemas::RunnerRole> role, const std::string& at);
  void stop_attending();
  Failure used_up(std::optional<schemas::RunnerRole> role, const std::string& at);

  sandbox::Channel& executor_;
  std::string job_id_;
  const sandbox::Deadline begin_ = sandbox::Clock::now();
  sandbox::Deadline deadline_;
  sandbox::Clock::duration runners_time_{};
  std::optional<sandbox::Deadline> attending_since_;
};

}  // namespace assay::engine::judge
