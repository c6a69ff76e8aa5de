// SPDX-License-Identifier: Apache-2.0
// Sees the processes of finished jobs to their graves, so that an answer need not wait for it: a
// GPU process takes a tenth of a second to die. The lease goes back when all are dead, so nothing
// of a job outlives it. Thread-safe.
#pragma once

#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/gpu_pool.h"
#include "engine/runner_process.h"

namespace assay::engine {

class Farewell {
 public:
  // `freed` is called on another thread after each lease that went back.
  explicit Farewell(std::function<void()> freed);
  ~Farewell();  // waits for all of them

  void take(std::vector<RunnerProcess> runners, GpuPool::Lease lease);

 private:
  struct Party {
    std::vector<RunnerProcess> runners;
    GpuPool::Lease lease;
  };
  void work();

  const std::function<void()> freed_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Party> leaving_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace assay::engine
