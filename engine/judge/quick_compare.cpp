// SPDX-License-Identifier: Apache-2.0
#include "engine/judge/quick_compare.h"

#include <algorithm>
#include <cmath>

#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/ones.h>

#include "engine/judge/tensor_view.h"

namespace assay::engine::judge {
namespace {

// Of the allowed error. Half an ulp of a float32 subtraction, product and sum is below 1e-6 of it.
constexpr double kMargin = 1 - 1e-4;
// Elements looked at at once: bounds the memory of temporaries (two of these).
constexpr std::int64_t kQuickBlockElementsCpu = std::int64_t{1} << 21;
constexpr std::int64_t kQuickBlockElementsGpu = std::int64_t{1} << 26;

// rms of each row, [rows, 1] in float64; not finite where the row is not.
at::Tensor rms_of_rows(const at::Tensor& whole) {
  const auto count = static_cast<double>(whole.size(1));
  return at::linalg_vector_norm(whole, 2, {1}, true, c10::kDouble).div_(std::sqrt(count));
}

}  // namespace

bool plainly_right(const TensorRows& got, const TensorRows& want, const Tolerance& tolerance,
                   const Poison& poison, TorchDevice device) {
  // The poison of floating types is a NaN, which no comparison below finds within anything.
  const bool poison_shows = !poison.present || poison.is_proof;
  if (tolerance.exact || !schemas::is_floating(want.dtype) || got.dtype != want.dtype ||
      !poison_shows || want.elements == 0 || want.rows == 0)
    return false;
  c10::InferenceMode guard;
  const c10::Device place = torch_device(device);
  const c10::ScalarType type = want.dtype == schemas::Dtype::float64 ? c10::kDouble : c10::kFloat;
  const at::Tensor all_got = view(got, place), all_want = view(want, place);
  const auto double_options = c10::TensorOptions().dtype(c10::kDouble).device(place);
  at::Tensor floor =
      tolerance.scaled ? rms_of_rows(all_want) : at::ones({want.rows, 1}, double_options);
  floor = floor.mul_(tolerance.atol * kMargin).to(type);

  at::Tensor right = at::ones({}, double_options.dtype(c10::kBool));
  const std::int64_t block_elements =
      device.kind == schemas::DeviceKind::cuda ? kQuickBlockElementsGpu : kQuickBlockElementsCpu;
  const std::int64_t columns = std::min(want.elements, block_elements);
  const std::int64_t rows = std::max<std::int64_t>(block_elements / columns, 1);
  for (std::int64_t row = 0; row < want.rows; row += rows) {
    const std::int64_t height = std::min(rows, want.rows - row);
    for (std::int64_t column = 0; column < want.elements; column += columns) {
      const std::int64_t width = std::min(columns, want.elements - column);
      const auto block = [&](const at::Tensor& whole) {
        return whole.narrow(0, row, height).narrow(1, column, width).to(type);
      };
      const at::Tensor wanted = block(all_want);
      // What of each error is beyond rtol's part; a NaN or an Inf on either side makes it NaN or
      // Inf, and a NaN passes through amax.
      const at::Tensor beyond =
          block(all_got).sub(wanted).abs_().sub_(wanted.abs(), tolerance.rtol * kMargin);
      const at::Tensor most = beyond.amax({1}, true), least = floor.narrow(0, row, height);
      right.logical_and_(most.le(least).all()).logical_and_(least.isfinite().all());
    }
  }
  return right.item<bool>();
}

}  // namespace assay::engine::judge
