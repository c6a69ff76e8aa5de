// SPDX-License-Identifier: Apache-2.0
#include "mcp/sse.h"

namespace assay::mcp {

std::string event_frame(const Json& message) {
  return "event: message\ndata: " + schemas::dump_json(message) + "\n\n";
}

void CallStream::notify(Json notification) {
  {
    const std::lock_guard lock(mutex_);
    if (finished_ || abandoned_) return;
    if (notifications_.size() >= kMaxPendingNotifications) notifications_.pop_front();
    notifications_.push_back(std::move(notification));
  }
  changed_.notify_all();
}

void CallStream::finish(Json response) {
  {
    const std::lock_guard lock(mutex_);
    if (finished_) return;
    finished_ = true;
    response_ = std::move(response);
  }
  changed_.notify_all();
}

std::optional<Json> CallStream::next(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, patience, [this] { return finished_ || !notifications_.empty(); });
  if (!notifications_.empty()) {
    Json first = std::move(notifications_.front());
    notifications_.pop_front();
    return first;
  }
  return std::exchange(response_, std::nullopt);
}

bool CallStream::drained() const {
  const std::lock_guard lock(mutex_);
  return finished_ && notifications_.empty() && !response_;
}

std::optional<Json> CallStream::response_within(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, patience, [this] { return finished_; });
  if (!finished_) return std::nullopt;
  notifications_.clear();
  return std::exchange(response_, std::nullopt);
}

void CallStream::abandon(bool withdraws) {
  const std::lock_guard lock(mutex_);
  abandoned_ = true;
  withdrawn_ = withdrawn_ || (withdraws && !finished_);
  notifications_.clear();
}

bool CallStream::withdrawn() const {
  const std::lock_guard lock(mutex_);
  return withdrawn_;
}

}  // namespace assay::mcp
