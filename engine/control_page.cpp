// SPDX-License-Identifier: Apache-2.0
#include "engine/control_page.h"

#include <climits>
#include <ctime>
#include <unistd.h>

#include <linux/futex.h>
#include <sys/syscall.h>

namespace assay::engine {
namespace {

// FUTEX_WAIT and FUTEX_WAKE without FUTEX_PRIVATE_FLAG: the word lies in memory that two processes
// map.
long futex(std::atomic<std::uint32_t>& word, int operation, std::uint32_t value,
           const timespec* timeout) {
  return syscall(SYS_futex, &word, operation, value, timeout, nullptr, 0);
}

}  // namespace

void control_wait(std::atomic<std::uint32_t>& word, std::uint32_t seen, std::int64_t timeout_us) {
  if (word.load(std::memory_order_acquire) != seen || timeout_us <= 0) return;
  timespec timeout{};
  timeout.tv_sec = static_cast<time_t>(timeout_us / 1'000'000);
  timeout.tv_nsec = static_cast<long>(timeout_us % 1'000'000) * 1000;
  futex(word, FUTEX_WAIT, seen, &timeout);
}

void control_wake(std::atomic<std::uint32_t>& word) {
  futex(word, FUTEX_WAKE, INT_MAX, nullptr);
}

}  // namespace assay::engine
