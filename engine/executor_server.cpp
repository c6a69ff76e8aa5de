// SPDX-License-Identifier: Apache-2.0
#include "engine/executor_server.h"

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include "engine/executor_protocol.h"

namespace assay::engine {
namespace {

using schemas::Error;
using schemas::ErrorCode;
using schemas::JobSpec;

// Jobs whose newest token is remembered; the oldest are forgotten first, long after their runs
// ended.
constexpr std::size_t kMaxRememberedJobs = 65536;

class Server {
 public:
  Server(Executor& executor, sandbox::Channel channel)
      : executor_(executor), channel_(std::move(channel)) {}

  schemas::Status serve() {
    schemas::Status end = schemas::success();
    while (true) {
      auto frame = channel_.receive(kMaxExecutorFrameBytes, sandbox::no_deadline(), 0);
      if (!frame.ok()) {
        // A client that went away with answers unread resets the connection: that is a close as
        // well.
        if (frame.error().code != ErrorCode::interrupted) end = std::move(frame).error();
        break;
      }
      if (!frame->has_value()) break;
      auto request = decode_request((*frame)->bytes);
      if (!request) {
        end = std::move(request).error();
        break;
      }
      std::visit([this](auto& message) { handle(message); }, *request);
    }
    end_all();
    return end;
  }

 private:
  struct Run {
    std::string job_id;
    Cancellation cancellation;
  };

  void handle(RunMessage& message) {
    const RunId id{message.spec.job_id, message.spec.fencing_token};
    auto run = std::make_shared<Run>();
    run->job_id = id.job_id;
    {
      const std::lock_guard lock(mutex_);
      if (Error error; refused(id, error)) {
        send(ErrorMessage{id, std::move(error)});
        return;
      }
      for (auto& [token, other] : runs_) {
        if (other->job_id == id.job_id) other->cancellation.cancel();
      }
      runs_.emplace(id.fencing_token, run);
    }
    std::thread([this, run, spec = std::move(message.spec)] { work(*run, spec); }).detach();
  }

  void handle(const CancelMessage& message) {
    const std::lock_guard lock(mutex_);
    const auto found = runs_.find(message.run.fencing_token);
    if (found != runs_.end() && found->second->job_id == message.run.job_id) {
      found->second->cancellation.cancel();
    }
  }

  void handle(const CapacityRequest&) {
    send(CapacityMessage{executor_.capacity(), executor_.device_use()});
  }

  // Decides on a run's token and remembers it. REQUIRES: mutex_.
  bool refused(const RunId& id, Error& error) {
    const auto newest = newest_.find(id.job_id);
    if (newest != newest_.end() && id.fencing_token <= newest->second) {
      error = {ErrorCode::stale_token,
               "fencing token " + std::to_string(id.fencing_token) + " of job " + id.job_id +
                   " is not newer than " + std::to_string(newest->second),
               false,
               {}};
      return true;
    }
    if (runs_.size() >= kMaxRemoteRuns || runs_.contains(id.fencing_token)) {
      error = {ErrorCode::overloaded, "the executor runs as many jobs as it takes", true, {}};
      return true;
    }
    if (newest == newest_.end()) {
      if (order_.size() >= kMaxRememberedJobs) {
        newest_.erase(order_.front());
        order_.pop_front();
      }
      order_.push_back(id.job_id);
    }
    newest_[id.job_id] = id.fencing_token;
    return false;
  }

  void work(Run& run, const JobSpec& spec) {
    const RunId id{spec.job_id, spec.fencing_token};
    auto result = executor_.run(
        spec,
        [&](const schemas::JobEvent& event) {
          if (is_newest(id)) send(EventMessage{id, event});
        },
        run.cancellation);
    if (is_newest(id)) {
      if (result.ok()) {
        send(ResultMessage{id, std::move(result).value()});
      } else {
        send(ErrorMessage{id, std::move(result).error()});
      }
    }
    const std::lock_guard lock(mutex_);
    runs_.erase(id.fencing_token);
    changed_.notify_all();
  }

  bool is_newest(const RunId& id) {
    const std::lock_guard lock(mutex_);
    const auto newest = newest_.find(id.job_id);
    return newest == newest_.end() || newest->second == id.fencing_token;
  }

  // A client that does not read loses its answers; it notices by the missing end.
  void send(const ExecutorAnswer& answer) {
    const std::string bytes = encode(answer);
    const std::lock_guard lock(send_mutex_);
    (void)channel_.send(bytes, sandbox::after(kExecutorSendPatience));
  }

  void end_all() {
    std::unique_lock lock(mutex_);
    for (auto& [token, run] : runs_) run->cancellation.cancel();
    changed_.wait(lock, [this] { return runs_.empty(); });
  }

  Executor& executor_;
  sandbox::Channel channel_;
  std::mutex send_mutex_;
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::map<std::int64_t, std::shared_ptr<Run>> runs_;  // by fencing token
  std::unordered_map<std::string, std::int64_t> newest_;
  std::deque<std::string> order_;  // jobs of newest_, oldest first
};

}  // namespace

schemas::Status serve_executor(Executor& executor, sandbox::Channel channel) {
  return Server(executor, std::move(channel)).serve();
}

}  // namespace assay::engine
