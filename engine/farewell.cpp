// SPDX-License-Identifier: Apache-2.0
#include "engine/farewell.h"

#include <utility>

namespace assay::engine {
namespace {

constexpr auto kFarewellPatience = std::chrono::seconds(10);

}  // namespace

Farewell::Farewell(std::function<void()> freed)
    : freed_(std::move(freed)), thread_([this] { work(); }) {}

Farewell::~Farewell() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Farewell::take(std::vector<RunnerProcess> runners, GpuPool::Lease lease) {
  for (RunnerProcess& runner : runners) runner.kill();
  const std::lock_guard lock(mutex_);
  leaving_.push_back({std::move(runners), std::move(lease)});
  changed_.notify_all();
}

void Farewell::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !leaving_.empty(); });
    if (leaving_.empty()) return;
    Party party = std::move(leaving_.front());
    leaving_.pop_front();
    lock.unlock();
    for (RunnerProcess& runner : party.runners)
      static_cast<void>(runner.end(sandbox::after(kFarewellPatience)));
    party.runners.clear();
    party.lease.release();
    freed_();
    lock.lock();
  }
}

}  // namespace assay::engine
