// SPDX-License-Identifier: Apache-2.0
#include "sandbox/uid_pool.h"

#include <deque>
#include <mutex>
#include <unistd.h>
#include <utility>

#include "sandbox/system_error.h"

namespace assay::sandbox {

struct UidLease::State {
  std::mutex mutex;
  std::deque<std::uint32_t> free;
  bool root = false;
};

UidLease::UidLease(UidLease&& other) noexcept
    : state_(std::move(other.state_)), uid_(std::exchange(other.uid_, 0)) {}

UidLease& UidLease::operator=(UidLease&& other) noexcept {
  if (this != &other) {
    give_back();
    state_ = std::move(other.state_);
    uid_ = std::exchange(other.uid_, 0);
  }
  return *this;
}

UidLease::~UidLease() {
  give_back();
}

void UidLease::give_back() noexcept {
  if (uid_ == 0 || !state_) return;
  const std::lock_guard lock(state_->mutex);
  state_->free.push_back(std::exchange(uid_, 0));
}

UidPool::UidPool(std::uint32_t first, std::uint32_t count)
    : state_(std::make_shared<UidLease::State>()) {
  state_->root = ::geteuid() == 0;
  for (std::uint32_t i = 0; i < count; ++i) state_->free.push_back(first + i);
}

schemas::Result<UidLease> UidPool::take() {
  const std::lock_guard lock(state_->mutex);
  UidLease lease;
  if (!state_->root) return lease;
  if (state_->free.empty())
    return make_error(schemas::ErrorCode::overloaded, "every uid of the range is in use", true);
  lease.state_ = state_;
  lease.uid_ = state_->free.front();
  state_->free.pop_front();
  return lease;
}

}  // namespace assay::sandbox
