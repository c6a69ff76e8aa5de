// SPDX-License-Identifier: Apache-2.0
// The time that a job may still use: compiling and running count, waiting for a turn does not. One
// thread.
#pragma once

#include <algorithm>
#include <chrono>

#include "sandbox/clock.h"

namespace assay::engine {

class Budget {
 public:
  explicit Budget(sandbox::Clock::duration total) : deadline_(sandbox::after(total)) {}

  sandbox::Deadline deadline() const { return deadline_; }
  sandbox::Clock::duration left() const { return deadline_ - sandbox::Clock::now(); }
  bool spent() const { return left() <= sandbox::Clock::duration::zero(); }

  // Leaves at most this much.
  void keep(sandbox::Clock::duration most) {
    deadline_ = std::min(deadline_, sandbox::after(most));
  }

  // While one exists the budget stands still; the deadline moves by its lifetime.
  class Pause {
   public:
    explicit Pause(Budget& budget) : budget_(budget) {}
    ~Pause() { budget_.deadline_ += sandbox::Clock::now() - begin_; }
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

   private:
    Budget& budget_;
    sandbox::Clock::time_point begin_ = sandbox::Clock::now();
  };

 private:
  sandbox::Deadline deadline_;
};

}  // namespace assay::engine
