// SPDX-License-Identifier: Apache-2.0
// Device: the GPU of this runner, its context and the one stream that everything is launched on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "engine/cuda/device.h"
#include "engine/runner/handles.h"

namespace assay::engine::runner {

class Device {
 public:
  // Opens the context on the device with this UUID, or on the first visible one. Failure: cuda.
  explicit Device(const std::string& uuid);

  const cuda::Driver& driver() const { return context_.driver(); }
  const cuda::DriverPointer& driver_pointer() const { return context_.driver_pointer(); }
  const cuda::Functions& call() const { return driver().call; }
  CUdevice handle() const { return context_.device(); }
  CUstream stream() const { return stream_.get(); }
  std::int64_t attribute(CUdevice_attribute which) const;

  void record(const Event& event) const;
  // Waits for everything that this context runs. Failure: cuda, with what the kernel did.
  void synchronize() const;
  // Between two recorded events that have passed.
  std::int64_t elapsed_ns(const Event& begin, const Event& end) const;

 private:
  cuda::PrimaryContext context_;
  Stream stream_;
};

}  // namespace assay::engine::runner
