// SPDX-License-Identifier: Apache-2.0
#include "engine/gpu_pool.h"

#include <algorithm>
#include <utility>

namespace assay::engine {

using schemas::DeviceKind;
using schemas::Error;
using schemas::ErrorCode;

std::string device_id_text(const DeviceId& id) {
  return id.kind == DeviceKind::cpu ? "cpu" : "cuda:" + std::to_string(id.index);
}

GpuPool::Lease::Lease(GpuPool* pool, std::vector<DeviceId> devices)
    : pool_(pool), devices_(std::move(devices)) {}

GpuPool::Lease::Lease(Lease&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)), devices_(std::move(other.devices_)) {}

GpuPool::Lease& GpuPool::Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    release();
    pool_ = std::exchange(other.pool_, nullptr);
    devices_ = std::move(other.devices_);
  }
  return *this;
}

GpuPool::Lease::~Lease() {
  release();
}

void GpuPool::Lease::release() {
  if (GpuPool* pool = std::exchange(pool_, nullptr); pool != nullptr) {
    pool->give_back(devices_);
    devices_.clear();
  }
}

GpuPool::GpuPool(const std::vector<DeviceId>& devices) {
  for (const DeviceId& device : devices) {
    slots_.push_back({device, false, false, {}, {}});
  }
}

void GpuPool::set_usable(const DeviceId& device, bool usable) {
  const std::lock_guard lock(mutex_);
  for (Slot& slot : slots_) {
    if (slot.device == device) {
      slot.usable = usable;
    }
  }
  changed_.notify_all();
}

std::int64_t GpuPool::configured(DeviceKind kind) const {
  const std::lock_guard lock(mutex_);
  return std::count_if(slots_.begin(), slots_.end(),
                       [&](const Slot& slot) { return slot.device.kind == kind; });
}

std::int64_t GpuPool::usable_count(DeviceKind kind) const {
  return std::count_if(slots_.begin(), slots_.end(),
                       [&](const Slot& slot) { return slot.device.kind == kind && slot.usable; });
}

std::vector<GpuPool::Slot*> GpuPool::free_slots(DeviceKind kind) {
  std::vector<Slot*> free;
  for (Slot& slot : slots_) {
    if (slot.device.kind == kind && slot.usable && !slot.leased) {
      free.push_back(&slot);
    }
  }
  return free;
}

bool GpuPool::first_in_line(const Waiter& waiter) const {
  const auto first = std::find_if(waiters_.begin(), waiters_.end(),
                                  [&](const Waiter& other) { return other.kind == waiter.kind; });
  return &*first == &waiter;
}

schemas::Result<GpuPool::Lease> GpuPool::acquire(DeviceKind kind, std::int64_t count,
                                                 Cancellation& cancellation,
                                                 std::chrono::steady_clock::time_point deadline) {
  const std::string kind_text = schemas::device_kind_name(kind);
  if (count < 1 || count > configured(kind)) {
    return Error{ErrorCode::no_device,
                 std::to_string(count) + " " + kind_text + " device(s) asked for, " +
                     std::to_string(configured(kind)) + " configured",
                 false,
                 {}};
  }
  // The waker takes the lock, so that it cannot slip in between a check and the wait below.
  cancellation.on_cancel([this] {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
  });
  struct ClearWaker {
    Cancellation& cancellation;
    ~ClearWaker() { cancellation.on_cancel({}); }
  } const clear{cancellation};

  std::unique_lock lock(mutex_);
  const auto self = waiters_.insert(waiters_.end(), {kind, count});
  struct LeaveLine {
    GpuPool& pool;
    std::list<Waiter>::iterator self;
    ~LeaveLine() {
      pool.waiters_.erase(self);
      pool.changed_.notify_all();
    }
  } const leave{*this, self};

  const auto wanted = static_cast<std::size_t>(count);
  while (!cancellation.cancelled()) {
    if (const auto free = free_slots(kind); first_in_line(*self) && free.size() >= wanted) {
      std::vector<DeviceId> leased;
      for (std::size_t i = 0; i < wanted; ++i) {
        free[i]->leased = true;
        free[i]->leased_at = std::chrono::steady_clock::now();
        leased.push_back(free[i]->device);
      }
      return Lease(this, std::move(leased));
    }
    if (usable_count(kind) >= count) {
      changed_.wait(lock);
    } else if (changed_.wait_until(lock, deadline) == std::cv_status::timeout &&
               usable_count(kind) < count) {
      return Error{
          ErrorCode::no_device, "no " + kind_text + " device became usable in time", true, {}};
    }
  }
  return Error{ErrorCode::cancelled, "cancelled while waiting for a device", false, {}};
}

void GpuPool::give_back(const std::vector<DeviceId>& devices) {
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  for (Slot& slot : slots_) {
    if (std::find(devices.begin(), devices.end(), slot.device) != devices.end()) {
      slot.leased = false;
      slot.busy += now - slot.leased_at;
    }
  }
  changed_.notify_all();
}

std::vector<GpuPool::Use> GpuPool::use() const {
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  std::vector<Use> result;
  for (const Slot& slot : slots_) {
    const auto busy = slot.busy + (slot.leased ? now - slot.leased_at : now - now);
    result.push_back(
        {slot.device, slot.usable, slot.leased, std::chrono::duration<double>(busy).count()});
  }
  return result;
}

}  // namespace assay::engine
