// SPDX-License-Identifier: Apache-2.0
#include "engine/judge/memory.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "engine/judge/failure.h"

namespace assay::engine::judge {

Arena::Arena(std::size_t bytes, std::shared_ptr<MemoryLedger> ledger)
    : bytes_(bytes), ledger_(std::move(ledger)) {
  ledger_->used_bytes += bytes_;
}

Arena::~Arena() {
  ledger_->used_bytes -= bytes_;
}

void Memory::set_budget(std::size_t bytes) {
  ledger_ = std::make_shared<MemoryLedger>();
  ledger_->budget_bytes = bytes;
}

ArenaPointer Memory::allocate(std::size_t bytes, Sharing sharing, const std::string& what) {
  bytes = std::max<std::size_t>(bytes, 1);
  if (bytes > budget_left())
    throw Failure(Cause::memory, what + " need " + bytes_text(bytes) + ", but only " +
                                     bytes_text(budget_left()) + " of the " +
                                     bytes_text(ledger_->budget_bytes) + " for one job are left");
  return do_allocate(bytes, sharing, ledger_);
}

std::string bytes_text(std::size_t bytes) {
  static constexpr std::array units = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  auto figure = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (figure >= 1024 && unit + 1 < units.size()) {
    figure /= 1024;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", figure, units[unit]);
  return text;
}

}  // namespace assay::engine::judge
