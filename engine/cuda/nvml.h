// SPDX-License-Identifier: Apache-2.0
// What NVML tells about a GPU now: memory, clocks, temperature, power. Opened at run time; our own
// declarations of the few functions used, because the CUDA wheels bring no nvml.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "schemas/result.h"

namespace assay::engine::cuda {

struct GpuState {
  std::optional<std::int64_t> memory_total_bytes, memory_used_bytes;
  std::optional<double> sm_clock_mhz, memory_clock_mhz, sm_clock_max_mhz, temperature_c, power_w;
  std::string driver_version;  // "580.159"
};

// Not thread-safe; move-only.
class Nvml {
 public:
  // Error: no_device with the reason (no libnvidia-ml.so.1, no driver).
  static schemas::Result<Nvml> open();
  ~Nvml();
  Nvml(Nvml&& other) noexcept;
  Nvml& operator=(Nvml&& other) noexcept;

  // The state of the GPU with this UUID ("GPU-…"). Figures that the GPU does not give are absent.
  schemas::Result<GpuState> state(const std::string& uuid) const;

 private:
  struct Functions;
  explicit Nvml(Functions* functions) : functions_(functions) {}
  Functions* functions_ = nullptr;
};

}  // namespace assay::engine::cuda
