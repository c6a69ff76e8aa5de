// SPDX-License-Identifier: Apache-2.0
// Which devices this machine has, as far as that can be told without CUDA and NVML: the CPU, and
// the nodes of NVIDIA's driver. What a device can do is told by its judge.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "schemas/device.h"

namespace assay::engine {

struct GpuNode {
  std::int64_t index = 0;  // of /dev/nvidia<index>
  std::string uuid;        // "GPU-…"; empty where the driver's /proc tree does not tell
};

// In order of index. `device_directory` and `driver_directory` are other places in tests.
std::vector<GpuNode> find_gpus(const std::string& device_directory = "/dev",
                               const std::string& driver_directory = "/proc/driver/nvidia/gpus");

// The processor: name and memory (the cgroup's limit where that is lower).
schemas::DeviceInfo describe_cpu();

// Nodes that a process needs to use one GPU, its own first; absent ones are left out by the
// sandbox.
std::vector<std::string> gpu_device_nodes(std::int64_t index);

}  // namespace assay::engine
