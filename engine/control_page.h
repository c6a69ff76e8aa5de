// SPDX-License-Identifier: Apache-2.0
// The one page that judge and runner share to start and end a window without a message: fixed words
// in a memfd. Both sides include this header. The judge writes `release`, `abort` and the slot
// words; the runner writes `done` and `status`. The judge trusts nothing it reads here beyond "the
// runner says so": its own clock and its own checks decide.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace assay::engine {

inline constexpr std::size_t kControlPageBytes = std::size_t{64} << 10;
inline constexpr std::uint32_t kControlPageMagic = 0x41535059;  // "YPSA" in memory
inline constexpr std::uint32_t kControlPageVersion = 1;
inline constexpr std::uint32_t kMaxSlots = 8192;

struct ControlPage {
  std::uint32_t magic;
  std::uint32_t version;
  std::atomic<std::uint32_t> release;  // futex: window number, set by the judge
  std::atomic<std::uint32_t> done;     // futex: window number, set by the runner
  std::atomic<std::uint32_t> status;   // 0 ok, 1 an error frame follows
  std::atomic<std::uint32_t> abort;    // the judge gives the window up
  std::uint32_t reserved[10];
  std::atomic<std::uint32_t>
      slot_release[kMaxSlots];  // 0 held, else the window that may use the slot
};
static_assert(sizeof(ControlPage) <= kControlPageBytes);
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

// Shared futex on a word of the page. wait returns when the word no longer holds `seen`, was woken,
// or after `timeout_us`; spurious returns are normal.
void control_wait(std::atomic<std::uint32_t>& word, std::uint32_t seen, std::int64_t timeout_us);
void control_wake(std::atomic<std::uint32_t>& word);

}  // namespace assay::engine
