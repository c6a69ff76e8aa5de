// SPDX-License-Identifier: Apache-2.0
// An executor whose jobs do what the test says, by source text: "hold" runs until released or
// cancelled, "fail" is an Error, the name of a verdict code has that verdict,
// "no_device" has none to run on; what ends with "lease" waits for a device like "hold"; everything
// else is correct at once. What begins with "torch" is not compiled.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/executor.h"

namespace assay::tests {

// What test and executor share; outlives both.
struct FakeExecutorState {
  std::mutex mutex;
  std::condition_variable changed;
  bool released = false;
  std::int64_t running = 0;
  std::vector<schemas::JobSpec> seen;
  engine::Capacity capacity;
  std::string compile_log;  // of every job; set it before the first

  void release() {
    const std::lock_guard lock(mutex);
    released = true;
    changed.notify_all();
  }
  bool wait_running(std::int64_t count) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(5), [&] { return running >= count; });
  }
};

class FakeExecutor final : public engine::Executor {
 public:
  explicit FakeExecutor(std::shared_ptr<FakeExecutorState> state) : state_(std::move(state)) {}

  schemas::Result<schemas::Evaluation> run(const schemas::JobSpec& spec,
                                           const engine::EventSink& events,
                                           engine::Cancellation& cancellation) override {
    {
      const std::lock_guard lock(state_->mutex);
      state_->seen.push_back(spec);
      ++state_->running;
      state_->changed.notify_all();
    }
    const std::string& source = spec.work.candidate.source_code;
    if (!source.starts_with("torch")) {
      events({schemas::JobEvent::Kind::stage, schemas::Stage::compiling, 0.1, "compiling"});
    }
    events({schemas::JobEvent::Kind::log, schemas::Stage::compiling, 0.1, "a line"});
    if (!state_->compile_log.empty()) {
      events({schemas::JobEvent::Kind::compile_log, schemas::Stage::compiling, 0.1,
              state_->compile_log});
    }
    events({schemas::JobEvent::Kind::stage, schemas::Stage::queued, 0.1, "waiting for a device"});
    if (source == "wait") std::this_thread::sleep_for(std::chrono::milliseconds(300));
    if (source.ends_with("lease")) hold(cancellation);
    if (cancellation.cancelled()) return ended(cancelled());
    events({schemas::JobEvent::Kind::stage, schemas::Stage::validating, 0.5, "validating"});
    if (source == "hold") hold(cancellation);
    if (cancellation.cancelled()) return ended(cancelled());
    if (source == "fail")
      return ended(schemas::Error{schemas::ErrorCode::internal, "no luck", true, {}});
    schemas::Evaluation evaluation;
    evaluation.verdict.code =
        schemas::verdict_code_from_name(source).value_or(schemas::VerdictCode::correct);
    evaluation.no_device = source == "no_device";
    evaluation.correctness = true;
    evaluation.compiled = true;
    return ended(evaluation);
  }
  engine::Capacity capacity() override { return state_->capacity; }
  std::vector<engine::DeviceUse> device_use() override { return {}; }

 private:
  using Outcome = schemas::Result<schemas::Evaluation>;

  static schemas::Error cancelled() {
    return {schemas::ErrorCode::cancelled, "cancelled", false, {}};
  }
  Outcome ended(Outcome outcome) {
    const std::lock_guard lock(state_->mutex);
    --state_->running;
    state_->changed.notify_all();
    return outcome;
  }
  // Until the test releases it or the job is cancelled.
  void hold(engine::Cancellation& cancellation) {
    cancellation.on_cancel([this] { state_->changed.notify_all(); });
    std::unique_lock lock(state_->mutex);
    while (!state_->released && !cancellation.cancelled())
      state_->changed.wait_for(lock, std::chrono::milliseconds(5));
    lock.unlock();
    cancellation.on_cancel({});
  }

  std::shared_ptr<FakeExecutorState> state_;
};

}  // namespace assay::tests
