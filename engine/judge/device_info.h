// SPDX-License-Identifier: Apache-2.0
// What the judge tells of its device.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "engine/judge/tensor_rows.h"
#include "schemas/device.h"
#include "schemas/result.h"

namespace assay::engine::judge {

class DeviceProbe {
 public:
  virtual ~DeviceProbe() = default;
  // Everything known, with memory and clocks as they are now; asking NVML takes some 40 ms.
  virtual schemas::DeviceInfo now() const = 0;
  // What does not change; memory in use, clocks, temperature and power are absent.
  virtual const schemas::DeviceInfo& fixed() const = 0;
  // Why figures are missing ("no NVML: …"); empty when none is.
  virtual std::string missing_reason() const { return ""; }
};

// From /proc/cpuinfo, /proc/meminfo and /sys; l2_bytes is the last-level cache.
std::unique_ptr<DeviceProbe> probe_cpu();
// From the driver and, where it loads, NVML. Error: no_device.
schemas::Result<std::unique_ptr<DeviceProbe>> probe_cuda(int device_index);

// The machine's word for its processor: "x86_64".
std::string machine_architecture();

}  // namespace assay::engine::judge
