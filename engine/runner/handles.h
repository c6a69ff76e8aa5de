// SPDX-License-Identifier: Apache-2.0
// Owners of what the driver hands out; each releases by the driver's function for it. Move-only.
// REQUIRES: the context is current wherever one is destroyed.
#pragma once

#include <utility>

#include "engine/cuda/driver.h"
#include "engine/runner/failure.h"

namespace assay::engine::runner {

template <typename Handle, auto release>
class Owned {
 public:
  Owned() = default;
  Owned(cuda::DriverPointer driver, Handle handle) : driver_(std::move(driver)), handle_(handle) {}
  Owned(Owned&& other) noexcept
      : driver_(std::move(other.driver_)), handle_(std::exchange(other.handle_, Handle{})) {}
  Owned& operator=(Owned&& other) noexcept {
    std::swap(driver_, other.driver_);
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Owned() {
    if (handle_ != Handle{}) (driver_->call.*release)(handle_);
  }

  Handle get() const { return handle_; }
  explicit operator bool() const { return handle_ != Handle{}; }

 private:
  cuda::DriverPointer driver_;
  Handle handle_{};
};

using Stream = Owned<CUstream, &cuda::Functions::stream_destroy>;
using Event = Owned<CUevent, &cuda::Functions::event_destroy>;
using Module = Owned<CUmodule, &cuda::Functions::module_unload>;
using Graph = Owned<CUgraph, &cuda::Functions::graph_destroy>;
using GraphInstance = Owned<CUgraphExec, &cuda::Functions::graph_exec_destroy>;
using DeviceBuffer = Owned<CUdeviceptr, &cuda::Functions::mem_free>;
using HostBuffer = Owned<void*, &cuda::Functions::mem_free_host>;

inline Event make_event(const cuda::DriverPointer& driver) {
  CUevent event = nullptr;
  check(*driver, driver->call.event_create(&event, CU_EVENT_DEFAULT), "making an event");
  return {driver, event};
}

}  // namespace assay::engine::runner
