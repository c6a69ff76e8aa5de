// SPDX-License-Identifier: Apache-2.0
// An executor that lives at the other end of a channel: another process, and later another machine.
// Answers count only for the run that waits for them: one that names an older attempt's fencing
// token, or a run that was given up, is dropped and counted. When the connection ends every waiting
// run gets a retryable `interrupted`.
#pragma once

#include <memory>

#include "engine/executor.h"
#include "sandbox/channel.h"

namespace assay::engine {

class RemoteExecutor final : public Executor {
 public:
  explicit RemoteExecutor(sandbox::Channel channel);
  // Closes the connection; the other end cancels what it still runs.
  ~RemoteExecutor() override;

  // As Executor::run. Also `stale_token` when the executor has seen a newer attempt of the job.
  schemas::Result<schemas::Evaluation> run(const schemas::JobSpec& spec, const EventSink& events,
                                           Cancellation& cancellation) override;
  // As last told by the other end; asks anew and waits up to a second.
  Capacity capacity() override;
  std::vector<DeviceUse> device_use() override;

  // Answers dropped because no run waits for them.
  std::int64_t stale_answers() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace assay::engine
