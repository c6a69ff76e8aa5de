// SPDX-License-Identifier: Apache-2.0
// An executor takes a job specification of plain bytes and yields events and one evaluation. Judge,
// zygote and compilers hang below it, so that it can live in another process or on another machine.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "schemas/evaluation.h"
#include "schemas/job.h"
#include "schemas/result.h"

namespace assay::engine {

// Set once to cancel; shared between the one who cancels and the one who works. Thread-safe.
class Cancellation {
 public:
  void cancel();
  bool cancelled() const { return cancelled_.load(std::memory_order_acquire); }
  // Calls `wake` when cancelled (at once if it already is). One waker at a time; an empty one
  // clears it.
  void on_cancel(std::function<void()> wake);

 private:
  std::atomic<bool> cancelled_{false};
  struct Waker;
  std::shared_ptr<Waker> waker_ = make_waker();
  static std::shared_ptr<Waker> make_waker();
};

using EventSink = std::function<void(const schemas::JobEvent&)>;

// The cache of compiled kernels: since the executor's start, but for what is stored.
struct CacheUse {
  std::int64_t hits = 0, misses = 0;  // whether a caller was spared a build
  std::int64_t evictions = 0;         // removed to make room
  std::int64_t dropped = 0;           // removed because they did not verify
  std::int64_t entries = 0, bytes = 0, max_bytes = 0;
  double seconds_saved = 0;  // what the builds took whose artifacts were found
};

// What an executor offers now.
struct Capacity {
  std::vector<schemas::DeviceInfo> devices;  // usable ones
  std::vector<schemas::DeviceInfo>
      configured;                     // all there are; empty while one of them is not known yet
  std::vector<std::string> starting;  // "cpu judge", "zygote": not ready yet
  std::int64_t parallel_jobs = 1;     // jobs worth giving it at once (compiles overlap runs)
  std::vector<schemas::LayerReport> isolation;  // as probed at start
  std::optional<CacheUse> cache;                // absent: it has none
};

// Per-device use, for statistics.
struct DeviceUse {
  schemas::DeviceInfo device;
  double busy_seconds = 0;
  bool leased = false;
};

class Executor {
 public:
  virtual ~Executor() = default;
  // Blocks until the job ended or was cancelled. An Error is our own failure; a bad kernel is an
  // Evaluation. Thread-safe: several jobs may run at once. `events` is called on the calling
  // thread.
  virtual schemas::Result<schemas::Evaluation> run(const schemas::JobSpec& spec,
                                                   const EventSink& events,
                                                   Cancellation& cancellation) = 0;
  virtual Capacity capacity() = 0;
  virtual std::vector<DeviceUse> device_use() = 0;
};

}  // namespace assay::engine
