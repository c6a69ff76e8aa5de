// SPDX-License-Identifier: Apache-2.0
#include "engine/executor.h"

#include <mutex>
#include <utility>

namespace assay::engine {

// The waker is called with the mutex held: once on_cancel({}) has returned, the old waker neither
// runs nor will.
struct Cancellation::Waker {
  std::mutex mutex;
  std::function<void()> wake;
};

std::shared_ptr<Cancellation::Waker> Cancellation::make_waker() {
  return std::make_shared<Waker>();
}

void Cancellation::cancel() {
  const std::lock_guard lock(waker_->mutex);
  cancelled_.store(true, std::memory_order_release);
  if (waker_->wake) {
    waker_->wake();
  }
}

void Cancellation::on_cancel(std::function<void()> wake) {
  const std::lock_guard lock(waker_->mutex);
  waker_->wake = std::move(wake);
  if (waker_->wake && cancelled()) {
    waker_->wake();
  }
}

}  // namespace assay::engine
