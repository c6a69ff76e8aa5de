// SPDX-License-Identifier: Apache-2.0
// UidPool: hands out uids of a configured range, so that processes that run at the same time never
// share one. Thread-safe; leases may outlive the pool.
#pragma once

#include <cstdint>
#include <memory>

#include "schemas/result.h"

namespace assay::sandbox {

// Gives its uid back when destroyed. Keep it until the process that uses it is dead. uid 0: no uid
// is set aside.
class UidLease {
 public:
  UidLease() = default;
  UidLease(UidLease&& other) noexcept;
  UidLease& operator=(UidLease&& other) noexcept;
  UidLease(const UidLease&) = delete;
  UidLease& operator=(const UidLease&) = delete;
  ~UidLease();

  std::uint32_t uid() const { return uid_; }

 private:
  friend class UidPool;
  struct State;
  void give_back() noexcept;
  std::shared_ptr<State> state_;
  std::uint32_t uid_ = 0;
};

class UidPool {
 public:
  // [first, first + count). A process that is not root gets leases of uid 0 whatever the range.
  UidPool(std::uint32_t first, std::uint32_t count);
  // The uid that was given back longest ago. Error: overloaded when all are out.
  schemas::Result<UidLease> take();

 private:
  std::shared_ptr<UidLease::State> state_;
};

}  // namespace assay::sandbox
