// SPDX-License-Identifier: Apache-2.0
#include "engine/judge/torch_runtime.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <dlfcn.h>

#include <exception>
#include <string>

namespace assay::engine::judge {

schemas::Status start_torch(const TorchDevice& device) {
  at::set_num_threads(1);
  if (device.kind == schemas::DeviceKind::cpu) return schemas::success();
  if (dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    const char* reason = dlerror();
    return schemas::Error{schemas::ErrorCode::no_device, std::string("torch has no CUDA half: ") +
                                                             (reason != nullptr ? reason : "libtorch_cuda.so")};
  }
  try {
    at::globalContext().lazyInitDevice(c10::DeviceType::CUDA);
  } catch (const std::exception& error) {
    return schemas::Error{schemas::ErrorCode::no_device, std::string("torch cannot use CUDA: ") + error.what()};
  }
  return schemas::success();
}

}  // namespace assay::engine::judge
