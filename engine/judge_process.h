// SPDX-License-Identifier: Apache-2.0
// One device's judge, as the executor sees it: started and restarted beside the server, given one
// job at a time by whoever holds the device's lease. Members are thread-safe unless said.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/executor.h"
#include "engine/gpu_pool.h"
#include "engine/installation.h"
#include "engine/supervisor.h"
#include "sandbox/clock.h"
#include "sandbox/spawn.h"
#include "schemas/worker_message.h"

namespace assay::engine {

// A runner as the judge is given it; descriptors are borrowed.
struct JudgedRunner {
  schemas::RunnerRole role = schemas::RunnerRole::candidate;
  bool device_tier = false;
  std::string kernel_name;                         // device tier: the symbol
  schemas::Json launch = schemas::Json::object();  // with an artifact: for the runner
  int channel_fd = -1, pidfd = -1;
  int artifact_fd = -1;  // -1: nothing was compiled for it
};

class JudgeProcess {
 public:
  // `usable_changed` is called on another thread whenever the judge came up or went down.
  // References must outlive the judge.
  JudgeProcess(const Installation& installation, sandbox::Spawner& spawner, DeviceId device,
               std::string gpu_uuid, std::function<void(bool)> usable_changed);
  ~JudgeProcess();

  const DeviceId& id() const { return id_; }
  // As it was last told; nothing before the first start. Stays when the judge is down.
  std::optional<schemas::DeviceInfo> device() const;
  bool up() const;
  std::string trouble() const;

  // Gives the judge a job and waits for its result. The evaluation is as the judge made it. Errors:
  // interrupted (it died; retryable), timed_out (it did not answer in time, and is restarted),
  // cancelled, protocol_violation. REQUIRES: the device's lease.
  schemas::Result<schemas::Evaluation> evaluate(const schemas::JobSpec& spec,
                                                const std::vector<JudgedRunner>& runners,
                                                sandbox::Deadline deadline, const EventSink& events,
                                                Cancellation& cancellation);

 private:
  struct Session;  // one life of the process
  schemas::Result<int> start();
  std::string ended();
  std::shared_ptr<Session> session() const;
  schemas::Result<schemas::Evaluation> converse(Session& session, sandbox::Deadline deadline,
                                                const EventSink& events,
                                                Cancellation& cancellation);

  const Installation& installation_;
  sandbox::Spawner& spawner_;
  const DeviceId id_;
  const std::string gpu_uuid_;
  const std::function<void(bool)> usable_changed_;
  mutable std::mutex mutex_;
  std::shared_ptr<Session> session_;
  std::shared_ptr<Session> starting_;  // has not said hello yet
  std::shared_ptr<Session> dying_;     // killed, its end not seen yet
  std::optional<schemas::DeviceInfo> device_;
  bool stopping_ = false;
  std::unique_ptr<Supervisor> supervisor_;  // last: its thread uses all above
};

}  // namespace assay::engine
