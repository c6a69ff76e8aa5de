// SPDX-License-Identifier: Apache-2.0
// Everything that serves one device: its judge and its warm runners. The executor owns one per
// device.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "engine/budget.h"
#include "engine/gpu_pool.h"
#include "engine/judge_process.h"
#include "engine/runner_pool.h"

namespace assay::engine {

// What stations share; outlives them.
struct StationParts {
  const Installation& installation;
  sandbox::Spawner& spawner;
  sandbox::UidPool& uids;
  ZygoteProcess& zygote;
  GpuPool& pool;
};

class DeviceStation {
 public:
  DeviceStation(StationParts parts, DeviceId device, std::string gpu_uuid,
                std::uint64_t runner_memory_bytes, std::size_t warm_host, std::size_t warm_device);
  ~DeviceStation();

  const DeviceId& id() const { return id_; }
  JudgeProcess& judge() { return *judge_; }
  RunnerPool& runners() { return *runners_; }
  // "cpu judge", "cpu runners": what cannot serve yet, with the trouble if there is some.
  void add_starting(std::vector<std::string>& starting) const;

  // Waits until judge and zygote are up. The budget stands still. Errors: cancelled; interrupted
  // (retryable) with the trouble, after `patience`.
  schemas::Status wait_up(Budget& budget, Cancellation& cancellation,
                          std::chrono::milliseconds patience);

 private:
  bool idle() const;

  const StationParts parts_;
  const DeviceId id_;
  RunnerStarter starter_;
  // Each uses the other from a thread of its own: the pool asks the judge for its device, the judge
  // wakes the pool. The pool is made last and ended first; the judge's hook finds it through the
  // atomic.
  std::unique_ptr<JudgeProcess> judge_;
  std::unique_ptr<RunnerPool> runners_;
  std::atomic<RunnerPool*> filled_{nullptr};
};

}  // namespace assay::engine
