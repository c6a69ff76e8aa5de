// SPDX-License-Identifier: Apache-2.0
// What a device is and what a job asks of one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "schemas/json_reader.h"

namespace assay::schemas {

enum class DeviceKind { cpu, cuda };
const std::string& device_kind_name(DeviceKind kind);  // "cpu", "cuda"

// One device as its judge reports it. Unknown figures are absent, never 0.
struct DeviceInfo {
  DeviceKind kind = DeviceKind::cpu;
  std::int64_t index = 0;    // "cuda:<index>" of the host; 0 for the CPU
  std::string name;          // "NVIDIA H200", or the CPU's model name
  std::string uuid;          // "GPU-…"; empty for the CPU
  std::string architecture;  // "sm_90"; for the CPU the machine's ("x86_64")
  std::int64_t memory_total_bytes = 0;
  std::optional<std::int64_t> memory_used_bytes;
  std::optional<std::int64_t> l2_bytes;
  std::optional<std::int64_t> multiprocessors;
  std::optional<double> sm_clock_mhz, memory_clock_mhz, sm_clock_max_mhz, temperature_c, power_w;
  std::string driver_version, cuda_version;  // empty when there is none
};
Json to_json(const DeviceInfo& device);
DeviceInfo read_device(const Json& json, const std::string& path, Diagnostics& diagnostics);

// How many devices of which kind a job needs. `any`: a GPU when there is one, else the CPU.
enum class DeviceWish { any, cpu, cuda };
struct DeviceRequirement {
  DeviceWish wish = DeviceWish::any;
  std::int64_t count = 1;  // 1..n devices of one host
};
Json to_json(const DeviceRequirement& requirement);
DeviceRequirement read_device_requirement(const Json& json, const std::string& path,
                                          Diagnostics& diagnostics);

}  // namespace assay::schemas
