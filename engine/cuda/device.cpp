// SPDX-License-Identifier: Apache-2.0
#include "engine/cuda/device.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace assay::engine::cuda {

std::string uuid_text(const CUuuid& uuid) {
  static const char digits[] = "0123456789abcdef";
  std::string text = "GPU-";
  for (int i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    const auto byte = static_cast<unsigned char>(uuid.bytes[i]);
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

schemas::Result<CUdevice> find_device(const Driver& driver, std::int64_t ordinal,
                                      const std::string& uuid) {
  int count = 0;
  if (auto status = driver.check(driver.call.device_get_count(&count), "counting devices"); !status)
    return status.error();
  if (uuid.empty()) {
    if (ordinal < 0 || ordinal >= count)
      return schemas::Error{
          schemas::ErrorCode::no_device,
          "no CUDA device " + std::to_string(ordinal) + ": there are " + std::to_string(count)};
    CUdevice device = 0;
    if (auto status = driver.check(driver.call.device_get(&device, static_cast<int>(ordinal)),
                                   "opening a device");
        !status)
      return status.error();
    return device;
  }
  std::string wanted = uuid;
  std::transform(wanted.begin() + std::min<std::ptrdiff_t>(4, std::ssize(wanted)), wanted.end(),
                 wanted.begin() + std::min<std::ptrdiff_t>(4, std::ssize(wanted)),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  for (int i = 0; i < count; ++i) {
    CUdevice device = 0;
    CUuuid found{};
    if (driver.call.device_get(&device, i) != CUDA_SUCCESS ||
        driver.call.device_get_uuid(&found, device) != CUDA_SUCCESS)
      continue;
    if (uuid_text(found) == wanted) return device;
  }
  return schemas::Error{schemas::ErrorCode::no_device, "no CUDA device with UUID " + uuid};
}

schemas::Result<PrimaryContext> PrimaryContext::retain(DriverPointer driver, CUdevice device) {
  CUcontext context = nullptr;
  if (auto status = driver->check(driver->call.device_primary_ctx_retain(&context, device),
                                  "opening a context");
      !status)
    return status.error();
  PrimaryContext primary(std::move(driver), device, context);
  if (auto status = primary.make_current(); !status) return status.error();
  return primary;
}

PrimaryContext::PrimaryContext(DriverPointer driver, CUdevice device, CUcontext context)
    : driver_(std::move(driver)), device_(device), context_(context) {}

PrimaryContext::~PrimaryContext() {
  if (context_ != nullptr) driver_->call.device_primary_ctx_release(device_);
}

PrimaryContext::PrimaryContext(PrimaryContext&& other) noexcept
    : driver_(std::move(other.driver_)),
      device_(other.device_),
      context_(std::exchange(other.context_, nullptr)) {}

PrimaryContext& PrimaryContext::operator=(PrimaryContext&& other) noexcept {
  std::swap(driver_, other.driver_);
  std::swap(device_, other.device_);
  std::swap(context_, other.context_);
  return *this;
}

schemas::Status PrimaryContext::make_current() const {
  return driver_->check(driver_->call.ctx_set_current(context_), "making a context current");
}

}  // namespace assay::engine::cuda
