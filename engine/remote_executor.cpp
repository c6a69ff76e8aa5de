// SPDX-License-Identifier: Apache-2.0
// One thread reads answers and files them under their run; callers of run() wait for theirs on one
// condition variable and pass events on from their own thread.
#include "engine/remote_executor.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>

#include <sys/socket.h>

#include "engine/executor_protocol.h"

namespace assay::engine {
namespace {

using schemas::Error;
using schemas::ErrorCode;
using schemas::Evaluation;
using schemas::Result;

constexpr std::chrono::milliseconds kCapacityPatience{1000};
constexpr std::chrono::milliseconds kWaitSlice{1000};

Error connection_lost() {
  return {ErrorCode::interrupted, "the connection to the executor ended", true, {}};
}

}  // namespace

struct RemoteExecutor::State {
  // One run() call that waits.
  struct Pending {
    std::string job_id;
    std::deque<schemas::JobEvent> events;
    std::optional<Result<Evaluation>> end;
    bool cancel_sent = false;
  };

  explicit State(sandbox::Channel opened) : channel(std::move(opened)) {}

  sandbox::Channel channel;
  std::mutex send_mutex;
  mutable std::mutex mutex;  // guards all below
  std::condition_variable changed;
  std::unordered_map<std::int64_t, Pending> pending;  // by fencing token
  CapacityMessage capacity;
  std::int64_t capacities_seen = 0;
  std::int64_t stale = 0;
  bool connected = true;
  std::thread reader;

  bool send(const ExecutorRequest& request) {
    const std::lock_guard lock(send_mutex);
    return channel.send(encode(request), sandbox::after(kExecutorSendPatience)).ok();
  }

  void read_answers() {
    while (true) {
      auto frame = channel.receive(kMaxExecutorFrameBytes, sandbox::no_deadline(), 0);
      if (!frame.ok() || !frame->has_value()) break;
      auto answer = decode_answer((*frame)->bytes);
      if (!answer) break;  // an executor that speaks nonsense is as good as gone
      const std::lock_guard lock(mutex);
      std::visit([this](auto& message) { file(message); }, *answer);
      changed.notify_all();
    }
    const std::lock_guard lock(mutex);
    connected = false;
    changed.notify_all();
  }

  Pending* waiting(const RunId& run) {
    const auto found = pending.find(run.fencing_token);
    if (found != pending.end() && found->second.job_id == run.job_id && !found->second.end) {
      return &found->second;
    }
    ++stale;
    return nullptr;
  }
  void file(EventMessage& message) {
    if (Pending* run = waiting(message.run)) run->events.push_back(std::move(message.event));
  }
  void file(ResultMessage& message) {
    if (Pending* run = waiting(message.run)) run->end.emplace(std::move(message.evaluation));
  }
  void file(ErrorMessage& message) {
    if (Pending* run = waiting(message.run)) run->end.emplace(std::move(message.error));
  }
  void file(CapacityMessage& message) {
    capacity = std::move(message);
    ++capacities_seen;
  }

  void refresh_capacity() {
    std::unique_lock lock(mutex);
    if (!connected) return;
    const std::int64_t seen = capacities_seen;
    lock.unlock();
    if (!send(CapacityRequest{})) return;
    lock.lock();
    changed.wait_for(lock, kCapacityPatience, [&] { return capacities_seen > seen || !connected; });
  }
};

RemoteExecutor::RemoteExecutor(sandbox::Channel channel)
    : state_(std::make_unique<State>(std::move(channel))) {
  state_->reader = std::thread([state = state_.get()] { state->read_answers(); });
}

RemoteExecutor::~RemoteExecutor() {
  ::shutdown(state_->channel.fd(), SHUT_RDWR);  // wakes the reader
  state_->reader.join();
}

Result<Evaluation> RemoteExecutor::run(const schemas::JobSpec& spec, const EventSink& events,
                                       Cancellation& cancellation) {
  State& state = *state_;
  const std::int64_t token = spec.fencing_token;
  {
    const std::lock_guard lock(state.mutex);
    if (!state.connected) return connection_lost();
    if (!state.pending.emplace(token, State::Pending{spec.job_id, {}, {}, false}).second) {
      return Error{ErrorCode::stale_token, "a run with this fencing token is under way", false, {}};
    }
  }
  cancellation.on_cancel([&state] {
    const std::lock_guard lock(state.mutex);  // not between a waiter's look and its sleep
    state.changed.notify_all();
  });
  Result<Evaluation> result = connection_lost();
  if (state.send(RunMessage{spec})) {
    std::unique_lock lock(state.mutex);
    State::Pending& mine = state.pending.at(token);
    while (true) {
      while (!mine.events.empty()) {
        const schemas::JobEvent event = std::move(mine.events.front());
        mine.events.pop_front();
        lock.unlock();
        events(event);
        lock.lock();
      }
      if (mine.end) {
        result = std::move(*mine.end);
        break;
      }
      if (!state.connected) break;
      if (cancellation.cancelled() && !mine.cancel_sent) {
        mine.cancel_sent = true;
        lock.unlock();
        state.send(CancelMessage{{spec.job_id, token}});
        lock.lock();
        continue;
      }
      state.changed.wait_for(lock, kWaitSlice);
    }
  }
  cancellation.on_cancel({});
  const std::lock_guard lock(state.mutex);
  state.pending.erase(token);
  return result;
}

Capacity RemoteExecutor::capacity() {
  state_->refresh_capacity();
  const std::lock_guard lock(state_->mutex);
  return state_->connected ? state_->capacity.capacity : Capacity{};
}

std::vector<DeviceUse> RemoteExecutor::device_use() {
  state_->refresh_capacity();
  const std::lock_guard lock(state_->mutex);
  return state_->capacity.device_use;
}

std::int64_t RemoteExecutor::stale_answers() const {
  const std::lock_guard lock(state_->mutex);
  return state_->stale;
}

}  // namespace assay::engine
