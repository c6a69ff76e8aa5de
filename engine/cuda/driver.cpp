// SPDX-License-Identifier: Apache-2.0
#include "engine/cuda/driver.h"

#include <dlfcn.h>

// Two steps, so that cuda.h's renaming macros are applied before the name becomes text.
#define ASSAY_CUDA_TEXT_OF(name) #name
#define ASSAY_CUDA_TEXT(name) ASSAY_CUDA_TEXT_OF(name)

namespace assay::engine::cuda {

schemas::Result<std::shared_ptr<const Driver>> Driver::open() {
  std::shared_ptr<Driver> driver(new Driver);
  driver->library_ = dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL);
  if (driver->library_ == nullptr) {
    const char* reason = dlerror();
    return schemas::Error{
        schemas::ErrorCode::no_device,
        std::string("no CUDA driver: ") + (reason != nullptr ? reason : "libcuda.so.1 not found")};
  }
  std::string missing;
  const auto find = [&](const char* symbol) {
    void* address = dlsym(driver->library_, symbol);
    if (address == nullptr && missing.empty()) missing = symbol;
    return address;
  };
#define ASSAY_CUDA_FIND(member, name) \
  driver->call.member =               \
      reinterpret_cast<decltype(driver->call.member)>(find(ASSAY_CUDA_TEXT(name)));
  ASSAY_CUDA_FUNCTIONS(ASSAY_CUDA_FIND)
#undef ASSAY_CUDA_FIND
  if (!missing.empty())
    return schemas::Error{
        schemas::ErrorCode::no_device,
        "the CUDA driver is too old: it lacks " + missing + "; install a driver for CUDA 13"};
  return std::shared_ptr<const Driver>(std::move(driver));
}

Driver::~Driver() {
  // libcuda keeps threads and exit handlers: it is never closed.
}

schemas::Status Driver::initialize() const {
  return check(call.init(0), "initialising CUDA");
}

std::string Driver::version_text() const {
  int version = 0;
  if (call.driver_get_version(&version) != CUDA_SUCCESS || version <= 0) return "";
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

std::string Driver::error_text(CUresult result, const std::string& doing) const {
  const char* name = nullptr;
  const char* text = nullptr;
  if (call.get_error_name(result, &name) != CUDA_SUCCESS || name == nullptr) name = "CUDA error";
  if (call.get_error_string(result, &text) != CUDA_SUCCESS || text == nullptr)
    text = "no description";
  return std::string(name) + ": " + text + " (" + doing + ")";
}

schemas::Error Driver::error(CUresult result, const std::string& doing) const {
  const bool none = result == CUDA_ERROR_NO_DEVICE || result == CUDA_ERROR_INVALID_DEVICE;
  return {none ? schemas::ErrorCode::no_device : schemas::ErrorCode::internal,
          error_text(result, doing)};
}

schemas::Status Driver::check(CUresult result, const std::string& doing) const {
  if (result == CUDA_SUCCESS) return schemas::success();
  return error(result, doing);
}

}  // namespace assay::engine::cuda
