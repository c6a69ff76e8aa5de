// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <string>
#include <utility>

#include "engine/cuda/device.h"
#include "engine/cuda/nvml.h"
#include "engine/judge/device_info.h"

namespace assay::engine::judge {
namespace {

class CudaProbe final : public DeviceProbe {
 public:
  CudaProbe(cuda::DriverPointer driver, CUdevice device, int index)
      : driver_(std::move(driver)), device_(device) {
    const cuda::Functions& call = driver_->call;
    fixed_.kind = schemas::DeviceKind::cuda;
    fixed_.index = index;
    char name[256] = {};
    if (call.device_get_name(name, sizeof name - 1, device) == CUDA_SUCCESS) fixed_.name = name;
    CUuuid uuid{};
    if (call.device_get_uuid(&uuid, device) == CUDA_SUCCESS) fixed_.uuid = cuda::uuid_text(uuid);
    const auto major = attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
    const auto minor = attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
    if (major && minor)
      fixed_.architecture = "sm_" + std::to_string(*major) + std::to_string(*minor);
    std::size_t total = 0;
    if (call.device_total_mem(&total, device) == CUDA_SUCCESS)
      fixed_.memory_total_bytes = static_cast<std::int64_t>(total);
    fixed_.l2_bytes = attribute(CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE);
    fixed_.multiprocessors = attribute(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
    fixed_.cuda_version = driver_->version_text();
    auto nvml = cuda::Nvml::open();
    if (nvml)
      nvml_.emplace(std::move(*nvml));
    else
      missing_reason_ = nvml.error().message;
  }

  schemas::DeviceInfo now() const override {
    schemas::DeviceInfo info = fixed_;
    std::size_t free = 0, total = 0;
    if (driver_->call.mem_get_info(&free, &total) == CUDA_SUCCESS && total >= free)
      info.memory_used_bytes = static_cast<std::int64_t>(total - free);
    if (!nvml_) return info;
    const auto state = nvml_->state(fixed_.uuid);
    if (!state) return info;
    if (state->memory_used_bytes) info.memory_used_bytes = state->memory_used_bytes;
    info.sm_clock_mhz = state->sm_clock_mhz;
    info.memory_clock_mhz = state->memory_clock_mhz;
    info.sm_clock_max_mhz = state->sm_clock_max_mhz;
    info.temperature_c = state->temperature_c;
    info.power_w = state->power_w;
    info.driver_version = state->driver_version;
    return info;
  }

  const schemas::DeviceInfo& fixed() const override { return fixed_; }
  std::string missing_reason() const override { return missing_reason_; }

 private:
  std::optional<std::int64_t> attribute(CUdevice_attribute which) const {
    int value = 0;
    if (driver_->call.device_get_attribute(&value, which, device_) != CUDA_SUCCESS)
      return std::nullopt;
    return value;
  }

  cuda::DriverPointer driver_;
  CUdevice device_;
  schemas::DeviceInfo fixed_;
  std::optional<cuda::Nvml> nvml_;
  std::string missing_reason_;
};

}  // namespace

schemas::Result<std::unique_ptr<DeviceProbe>> probe_cuda(int device_index) {
  auto driver = cuda::Driver::open();
  if (!driver) return driver.error();
  if (auto status = (*driver)->initialize(); !status) return status.error();
  auto device = cuda::find_device(**driver, device_index, "");
  if (!device) return device.error();
  return std::unique_ptr<DeviceProbe>(std::make_unique<CudaProbe>(*driver, *device, device_index));
}

}  // namespace assay::engine::judge
