// SPDX-License-Identifier: Apache-2.0
#include "engine/judge/random.h"

#include <sys/random.h>

#include "engine/judge/failure.h"

namespace assay::engine::judge {

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  if (getrandom(&seed, sizeof seed, 0) != static_cast<ssize_t>(sizeof seed))
    throw Failure(Cause::internal, "the kernel gives no random bytes");
  return seed >> 1;
}

std::uint64_t SplitMix::next() {
  state_ += 0x9E3779B97F4A7C15u;
  std::uint64_t mixed = state_;
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
  return mixed ^ (mixed >> 31);
}

std::uint64_t SplitMix::below(std::uint64_t bound) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>((static_cast<Wide>(next()) * bound) >> 64);
}

}  // namespace assay::engine::judge
