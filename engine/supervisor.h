// SPDX-License-Identifier: Apache-2.0
// Keeps one trusted worker alive: starts it on a thread of its own, waits for its end, starts it
// again. The first restart comes at once, later ones with growing pauses, until it has lived for a
// while.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "sandbox/fd.h"
#include "schemas/result.h"

namespace assay::engine {

class Supervisor {
 public:
  // Called on the supervisor's thread only.
  struct Hooks {
    // Brings the worker up; may take long. Returns a descriptor that is readable once the worker
    // has ended.
    std::function<schemas::Result<int>()> start;
    // The worker ended, or is to end now: let go of it. Returns words on how it ended, for the
    // operator.
    std::function<std::string()> ended;
  };
  explicit Supervisor(Hooks hooks);
  // Ends the worker. Waits for a start that is under way.
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Why it is not up, or how it last ended; empty when there was no trouble. Thread-safe.
  std::string trouble() const;

 private:
  void run();
  bool stopping_within(std::chrono::milliseconds pause) const;
  void set_trouble(std::string trouble);

  const Hooks hooks_;
  sandbox::UniqueFd stop_;  // an eventfd: readable once the supervisor is to stop
  mutable std::mutex mutex_;
  std::string trouble_;
  std::thread thread_;
};

}  // namespace assay::engine
