// SPDX-License-Identifier: Apache-2.0
#include "engine/judge/noise.h"

#include <algorithm>
#include <cmath>

#include <ATen/Context.h>
#include <ATen/ops/aminmax.h>
#include <ATen/ops/empty.h>

#include "engine/judge/inputs.h"
#include "engine/judge/tensor_view.h"
#include "engine/judge/tolerance.h"

namespace assay::engine::judge {
namespace {

// Elements worked on at once: bounds the memory of temporaries (8 and 64 MiB each in float32).
constexpr std::int64_t kBlockElementsCpu = std::int64_t{1} << 21;
constexpr std::int64_t kBlockElementsGpu = std::int64_t{1} << 24;

c10::ScalarType work_type(schemas::Dtype dtype) {
  return dtype == schemas::Dtype::float64 ? c10::kDouble : c10::kFloat;
}

}  // namespace

struct NoiseMaker::State {
  c10::Device device;
  at::Generator generator;
};

NoiseMaker::NoiseMaker(TorchDevice device, std::uint64_t seed, std::optional<double> rtol)
    : seed_(seed), rtol_(rtol) {
  const c10::Device where = torch_device(device);
  at::Generator generator = at::globalContext().defaultGenerator(where).clone();
  generator.set_current_seed(seed);
  state_ = std::make_unique<State>(State{where, std::move(generator)});
}

NoiseMaker::~NoiseMaker() = default;

double NoiseMaker::scale(schemas::Dtype dtype) const {
  const double tolerance = tolerance_for(dtype, rtol_, std::nullopt).rtol;
  return std::clamp(3 * tolerance, kNoiseScale, kMostNoise);
}

NoiseRange NoiseMaker::range_of(const TensorRows& drawn) const {
  c10::InferenceMode guard;
  NoiseRange range;
  if (!schemas::is_floating(drawn.dtype) || drawn.elements == 0) return range;
  const at::Tensor values = view(drawn, state_->device);
  const auto [low, high] = at::aminmax(values);
  range.low = low.item<double>();
  range.high = high.item<double>();
  range.bounded = std::isfinite(range.low) && std::isfinite(range.high);
  if (range.bounded && range.low == range.high) return range;
  range.varies = !values.eq(values.trunc()).all().item<bool>();
  return range;
}

void NoiseMaker::vary(const TensorRows& to, const TensorRows& drawn, const NoiseRange& range) {
  c10::InferenceMode guard;
  const at::Tensor target = view(to, state_->device);
  const at::Tensor source = view(drawn, state_->device);
  const c10::ScalarType type = work_type(to.dtype);
  const auto options = c10::TensorOptions().dtype(type).device(state_->device);
  const bool in_place = target.scalar_type() == type;
  const double center = !range.bounded   ? 0
                        : range.low > 0  ? range.low
                        : range.high < 0 ? range.high
                                         : 0;
  const at::Tensor factors =
      at::empty({to.rows, 1}, options).uniform_(kLeastFactor, 1, state_->generator);
  const std::int64_t most = state_->device.is_cuda() ? kBlockElementsGpu : kBlockElementsCpu;
  const std::int64_t columns = std::min(to.elements, most);
  const std::int64_t rows = std::max<std::int64_t>(most / columns, 1);
  for (std::int64_t column = 0; column < to.elements; column += columns) {
    const std::int64_t width = std::min(columns, to.elements - column);
    at::Tensor base = source.narrow(1, column, width).to(type);
    if (center != 0) base = base.sub(center);
    for (std::int64_t row = 0; row < to.rows; row += rows) {
      const std::int64_t height = std::min(rows, to.rows - row);
      at::Tensor block = target.narrow(0, row, height).narrow(1, column, width);
      at::Tensor noisy = in_place ? block : at::empty({height, width}, options);
      noisy.normal_(1, scale(to.dtype), state_->generator).mul_(base);
      noisy.mul_(factors.narrow(0, row, height));
      if (center != 0) noisy.add_(center);
      if (range.bounded) noisy.clamp_(range.low, range.high);
      if (!in_place) block.copy_(noisy);
    }
  }
}

void NoiseMaker::draw(const TensorRows& to, const schemas::Init& init) {
  if (to.elements == 0 || to.rows == 0) return;
  c10::InferenceMode guard;
  const at::Tensor target = view(to, state_->device);
  if (!schemas::is_floating(to.dtype)) {
    const auto [low, high] = integer_range(init, to.dtype);
    target.random_(low, high + 1, state_->generator);
    return;
  }
  const c10::ScalarType type = work_type(to.dtype);
  const bool in_place = target.scalar_type() == type;
  const std::int64_t most = state_->device.is_cuda() ? kBlockElementsGpu : kBlockElementsCpu;
  const std::int64_t rows = std::max<std::int64_t>(most / to.elements, 1);
  for (std::int64_t row = 0; row < to.rows; row += rows) {
    const at::Tensor block = target.narrow(0, row, std::min(rows, to.rows - row));
    const at::Tensor drawn =
        in_place ? block : at::empty(block.sizes(), block.options().dtype(type));
    if (init.kind == schemas::InitKind::randn)
      drawn.normal_(init.mean, init.std, state_->generator);
    else
      drawn.uniform_(init.low, init.high, state_->generator);
    if (!in_place) block.copy_(drawn);
  }
}

}  // namespace assay::engine::judge
