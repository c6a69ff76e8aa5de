// SPDX-License-Identifier: Apache-2.0
#include "engine/judge/statistics.h"

#include <cmath>

#include <catch2/catch.hpp>

#include "engine/judge/random.h"

using namespace assay::engine::judge;

TEST_CASE("nearest-rank percentiles of known samples") {
  // The textbook example: ranks ceil(p/100 * 5).
  const std::vector<double> samples = {15, 20, 35, 40, 50};
  CHECK(percentile_of_sorted(samples, 0) == 15);
  CHECK(percentile_of_sorted(samples, 5) == 15);
  CHECK(percentile_of_sorted(samples, 30) == 20);
  CHECK(percentile_of_sorted(samples, 40) == 20);
  CHECK(percentile_of_sorted(samples, 50) == 35);
  CHECK(percentile_of_sorted(samples, 100) == 50);
  CHECK(percentile_of_sorted({7}, 99) == 7);
}

TEST_CASE("statistics of one to ten") {
  const auto stats = describe({10, 3, 5, 1, 8, 2, 7, 4, 9, 6}, "calls");
  CHECK(stats.mean == Approx(5.5));
  CHECK(stats.std == Approx(3.0276503541));
  CHECK(stats.samples == std::vector<double>{10, 3, 5, 1, 8, 2, 7, 4, 9, 6});  // as they came
  CHECK(stats.min == 1);
  CHECK(stats.max == 10);
  CHECK(stats.median == Approx(5.5));
  CHECK(stats.percentile_95 == 10);
  CHECK(stats.percentile_99 == 10);
  CHECK(stats.n == 10);
  CHECK(stats.kind == "calls");
  const auto one = describe({4}, "windows");
  CHECK(one.std == 0);
  CHECK(one.median == 4);
}

TEST_CASE("percentiles of one to one hundred") {
  std::vector<double> samples;
  for (int i = 100; i >= 1; --i) samples.push_back(i);
  const auto stats = describe(samples, "calls");
  CHECK(stats.percentile_95 == 95);
  CHECK(stats.percentile_99 == 99);
  CHECK(stats.median == Approx(50.5));
}

TEST_CASE("the bootstrap interval holds the true ratio and narrows with noise") {
  SplitMix random(5);
  const auto noisy = [&](double centre, double width, std::size_t count) {
    std::vector<double> samples;
    samples.reserve(count);
    for (std::size_t i = 0; i < count; ++i)
      samples.push_back(centre +
                        width * (static_cast<double>(random.below(1'000'000)) / 1e6 - 0.5));
    return samples;
  };
  const auto wide = ratio_interval(noisy(2, 0.4, 60), noisy(1, 0.2, 60), 1);
  const auto narrow = ratio_interval(noisy(2, 0.04, 60), noisy(1, 0.02, 60), 1);
  REQUIRE(wide);
  REQUIRE(narrow);
  CHECK(wide->low < 2);
  CHECK(wide->high > 2);
  CHECK(narrow->high - narrow->low < wide->high - wide->low);
  CHECK_FALSE(ratio_interval({1}, {1, 2}, 1));
  CHECK_FALSE(ratio_interval({1, 2}, {0, 0}, 1));
  const auto same = ratio_interval({3, 3, 3}, {2, 2}, 1);
  REQUIRE(same);
  CHECK(same->low == Approx(1.5));
  CHECK(same->high == Approx(1.5));
}

TEST_CASE("of a few samples, too, the interval holds the true ratio as often as it says") {
  SplitMix random(7);
  const auto uniform = [&] { return static_cast<double>(random.below(1'000'000)) / 1e6; };
  // Lognormal, as times are: the sum of twelve uniform numbers is close to a normal one.
  const auto sample = [&] {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += uniform();
    return std::exp(0.1 * sum);
  };
  const auto samples = [&](std::size_t count) {
    std::vector<double> made;
    made.reserve(count);
    for (std::size_t i = 0; i < count; ++i) made.push_back(sample());
    return made;
  };
  for (const std::size_t count : {2u, 3u, 5u, 9u}) {
    constexpr int kTrials = 400;
    int held = 0;
    for (int trial = 0; trial < kTrials; ++trial) {
      const auto interval = ratio_interval(samples(count), samples(count), 1);
      REQUIRE(interval);
      held += interval->low <= 1 && interval->high >= 1 ? 1 : 0;
    }
    INFO("samples a side: " << count << ", held " << held << " of " << kTrials);
    CHECK(held >= kTrials * 92 / 100);
  }
  // Few that are alike still tell a difference.
  const auto apart = ratio_interval({2, 2.01, 2.02}, {1, 1.01, 0.99}, 1);
  REQUIRE(apart);
  CHECK(apart->low > 1.5);
}
