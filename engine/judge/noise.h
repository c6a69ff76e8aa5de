// SPDX-License-Identifier: Apache-2.0
// Values that no earlier call has seen, made on the tensors' device: drawn anew where a contract
// says how, else a draw that is scaled and given noise.
//
// Scaling and noise: x' = c + f * (x - c) * (1 + s * N(0, 1)), where f is the call's own, uniform
// from kLeastFactor to 1; c is 0, or the end of the draw's range that is nearer to 0 when 0 lies
// outside; then clamped to that range, so that probabilities stay probabilities. s is kNoiseScale,
// or three times the tolerance where that is larger, so that a kernel which remembers an earlier
// call's outputs is outside of it. The factor moves what noise averages out in: sums and means.
// Computed in float32 (float64 for float64).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "engine/judge/tensor_rows.h"
#include "schemas/io_contract.h"

namespace assay::engine::judge {

inline constexpr double kNoiseScale = 1e-3, kMostNoise = 0.1;
inline constexpr double kLeastFactor = 0.8;

// What scaling and noise may do to one tensor.
struct NoiseRange {
  bool varies = false;   // false for integers, bools, empty tensors, constants and whole numbers
                         // (masks, indices)
  bool bounded = false;  // low and high hold; false when the draw has NaN or infinities
  double low = 0, high = 0;
};

class NoiseMaker {
 public:
  // `seed` decides every value, together with the order of calls. `rtol`: the caller's tolerance.
  NoiseMaker(TorchDevice device, std::uint64_t seed, std::optional<double> rtol = {});
  ~NoiseMaker();
  std::uint64_t seed() const { return seed_; }

  // Looks at one drawn tensor (one row).
  NoiseRange range_of(const TensorRows& drawn) const;

  // to[row] = noisy copy of the one row `drawn`, different for each row. REQUIRES: range.varies,
  // same dtype and elements.
  void vary(const TensorRows& to, const TensorRows& drawn, const NoiseRange& range);

  // Fills every row with values of its own, distributed as those of inputs.h. REQUIRES: `init` is
  // random.
  void draw(const TensorRows& to, const schemas::Init& init);

  double scale(schemas::Dtype dtype) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::uint64_t seed_;
  std::optional<double> rtol_;
};

}  // namespace assay::engine::judge
