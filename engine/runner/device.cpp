// SPDX-License-Identifier: Apache-2.0
#include "engine/runner/device.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace assay::engine::runner {
namespace {

cuda::PrimaryContext open_context(const std::string& uuid) {
  // A kernel that is loaded at its first launch would be loaded behind a blocked stream. Read by
  // cuInit.
  ::setenv("CUDA_MODULE_LOADING", "EAGER", 1);
  const cuda::DriverPointer driver = value_or_fail(cuda::Driver::open());
  value_or_fail(driver->initialize());
  const CUdevice device = value_or_fail(cuda::find_device(*driver, 0, uuid));
  return value_or_fail(cuda::PrimaryContext::retain(driver, device));
}

}  // namespace

Device::Device(const std::string& uuid) : context_(open_context(uuid)) {
  CUstream stream = nullptr;
  check(driver(), call().stream_create(&stream, CU_STREAM_NON_BLOCKING), "making a stream");
  stream_ = Stream(driver_pointer(), stream);
}

std::int64_t Device::attribute(CUdevice_attribute which) const {
  int value = 0;
  check(driver(), call().device_get_attribute(&value, which, handle()),
        "asking for a device limit");
  return value;
}

void Device::record(const Event& event) const {
  check(driver(), call().event_record(event.get(), stream()), "recording an event");
}

void Device::synchronize() const {
  check(driver(), call().ctx_synchronize(), "waiting for the kernel");
}

std::int64_t Device::elapsed_ns(const Event& begin, const Event& end) const {
  float milliseconds = 0;
  check(driver(), call().event_elapsed_time(&milliseconds, begin.get(), end.get()),
        "reading the time between two events");
  return std::max<std::int64_t>(0, std::llround(static_cast<double>(milliseconds) * 1e6));
}

}  // namespace assay::engine::runner
