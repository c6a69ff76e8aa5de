// SPDX-License-Identifier: Apache-2.0
// Equality of bits over rows that lie apart.
#include "engine/judge/same_bytes.h"

#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/judge/torch_runtime.h"

using namespace assay::engine::judge;
using assay::schemas::Dtype;

TEST_CASE("every element of every row counts, what lies between the rows does not") {
  (void)start_torch({});
  constexpr std::int64_t kLong = 37, kApart = 64, kCount = 9;
  const auto rows = [](std::vector<float>& values) {
    return TensorRows{reinterpret_cast<std::byte*>(values.data()), Dtype::float32, kLong, kCount,
                      kApart * 4};
  };
  std::vector<float> left(kApart * kCount);
  for (std::size_t i = 0; i < left.size(); ++i) left[i] = static_cast<float>(i);
  std::vector<float> right = left;
  left[3] = right[3] = std::numeric_limits<float>::quiet_NaN();
  CHECK(same_bytes(rows(left), rows(right), {}));
  for (std::int64_t row = 0; row < kCount; ++row)
    for (std::int64_t column = 0; column < kApart; ++column) {
      const auto at = static_cast<std::size_t>(row * kApart + column);
      const float kept = right[at];
      right[at] = -1;
      CHECK(same_bytes(rows(left), rows(right), {}) == (column >= kLong));
      right[at] = kept;
    }
  left[0] = -0.0f;  // equal to 0, but not the same bits
  CHECK_FALSE(same_bytes(rows(left), rows(right), {}));
}
