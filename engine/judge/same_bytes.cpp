// SPDX-License-Identifier: Apache-2.0
#include "engine/judge/same_bytes.h"

#include <algorithm>

#include <ATen/ops/equal.h>

#include "engine/judge/tensor_view.h"

namespace assay::engine::judge {
namespace {

// Looked at at once: bounds the memory of the comparison's temporary.
constexpr std::int64_t kBlockElements = std::int64_t{1} << 26;

// Bytes are compared as integers: as floats a NaN would differ from itself.
c10::ScalarType word_type(schemas::Dtype dtype) {
  switch (schemas::dtype_bytes(dtype)) {
    case 1: return c10::kChar;
    case 2: return c10::kShort;
    case 4: return c10::kInt;
    default: return c10::kLong;
  }
}

}  // namespace

bool same_bytes(const TensorRows& left, const TensorRows& right, TorchDevice device) {
  if (left.elements == 0 || left.rows == 0) return true;
  c10::InferenceMode guard;
  const c10::ScalarType type = word_type(left.dtype);
  const at::Tensor one = view_as(left, type, torch_device(device));
  const at::Tensor other = view_as(right, type, torch_device(device));
  for (std::int64_t row = 0; row < left.rows; ++row)
    for (std::int64_t column = 0; column < left.elements; column += kBlockElements) {
      const std::int64_t width = std::min(kBlockElements, left.elements - column);
      const auto block = [&](const at::Tensor& whole) {
        return whole.select(0, row).narrow(0, column, width);
      };
      if (!at::equal(block(one), block(other))) return false;
    }
  return true;
}

}  // namespace assay::engine::judge
