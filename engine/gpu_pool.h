// SPDX-License-Identifier: Apache-2.0
// Who may use which device now. A Lease is an exclusive, move-only right to one or more devices of
// one kind; its destructor gives them back. The CPU is a device here too: one job at a time on it,
// so that timings are honest. All members are thread-safe. The pool must outlive its leases.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <vector>

#include "engine/executor.h"
#include "schemas/device.h"
#include "schemas/result.h"

namespace assay::engine {

struct DeviceId {
  schemas::DeviceKind kind = schemas::DeviceKind::cpu;
  std::int64_t index = 0;
  friend bool operator==(const DeviceId&, const DeviceId&) = default;
};
std::string device_id_text(const DeviceId& id);  // "cpu", "cuda:0"

class GpuPool {
 public:
  class Lease {
   public:
    Lease() = default;
    Lease(Lease&& other) noexcept;
    Lease& operator=(Lease&& other) noexcept;
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease();

    const std::vector<DeviceId>& devices() const { return devices_; }
    explicit operator bool() const { return pool_ != nullptr; }
    void release();  // now instead of at the end; twice is fine

   private:
    friend class GpuPool;
    Lease(GpuPool* pool, std::vector<DeviceId> devices);
    GpuPool* pool_ = nullptr;
    std::vector<DeviceId> devices_;
  };

  // `devices` is everything configured; each is unusable until set_usable says otherwise.
  explicit GpuPool(const std::vector<DeviceId>& devices);

  void set_usable(const DeviceId& device, bool usable);
  std::int64_t configured(schemas::DeviceKind kind) const;

  // Blocks until `count` usable devices of `kind` are free. First come, first served among waiters
  // of one kind: a waiter for four devices is not overtaken by waiters for one. Errors: no_device
  // when more are asked than are configured, or when none became usable before `deadline`;
  // cancelled. No deadline runs while usable devices are merely busy.
  schemas::Result<Lease> acquire(schemas::DeviceKind kind, std::int64_t count,
                                 Cancellation& cancellation,
                                 std::chrono::steady_clock::time_point deadline);

  struct Use {
    DeviceId device;
    bool usable = false, leased = false;
    double busy_seconds = 0;  // all leases together, a running one included
  };
  std::vector<Use> use() const;

 private:
  struct Slot {
    DeviceId device;
    bool usable = false, leased = false;
    std::chrono::steady_clock::time_point leased_at;
    std::chrono::steady_clock::duration busy{0};
  };
  struct Waiter {
    schemas::DeviceKind kind;
    std::int64_t count;
  };
  bool first_in_line(const Waiter& waiter) const;
  std::vector<Slot*> free_slots(schemas::DeviceKind kind);
  std::int64_t usable_count(schemas::DeviceKind kind) const;
  void give_back(const std::vector<DeviceId>& devices);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Slot> slots_;
  std::list<Waiter> waiters_;  // in order of arrival
};

}  // namespace assay::engine
