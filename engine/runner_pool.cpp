// SPDX-License-Identifier: Apache-2.0
#include "engine/runner_pool.h"

#include <future>
#include <utility>

namespace assay::engine {

using schemas::Result;
using namespace std::chrono_literals;

namespace {

constexpr auto kRunnerStartPatience = 60s;
constexpr auto kPauseAfterFailure = 1s;
constexpr auto kLookAgain = 5s;  // warm runners may have died meanwhile

std::size_t index_of(RunnerTier tier) {
  return tier == RunnerTier::host ? 0 : 1;
}

}  // namespace

RunnerPool::RunnerPool(RunnerStarter& starter, Options options)
    : starter_(starter), options_(std::move(options)), filler_([this] { fill(); }) {}

RunnerPool::~RunnerPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  filler_.join();
}

Result<RunnerProcess> RunnerPool::take(RunnerTier tier, const schemas::DeviceInfo& device,
                                       sandbox::Deadline deadline) {
  while (true) {
    std::optional<RunnerProcess> runner;
    {
      const std::lock_guard lock(mutex_);
      auto& warm = warm_[index_of(tier)];
      if (!warm.empty()) {
        runner = std::move(warm.back());
        warm.pop_back();
      }
    }
    if (!runner) {
      return starter_.start(tier, device, deadline);
    }
    if (runner->alive()) {
      return std::move(*runner);
    }
  }
}

Result<std::vector<RunnerProcess>> RunnerPool::take_all(const std::vector<RunnerTier>& tiers,
                                                        const schemas::DeviceInfo& device,
                                                        sandbox::Deadline deadline) {
  std::vector<std::future<Result<RunnerProcess>>> asked;
  asked.reserve(tiers.size());
  for (const RunnerTier tier : tiers)
    asked.push_back(std::async(std::launch::async, [this, tier, &device, deadline] {
      return take(tier, device, deadline);
    }));
  std::vector<RunnerProcess> runners;
  runners.reserve(tiers.size());
  std::optional<schemas::Error> trouble;
  for (auto& one : asked) {
    auto runner = one.get();
    if (runner)
      runners.push_back(std::move(*runner));
    else if (!trouble)
      trouble = runner.error();
  }
  if (trouble) return *trouble;
  return runners;
}

void RunnerPool::refill() {
  const std::lock_guard lock(mutex_);
  look_ = true;
  changed_.notify_all();
}

void RunnerPool::clear() {
  std::array<std::vector<RunnerProcess>, 2> dropped;  // killed without the lock
  const std::lock_guard lock(mutex_);
  dropped.swap(warm_);
}

std::optional<RunnerTier> RunnerPool::wanted() const {
  if (warm_[0].size() < options_.host && starter_.possible(RunnerTier::host)) {
    return RunnerTier::host;
  }
  if (warm_[1].size() < options_.device) {
    return RunnerTier::device;
  }
  return std::nullopt;
}

bool RunnerPool::full() const {
  const std::lock_guard lock(mutex_);
  return warm_[0].size() >= options_.host && warm_[1].size() >= options_.device;
}

void RunnerPool::fill() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    std::vector<RunnerProcess> dead;
    for (auto& warm : warm_) {
      for (std::size_t i = 0; i < warm.size();) {
        if (warm[i].alive()) {
          ++i;
          continue;
        }
        dead.push_back(std::move(warm[i]));
        warm.erase(warm.begin() + static_cast<std::ptrdiff_t>(i));
      }
    }
    look_ = false;
    const auto tier = wanted();
    lock.unlock();
    dead.clear();
    const auto device = tier ? options_.idle_device() : std::nullopt;
    auto runner = device ? starter_.start(*tier, *device, sandbox::after(kRunnerStartPatience))
                         : Result<RunnerProcess>(schemas::Error{});
    lock.lock();
    if (runner) {
      warm_[index_of(*tier)].push_back(std::move(*runner));
      continue;
    }
    const auto pause = device ? std::chrono::milliseconds(kPauseAfterFailure) : kLookAgain;
    changed_.wait_for(lock, pause, [&] { return stopping_ || (look_ && !device); });
  }
}

}  // namespace assay::engine
