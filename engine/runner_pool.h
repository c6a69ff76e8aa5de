// SPDX-License-Identifier: Apache-2.0
// Warm runners of one device: confined, with an open context, nothing submitted read yet. A thread
// fills the pool while nobody uses the device, so that filling disturbs no measurement; a job that
// finds it empty starts its own. Thread-safe.
#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "engine/runner_process.h"

namespace assay::engine {

class RunnerPool {
 public:
  struct Options {
    std::size_t host = 3, device = 0;  // how many of each tier are kept warm
    // Whether the device is up and unused, and what it is: then runners may be made.
    std::function<std::optional<schemas::DeviceInfo>()> idle_device;
  };
  RunnerPool(RunnerStarter& starter, Options options);
  ~RunnerPool();

  // A warm runner that still lives, or a new one.
  schemas::Result<RunnerProcess> take(RunnerTier tier, const schemas::DeviceInfo& device,
                                      sandbox::Deadline deadline);
  // One of each tier named, in that order; those that are not warm are started beside each other.
  schemas::Result<std::vector<RunnerProcess>> take_all(const std::vector<RunnerTier>& tiers,
                                                       const schemas::DeviceInfo& device,
                                                       sandbox::Deadline deadline);
  void refill();  // look again: the device became idle, or the zygote came up
  void clear();   // what is warm belongs to a device that is gone
  bool full() const;

 private:
  void fill();
  std::optional<RunnerTier> wanted() const;

  RunnerStarter& starter_;
  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::array<std::vector<RunnerProcess>, 2> warm_;  // by tier
  bool look_ = true, stopping_ = false;
  std::thread filler_;
};

}  // namespace assay::engine
