// SPDX-License-Identifier: Apache-2.0
// Multiplicative noise, so that no slot repeats another's content: x' = x * (1 + s * N(0, 1)), s =
// 1e-3 or the dtype's epsilon where that is larger (bfloat16: 2^-7), then clamped to the range of
// the tensor's own draw, so that probabilities stay probabilities. Computed in float32 (float64 for
// float64) on the tensor's device.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/judge/tensor_rows.h"

namespace assay::engine::judge {

inline constexpr double kNoiseScale = 1e-3;

// What noise may do to one tensor.
struct NoiseRange {
  bool varies = false;   // false for integers, bools, empty tensors, constants and whole numbers
                         // (masks, indices)
  bool bounded = false;  // low and high hold; false when the draw has NaN or infinities
  double low = 0, high = 0;
};

class NoiseMaker {
 public:
  // `seed` decides every value, together with the order of calls.
  NoiseMaker(TorchDevice device, std::uint64_t seed);
  ~NoiseMaker();
  std::uint64_t seed() const { return seed_; }

  // Looks at one drawn tensor (one row).
  NoiseRange range_of(const TensorRows& drawn) const;

  // to[row] = noisy copy of the one row `drawn`, different for each row. REQUIRES: range.varies,
  // same dtype and elements.
  void vary(const TensorRows& to, const TensorRows& drawn, const NoiseRange& range);

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::uint64_t seed_;
};

}  // namespace assay::engine::judge
