// SPDX-License-Identifier: Apache-2.0
#include "engine/cuda/nvml.h"

#include <dlfcn.h>
#include <utility>

namespace assay::engine::cuda {
namespace {

// From NVIDIA's NVML API reference.
constexpr int kSuccess = 0;
constexpr unsigned kClockSm = 1, kClockMemory = 2, kTemperatureGpu = 0;

}  // namespace

// Types of its own, since g++ 13 crashes on pointers to functions of unnamed namespaces' types in a
// unity build.
struct Nvml::Functions {
  using DeviceHandle = struct nvmlDevice_st*;
  struct MemoryInfo {
    unsigned long long total, free, used;
  };

  void* library = nullptr;
  int (*init)() = nullptr;
  int (*shutdown)() = nullptr;
  const char* (*error_string)(int) = nullptr;
  int (*driver_version)(char*, unsigned) = nullptr;
  int (*handle_by_uuid)(const char*, DeviceHandle*) = nullptr;
  int (*memory)(DeviceHandle, MemoryInfo*) = nullptr;
  int (*clock)(DeviceHandle, unsigned, unsigned*) = nullptr;
  int (*max_clock)(DeviceHandle, unsigned, unsigned*) = nullptr;
  int (*temperature)(DeviceHandle, unsigned, unsigned*) = nullptr;
  int (*power_milliwatt)(DeviceHandle, unsigned*) = nullptr;

  template <typename Function>
  bool find(Function& function, const char* symbol) {
    function = reinterpret_cast<Function>(dlsym(library, symbol));
    return function != nullptr;
  }
};

schemas::Result<Nvml> Nvml::open() {
  Functions found;
  found.library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
  if (found.library == nullptr) {
    const char* reason = dlerror();
    return schemas::Error{
        schemas::ErrorCode::no_device,
        std::string("no NVML: ") + (reason != nullptr ? reason : "libnvidia-ml.so.1 not found")};
  }
  const bool complete = found.find(found.init, "nvmlInit_v2") &&
                        found.find(found.shutdown, "nvmlShutdown") &&
                        found.find(found.error_string, "nvmlErrorString") &&
                        found.find(found.driver_version, "nvmlSystemGetDriverVersion") &&
                        found.find(found.handle_by_uuid, "nvmlDeviceGetHandleByUUID") &&
                        found.find(found.memory, "nvmlDeviceGetMemoryInfo") &&
                        found.find(found.clock, "nvmlDeviceGetClockInfo") &&
                        found.find(found.max_clock, "nvmlDeviceGetMaxClockInfo") &&
                        found.find(found.temperature, "nvmlDeviceGetTemperature") &&
                        found.find(found.power_milliwatt, "nvmlDeviceGetPowerUsage");
  if (!complete)
    return schemas::Error{schemas::ErrorCode::no_device,
                          "NVML is too old: it lacks a function we need"};
  if (const int status = found.init(); status != kSuccess)
    return schemas::Error{schemas::ErrorCode::no_device,
                          std::string("NVML: ") + found.error_string(status)};
  return Nvml(new Functions(found));
}

Nvml::~Nvml() {
  if (functions_ == nullptr) return;
  functions_->shutdown();
  dlclose(functions_->library);
  delete functions_;
}

Nvml::Nvml(Nvml&& other) noexcept : functions_(std::exchange(other.functions_, nullptr)) {}

Nvml& Nvml::operator=(Nvml&& other) noexcept {
  std::swap(functions_, other.functions_);
  return *this;
}

schemas::Result<GpuState> Nvml::state(const std::string& uuid) const {
  Functions::DeviceHandle device = nullptr;
  if (const int status = functions_->handle_by_uuid(uuid.c_str(), &device); status != kSuccess)
    return schemas::Error{schemas::ErrorCode::no_device,
                          "NVML does not know " + uuid + ": " + functions_->error_string(status)};
  GpuState state;
  char version[96] = {};
  if (functions_->driver_version(version, sizeof version - 1) == kSuccess)
    state.driver_version = version;
  Functions::MemoryInfo memory{};
  if (functions_->memory(device, &memory) == kSuccess) {
    state.memory_total_bytes = static_cast<std::int64_t>(memory.total);
    state.memory_used_bytes = static_cast<std::int64_t>(memory.used);
  }
  unsigned figure = 0;
  if (functions_->clock(device, kClockSm, &figure) == kSuccess) state.sm_clock_mhz = figure;
  if (functions_->clock(device, kClockMemory, &figure) == kSuccess) state.memory_clock_mhz = figure;
  if (functions_->max_clock(device, kClockSm, &figure) == kSuccess) state.sm_clock_max_mhz = figure;
  if (functions_->temperature(device, kTemperatureGpu, &figure) == kSuccess)
    state.temperature_c = figure;
  if (functions_->power_milliwatt(device, &figure) == kSuccess) state.power_w = figure / 1000.0;
  return state;
}

}  // namespace assay::engine::cuda
