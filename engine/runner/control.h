// SPDX-License-Identifier: Apache-2.0
// The runner's side of the control page: wait for a window to be released, say that it is done.
// One thread at a time.
#pragma once

#include <atomic>
#include <cstdint>

#include "engine/control_page.h"
#include "sandbox/fd.h"
#include "sandbox/shared_memory.h"
#include "schemas/result.h"

namespace assay::engine::runner {

class Control {
 public:
  // Error: protocol_violation when it is no control page of our version.
  static schemas::Result<Control> open(sandbox::UniqueFd fd);

  // Blocks until the judge released `window`; false when it gave the window up.
  bool wait_release(std::uint32_t window);
  // The same for one slot. REQUIRES: slot < kMaxSlots.
  bool wait_slot(std::uint32_t slot, std::uint32_t window);
  bool slot_released(std::uint32_t slot, std::uint32_t window) const {
    return page_->slot_release[slot].load(std::memory_order_acquire) == window;
  }
  // The window ended: `failed` means that an error frame follows.
  void finish(std::uint32_t window, bool failed);

 private:
  explicit Control(sandbox::Mapping mapping);
  bool wait_word(std::atomic<std::uint32_t>& word, std::uint32_t wanted);

  sandbox::Mapping mapping_;
  ControlPage* page_ = nullptr;
};

}  // namespace assay::engine::runner
