// SPDX-License-Identifier: Apache-2.0
// One CUDA device and its primary context, which torch and our own driver calls share within a
// process.
#pragma once

#include <cstdint>
#include <string>

#include "engine/cuda/driver.h"
#include "schemas/result.h"

namespace assay::engine::cuda {

// The device's UUID as NVML and CUDA_VISIBLE_DEVICES write it:
// "GPU-xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx".
std::string uuid_text(const CUuuid& uuid);

// The device with this UUID, or, when the text is empty, the one with this ordinal. Error:
// no_device.
schemas::Result<CUdevice> find_device(const Driver& driver, std::int64_t ordinal,
                                      const std::string& uuid);

// Keeps the primary context of a device alive and current on the thread that made it. Move-only.
class PrimaryContext {
 public:
  static schemas::Result<PrimaryContext> retain(DriverPointer driver, CUdevice device);
  ~PrimaryContext();
  PrimaryContext(PrimaryContext&& other) noexcept;
  PrimaryContext& operator=(PrimaryContext&& other) noexcept;

  // For a second thread.
  schemas::Status make_current() const;
  CUdevice device() const { return device_; }
  CUcontext handle() const { return context_; }
  const Driver& driver() const { return *driver_; }
  const DriverPointer& driver_pointer() const { return driver_; }

 private:
  PrimaryContext(DriverPointer driver, CUdevice device, CUcontext context);
  DriverPointer driver_;
  CUdevice device_ = 0;
  CUcontext context_ = nullptr;
};

}  // namespace assay::engine::cuda
