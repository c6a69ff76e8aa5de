// SPDX-License-Identifier: Apache-2.0
// One tensor of every slot, as rows: the same elements, a constant stride apart. Torch-free.
#pragma once

#include <cstddef>
#include <cstdint>

#include "schemas/device.h"
#include "schemas/io_contract.h"

namespace assay::engine::judge {

struct TensorRows {
  std::byte* data = nullptr;  // of row 0; an address on the device
  schemas::Dtype dtype = schemas::Dtype::float32;
  std::int64_t elements = 0;  // per row, contiguous
  std::int64_t rows = 0;
  std::int64_t stride_bytes = 0;  // from row to row; a multiple of the element size

  TensorRows row(std::int64_t index) const {
    return {data + index * stride_bytes, dtype, elements, 1, stride_bytes};
  }
};

struct TorchDevice {
  schemas::DeviceKind kind = schemas::DeviceKind::cpu;
  int index = 0;
};

}  // namespace assay::engine::judge
