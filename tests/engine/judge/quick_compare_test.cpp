// SPDX-License-Identifier: Apache-2.0
// The quick look may refuse what is right, but must never accept what the full comparison refuses.
#include "engine/judge/quick_compare.h"

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/judge/compare.h"
#include "engine/judge/torch_runtime.h"

using namespace assay;
using namespace assay::engine::judge;
using schemas::Dtype;

namespace {

const Poison kQuickPoison{0x7FF9ABCD, 4, true};
constexpr std::int64_t kQuickElements = 257, kRows = 5;

template <typename T>
struct Pair {
  std::vector<T> got, want;
  Dtype dtype;
  TensorRows rows(std::vector<T>& values) const {
    return {reinterpret_cast<std::byte*>(values.data()), dtype, kQuickElements, kRows,
            kQuickElements * static_cast<std::int64_t>(sizeof(T))};
  }
  bool quick(const Tolerance& tolerance) {
    return plainly_right(rows(got), rows(want), tolerance, kQuickPoison, {});
  }
  std::int64_t wrong(const Tolerance& tolerance) {
    return compare(rows(got), rows(want), tolerance, kQuickPoison, {}).wrong;
  }
};

template <typename T>
Pair<T> random_pair(Dtype dtype, std::mt19937_64& random, double error) {
  std::normal_distribution<double> normal;
  Pair<T> pair{{}, {}, dtype};
  for (std::int64_t i = 0; i < kQuickElements * kRows; ++i) {
    const double want = normal(random);
    pair.want.push_back(static_cast<T>(want));
    pair.got.push_back(static_cast<T>(want + error * normal(random)));
  }
  return pair;
}

}  // namespace

TEMPLATE_TEST_CASE("what the quick look accepts the full comparison accepts", "", float, double) {
  const Dtype dtype = sizeof(TestType) == 4 ? Dtype::float32 : Dtype::float64;
  std::mt19937_64 random(7);
  int accepted = 0, refused = 0;
  for (const bool scaled : {true, false}) {
    const Tolerance tolerance{false, scaled, 1e-4, 1e-4};
    for (int round = 0; round < 200; ++round) {
      auto pair = random_pair<TestType>(dtype, random, 1e-6 * std::pow(1.05, round));
      const bool quick = pair.quick(tolerance);
      const bool right = pair.wrong(tolerance) == 0;
      if (quick) CHECK(right);
      (quick ? accepted : refused) += 1;
    }
  }
  CHECK(accepted > 50);  // or it would be of no use
  CHECK(refused > 50);
}

TEST_CASE("one element beyond its tolerance, NaN, infinity or poison is never plainly right") {
  std::mt19937_64 random(8);
  const Tolerance tolerance{false, true, 1e-4, 1e-4};
  const float kNan = std::numeric_limits<float>::quiet_NaN();
  const float kInf = std::numeric_limits<float>::infinity();
  auto pair = random_pair<float>(Dtype::float32, random, 1e-7);
  REQUIRE(pair.quick(tolerance));
  for (const float bad : {kNan, kInf, -kInf, 1e30f, 3.0f}) {
    auto worse = pair;
    worse.got[700] = bad;
    worse.want[700] = 2.0f;
    CHECK_FALSE(worse.quick(tolerance));
  }
  for (const float both : {kNan, kInf}) {
    auto same = pair;
    same.got[700] = same.want[700] = both;
    CHECK_FALSE(same.quick(tolerance));
    CHECK(same.wrong(tolerance) == 0);  // the full comparison knows better
  }
  auto drowned = pair;  // an infinite expected value must not raise its row's allowance
  drowned.want[700] = drowned.got[700] = kInf;
  drowned.got[701] += 100;
  CHECK_FALSE(drowned.quick(tolerance));
}

TEST_CASE("exact types are left to the full comparison") {
  Pair<std::int32_t> pair{std::vector<std::int32_t>(kQuickElements * kRows, 3),
                          std::vector<std::int32_t>(kQuickElements * kRows, 3), Dtype::int32};
  CHECK_FALSE(pair.quick({true, false, 0, 0}));
}
