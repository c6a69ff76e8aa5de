// SPDX-License-Identifier: Apache-2.0
#include "engine/judge/same_bytes.h"

#include <algorithm>

#include <ATen/ops/equal.h>

#include "engine/judge/tensor_view.h"

namespace assay::engine::judge {
namespace {

// Looked at at once: bounds the memory of the comparison's temporary.
constexpr std::int64_t kSameBytesBlock = std::int64_t{1} << 26;

}  // namespace

bool same_bytes(const TensorRows& left, const TensorRows& right, TorchDevice device) {
  if (left.elements == 0 || left.rows == 0) return true;
  c10::InferenceMode guard;
  // As integers: as floats a NaN would differ from itself.
  const c10::ScalarType type = word_type(left.dtype);
  const at::Tensor one = view_as(left, type, torch_device(device));
  const at::Tensor other = view_as(right, type, torch_device(device));
  const std::int64_t columns = std::min(left.elements, kSameBytesBlock);
  const std::int64_t rows = kSameBytesBlock / columns;
  for (std::int64_t row = 0; row < left.rows; row += rows)
    for (std::int64_t column = 0; column < left.elements; column += columns) {
      const std::int64_t height = std::min(rows, left.rows - row);
      const std::int64_t width = std::min(columns, left.elements - column);
      const auto block = [&](const at::Tensor& whole) {
        return whole.narrow(0, row, height).narrow(1, column, width);
      };
      if (!at::equal(block(one), block(other))) return false;
    }
  return true;
}

}  // namespace assay::engine::judge
