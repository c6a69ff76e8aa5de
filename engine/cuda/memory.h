// SPDX-License-Identifier: Apache-2.0
// Device memory that processes share by file descriptor: cuMemCreate, exported as a POSIX
// descriptor, imported and mapped by the other side. Physical memory lives until every process that
// maps or holds it has let go. Needs a current context. Not thread-safe per object.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/cuda/driver.h"
#include "schemas/result.h"

namespace assay::engine::cuda {

// `bytes` rounded up to the granularity of shareable allocations of the device (2 MiB on current
// GPUs). Both sides must use the same rounding: the importer maps exactly what was created.
schemas::Result<std::size_t> rounded_bytes(const Driver& driver, CUdevice device,
                                           std::size_t bytes);

// A mapped range, readable and writable by its device. Move-only; unmapped and released by the
// destructor, which first waits for the context's work (memory must not vanish under a running
// kernel).
class MappedMemory {
 public:
  // Fresh memory; its content is whatever was there. `bytes` is rounded up; at least one granule.
  static schemas::Result<MappedMemory> allocate(DriverPointer driver, CUdevice device,
                                                std::size_t bytes);
  // Memory that another process exported. `bytes` is the rounded size, as told by the exporter; the
  // descriptor stays the caller's.
  static schemas::Result<MappedMemory> import_from(DriverPointer driver, CUdevice device,
                                                   int descriptor, std::size_t bytes);
  ~MappedMemory();
  MappedMemory(MappedMemory&& other) noexcept;
  MappedMemory& operator=(MappedMemory&& other) noexcept;

  // A new descriptor that the caller owns and closes.
  schemas::Result<int> export_descriptor() const;

  CUdeviceptr address() const { return address_; }
  std::size_t bytes() const { return bytes_; }  // rounded

 private:
  MappedMemory(DriverPointer driver, CUdevice device, std::size_t bytes);
  schemas::Status map();
  void release() noexcept;
  void take(MappedMemory& other) noexcept;

  DriverPointer driver_;
  CUdevice device_ = 0;
  std::size_t bytes_ = 0;
  CUmemGenericAllocationHandle handle_ = 0;
  CUdeviceptr address_ = 0;
  bool has_handle_ = false;
  bool mapped_ = false;
};

}  // namespace assay::engine::cuda
