// SPDX-License-Identifier: Apache-2.0
#include "engine/runner/control.h"

#include <limits>
#include <string>
#include <utility>

namespace assay::engine::runner {
namespace {

// How long one futex wait lasts at most: a lost wake-up or an abort is seen after that.
constexpr std::int64_t kLongestWaitMicroseconds = 50'000;

}  // namespace

schemas::Result<Control> Control::open(sandbox::UniqueFd fd) {
  auto memory = sandbox::SharedMemory::adopt(std::move(fd), kControlPageBytes, kControlPageBytes);
  if (!memory) return std::move(memory).error();
  auto mapping = memory->map(sandbox::Access::read_write);
  if (!mapping) return std::move(mapping).error();
  Control control(std::move(mapping).value());
  if (control.page_->magic != kControlPageMagic || control.page_->version != kControlPageVersion)
    return schemas::Error{schemas::ErrorCode::protocol_violation,
                          "not a control page of version " + std::to_string(kControlPageVersion),
                          false,
                          {}};
  return control;
}

Control::Control(sandbox::Mapping mapping)
    : mapping_(std::move(mapping)), page_(reinterpret_cast<ControlPage*>(mapping_.data())) {}

bool Control::wait_word(std::atomic<std::uint32_t>& word, std::uint32_t wanted) {
  while (true) {
    const std::uint32_t seen = word.load(std::memory_order_acquire);
    if (seen == wanted) return true;
    if (page_->abort.load(std::memory_order_acquire) != 0) return false;
    control_wait(word, seen, kLongestWaitMicroseconds);
  }
}

bool Control::wait_release(std::uint32_t window) {
  return wait_word(page_->release, window);
}

bool Control::wait_slot(std::uint32_t slot, std::uint32_t window) {
  return wait_word(page_->slot_release[slot], window);
}

void Control::finish(std::uint32_t window, bool failed) {
  page_->status.store(failed ? 1 : 0, std::memory_order_relaxed);
  page_->done.store(window, std::memory_order_release);
  control_wake(page_->done);
}

}  // namespace assay::engine::runner
