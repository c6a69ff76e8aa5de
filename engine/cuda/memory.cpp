// SPDX-License-Identifier: Apache-2.0
#include "engine/cuda/memory.h"

#include <string>
#include <utility>

namespace assay::engine::cuda {
namespace {

CUmemAllocationProp shareable_on(CUdevice device) {
  CUmemAllocationProp properties{};
  properties.type = CU_MEM_ALLOCATION_TYPE_PINNED;
  properties.requestedHandleTypes = CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR;
  properties.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
  properties.location.id = device;
  return properties;
}

std::string megabytes(std::size_t bytes) {
  return std::to_string(bytes >> 20) + " MiB";
}

}  // namespace

schemas::Result<std::size_t> rounded_bytes(const Driver& driver, CUdevice device,
                                           std::size_t bytes) {
  const CUmemAllocationProp properties = shareable_on(device);
  std::size_t granule = 0;
  if (auto status = driver.check(driver.call.mem_get_allocation_granularity(
                                     &granule, &properties, CU_MEM_ALLOC_GRANULARITY_MINIMUM),
                                 "asking for the allocation granularity");
      !status)
    return status.error();
  if (granule == 0 || bytes > SIZE_MAX - granule)
    return schemas::Error{schemas::ErrorCode::internal, "cannot round an allocation"};
  const std::size_t granules = bytes == 0 ? 1 : (bytes + granule - 1) / granule;
  return granules * granule;
}

MappedMemory::MappedMemory(DriverPointer driver, CUdevice device, std::size_t bytes)
    : driver_(std::move(driver)), device_(device), bytes_(bytes) {}

schemas::Result<MappedMemory> MappedMemory::allocate(DriverPointer driver, CUdevice device,
                                                     std::size_t bytes) {
  auto rounded = rounded_bytes(*driver, device, bytes);
  if (!rounded) return rounded.error();
  MappedMemory memory(std::move(driver), device, *rounded);
  const CUmemAllocationProp properties = shareable_on(device);
  if (auto status = memory.driver_->check(
          memory.driver_->call.mem_create(&memory.handle_, *rounded, &properties, 0),
          "allocating " + megabytes(*rounded));
      !status)
    return status.error();
  memory.has_handle_ = true;
  if (auto status = memory.map(); !status) return status.error();
  return memory;
}

schemas::Result<MappedMemory> MappedMemory::import_from(DriverPointer driver, CUdevice device,
                                                        int descriptor, std::size_t bytes) {
  auto rounded = rounded_bytes(*driver, device, bytes);
  if (!rounded) return rounded.error();
  MappedMemory memory(std::move(driver), device, *rounded);
  // The handle argument carries the descriptor itself, not its address.
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  void* os_handle = reinterpret_cast<void*>(static_cast<std::intptr_t>(descriptor));
  if (auto status = memory.driver_->check(
          memory.driver_->call.mem_import_from_shareable_handle(
              &memory.handle_, os_handle, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR),
          "importing " + megabytes(*rounded));
      !status)
    return status.error();
  memory.has_handle_ = true;
  if (auto status = memory.map(); !status) return status.error();
  return memory;
}

schemas::Status MappedMemory::map() {
  const Functions& call = driver_->call;
  if (auto status = driver_->check(call.mem_address_reserve(&address_, bytes_, 0, 0, 0),
                                   "reserving addresses");
      !status)
    return status;
  if (auto status = driver_->check(call.mem_map(address_, bytes_, 0, handle_, 0),
                                   "mapping " + megabytes(bytes_));
      !status)
    return status;
  mapped_ = true;
  CUmemAccessDesc access{};
  access.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
  access.location.id = device_;
  access.flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
  return driver_->check(call.mem_set_access(address_, bytes_, &access, 1),
                        "opening memory to its device");
}

schemas::Result<int> MappedMemory::export_descriptor() const {
  int descriptor = -1;
  if (auto status =
          driver_->check(driver_->call.mem_export_to_shareable_handle(
                             &descriptor, handle_, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0),
                         "exporting memory");
      !status)
    return status.error();
  return descriptor;
}

void MappedMemory::release() noexcept {
  if (!driver_) return;
  const Functions& call = driver_->call;
  if (mapped_) {
    call.ctx_synchronize();
    call.mem_unmap(address_, bytes_);
  }
  if (address_ != 0) call.mem_address_free(address_, bytes_);
  if (has_handle_) call.mem_release(handle_);
  mapped_ = has_handle_ = false;
  address_ = 0;
}

MappedMemory::~MappedMemory() {
  release();
}

void MappedMemory::take(MappedMemory& other) noexcept {
  driver_ = other.driver_;
  device_ = other.device_;
  bytes_ = other.bytes_;
  handle_ = other.handle_;
  address_ = std::exchange(other.address_, 0);
  has_handle_ = std::exchange(other.has_handle_, false);
  mapped_ = std::exchange(other.mapped_, false);
}

MappedMemory::MappedMemory(MappedMemory&& other) noexcept {
  take(other);
}

MappedMemory& MappedMemory::operator=(MappedMemory&& other) noexcept {
  if (this != &other) {
    release();
    take(other);
  }
  return *this;
}

}  // namespace assay::engine::cuda
