// SPDX-License-Identifier: Apache-2.0
// Memory: an arena that the judge made and this process maps (a sealed memfd, or GPU memory by
// descriptor), and the tensors laid over it. A tensor keeps its arena mapped; the arena goes with
// the last of them. Thread-safe once made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "engine/cuda/device.h"
#include "engine/cuda/memory.h"
#include "engine/python/native/dlpack.h"
#include "sandbox/fd.h"
#include "sandbox/shared_memory.h"
#include "schemas/io_contract.h"
#include "schemas/result.h"

namespace assay::engine::python {

// Where a tensor lies: bytes from the arena's start, a row-major shape, strides in elements (empty:
// contiguous).
struct TensorPlace {
  std::int64_t offset = 0;
  schemas::Dtype dtype = schemas::Dtype::float32;
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;
};

class Memory {
 public:
  // Maps a memfd of at least `bytes` (> 0), sealed against resizing. Error: protocol_violation.
  static schemas::Result<std::shared_ptr<Memory>> map_shared(sandbox::UniqueFd fd,
                                                             std::size_t bytes);
  // Maps GPU memory that the judge exported, on visible device `device`, through the primary
  // context that torch uses. Errors: no_device, internal (a CUDA error).
  static schemas::Result<std::shared_ptr<Memory>> import_cuda(sandbox::UniqueFd fd,
                                                              std::size_t bytes, int device);

  std::size_t bytes() const { return bytes_; }
  // A new DLPack tensor over `memory`; its deleter may run on any thread, without the GIL.
  // Error: protocol_violation when the place is not inside.
  static schemas::Result<dlpack::ManagedTensor*> tensor(std::shared_ptr<Memory> memory,
                                                        TensorPlace place);

 private:
  Memory() = default;

  std::optional<cuda::PrimaryContext> context_;  // outlives device_memory_
  std::optional<cuda::MappedMemory> device_memory_;
  sandbox::Mapping mapping_;
  std::byte* base_ = nullptr;
  std::size_t bytes_ = 0;
  dlpack::Device device_{dlpack::kDeviceCpu, 0};
};

}  // namespace assay::engine::python
