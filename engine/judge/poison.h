// SPDX-License-Identifier: Apache-2.0
// What outputs hold before a call, so that an element that the call does not write is seen.
// Floating outputs hold a quiet NaN with a payload that no arithmetic makes, bools a byte that is
// neither 0 nor 1; for integers every pattern is a legal value, so two passes over the same inputs
// use patterns that differ in every byte.
#pragma once

#include <cstdint>

#include "engine/judge/memory.h"
#include "engine/judge/random.h"
#include "engine/judge/tensor_rows.h"

namespace assay::engine::judge {

struct Poison {
  std::uint32_t pattern = 0;  // the low element_bytes are repeated over the element
  int element_bytes = 4;      // 1, 2 or 4; 64-bit elements hold the pattern twice
  bool is_proof = true;       // an element that holds it was certainly not written
  bool present = true;        // false: the output is an inout tensor and held inputs instead
};

// A fresh pattern for a dtype.
Poison make_poison(schemas::Dtype dtype, SplitMix& random);
// One that differs from `poison` in every byte where that matters (integers); else a fresh one.
Poison other_poison(const Poison& poison, schemas::Dtype dtype, SplitMix& random);
// Fills all rows.
void apply_poison(const TensorRows& rows, const Poison& poison, Memory& memory);
// The element as a signed integer of its own width, as `compare` looks at it.
inline std::int64_t poison_word(const Poison& poison, schemas::Dtype dtype) {
  switch (schemas::dtype_bytes(dtype)) {
    case 1: return static_cast<std::int8_t>(poison.pattern);
    case 2: return static_cast<std::int16_t>(poison.pattern);
    case 4: return static_cast<std::int32_t>(poison.pattern);
    default:
      return static_cast<std::int64_t>(std::uint64_t{poison.pattern} << 32 |
                                       std::uint64_t{poison.pattern});
  }
}

}  // namespace assay::engine::judge
