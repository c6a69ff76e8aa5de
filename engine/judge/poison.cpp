// SPDX-License-Identifier: Apache-2.0
#include "engine/judge/poison.h"

namespace assay::engine::judge {

Poison make_poison(schemas::Dtype dtype, SplitMix& random) {
  const auto bits = static_cast<std::uint32_t>(random.next());
  switch (dtype) {
    // 0x7FF9….7FFF…: exponent all ones and the quiet bit set, both as float32 and, twice in a row,
    // as float64.
    case schemas::Dtype::float32:
    case schemas::Dtype::float64: return {0x7FF90001u | (bits & 0x0006FFFEu), 4, true};
    // 0x7FE1…0x7FFF: a quiet NaN in float16 and in bfloat16.
    case schemas::Dtype::float16:
    case schemas::Dtype::bfloat16: return {0x7FE1u | (bits & 0x001Eu), 2, true};
    // 0x10…0xEF, so that the complement is no legal bool either.
    case schemas::Dtype::boolean: return {0x10u + bits % 0xE0u, 1, true};
    case schemas::Dtype::int8:
    case schemas::Dtype::uint8: return {bits & 0xFFu, 1, false};
    case schemas::Dtype::int32:
    case schemas::Dtype::int64: return {bits, 4, false};
  }
  return {};
}

Poison other_poison(const Poison& poison, schemas::Dtype dtype, SplitMix& random) {
  if (poison.is_proof) return make_poison(dtype, random);
  Poison other = poison;
  other.pattern = poison.element_bytes == 1 ? ~poison.pattern & 0xFFu : ~poison.pattern;
  return other;
}

void apply_poison(const TensorRows& rows, const Poison& poison, Memory& memory) {
  const std::size_t words = static_cast<std::size_t>(rows.elements) *
                            static_cast<std::size_t>(schemas::dtype_bytes(rows.dtype)) /
                            static_cast<std::size_t>(poison.element_bytes);
  memory.fill_rows(rows.data, static_cast<std::size_t>(rows.stride_bytes), poison.pattern,
                   poison.element_bytes, words, static_cast<std::size_t>(rows.rows));
}

}  // namespace assay::engine::judge
