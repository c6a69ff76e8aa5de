// SPDX-License-Identifier: Apache-2.0
// One untrusted runner: its process, the judge's end of its channel and the uid that it runs under.
// Made by the RunnerStarter; killed and waited for when it goes away. Move-only; one thread at a
// time, but kill() from any.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "engine/artifact_cache.h"
#include "engine/gpu_pool.h"
#include "engine/installation.h"
#include "engine/zygote_process.h"
#include "sandbox/channel.h"
#include "sandbox/process.h"
#include "sandbox/spawn.h"
#include "sandbox/uid_pool.h"
#include "schemas/device.h"

namespace assay::engine {

const char* runner_tier_name(RunnerTier tier);

class RunnerProcess {
 public:
  RunnerProcess() = default;
  RunnerProcess(RunnerProcess&&) = default;
  RunnerProcess& operator=(RunnerProcess&& other) noexcept;
  ~RunnerProcess();  // kills it, and waits a little for its death: the uid goes back afterwards

  int channel_fd() const { return channel_.fd(); }
  int pidfd() const { return process_.pidfd(); }
  const std::vector<schemas::LayerReport>& isolation() const { return process_.isolation(); }
  bool alive() const;  // nothing has been heard of its end
  void kill() noexcept { process_.kill(); }
  // Waits for its keeper to have something to say.
  void await_end(std::chrono::milliseconds patience) const;
  // Kills it unless it has ended, and waits. Error: timed_out.
  schemas::Result<sandbox::ExitReport> end(sandbox::Deadline deadline);

  // Opens the device's context. Its answer is hostile input, too.
  schemas::Status prepare(const schemas::DeviceInfo& device, sandbox::Deadline deadline);

 private:
  friend class RunnerStarter;
  sandbox::UidLease uid_;
  sandbox::Process process_;
  sandbox::Channel channel_;
};

// Starts runners for one device. Thread-safe. References must outlive it.
class RunnerStarter {
 public:
  RunnerStarter(const Installation& installation, sandbox::Spawner& spawner, ZygoteProcess& zygote,
                sandbox::UidPool& uids, DeviceId device, std::uint64_t memory_bytes);

  // A runner that is prepared for `device`. Errors: interrupted (retryable) when the zygote is not
  // up; internal.
  schemas::Result<RunnerProcess> start(RunnerTier tier, const schemas::DeviceInfo& device,
                                       sandbox::Deadline deadline);
  bool possible(RunnerTier tier) const;  // now

 private:
  const Installation& installation_;
  sandbox::Spawner& spawner_;
  ZygoteProcess& zygote_;
  sandbox::UidPool& uids_;
  const DeviceId device_;
  const std::uint64_t memory_bytes_;
};

}  // namespace assay::engine
