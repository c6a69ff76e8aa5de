// SPDX-License-Identifier: Apache-2.0
// Seeds that nobody outside the judge can guess.
#pragma once

#include <cstdint>

namespace assay::engine::judge {

// From the kernel's generator; 0 <= seed < 2^63, the range that torch.manual_seed and JSON readers
// agree on.
std::uint64_t random_seed();

// A small generator for patterns and resampling (splitmix64, Steele, Lea, Flood 2014). Not for
// secrets.
class SplitMix {
 public:
  explicit SplitMix(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  // Uniform in [0, bound), bound > 0; the bias of the multiply-shift is below 2^-32 for the bounds
  // used here.
  std::uint64_t below(std::uint64_t bound);

 private:
  std::uint64_t state_;
};

}  // namespace assay::engine::judge
