// SPDX-License-Identifier: Apache-2.0
#include "engine/judge/torch_runtime.h"

#include <dlfcn.h>
#include <exception>
#include <string>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/CachingDeviceAllocator.h>

namespace assay::engine::judge {

schemas::Status start_torch(const TorchDevice& device) {
  at::set_num_threads(1);
  if (device.kind == schemas::DeviceKind::cpu) return schemas::success();
  if (dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    const char* reason = dlerror();
    return schemas::Error{schemas::ErrorCode::no_device,
                          std::string("torch has no CUDA half: ") +
                              (reason != nullptr ? reason : "libtorch_cuda.so")};
  }
  try {
    at::globalContext().lazyInitDevice(c10::DeviceType::CUDA);
  } catch (const std::exception& error) {
    return schemas::Error{schemas::ErrorCode::no_device,
                          std::string("torch cannot use CUDA: ") + error.what()};
  }
  return schemas::success();
}

void release_torch_memory(const TorchDevice& device) {
  if (device.kind == schemas::DeviceKind::cpu) return;
  try {
    c10::getDeviceAllocator(c10::DeviceType::CUDA)->emptyCache();
  } catch (const std::exception&) {
    // A broken context shows in the next job's first call.
  }
}

}  // namespace assay::engine::judge
