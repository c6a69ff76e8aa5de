// SPDX-License-Identifier: Apache-2.0
// Statistics over timing samples. Pure functions; milliseconds in, milliseconds out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "schemas/evaluation.h"

namespace assay::engine::judge {

// The smallest sample that at least `percent` % of all samples do not exceed (nearest rank: the
// ceil(p/100*n)-th smallest, the first for p = 0). REQUIRES: samples not empty, sorted ascending, 0
// <= percent <= 100.
double percentile_of_sorted(const std::vector<double>& samples, double percent);

// The middle sample, or the mean of the two middle ones. REQUIRES: not empty; any order.
double median(std::vector<double> samples);

// mean, std (n - 1; 0 for one sample), min, max, median, 95th and 99th percentile. `kind` says what
// a sample is. REQUIRES: not empty; any order.
schemas::RuntimeStats describe(std::vector<double> samples, std::string kind);

// "0.5091 ms".
std::string milliseconds_text(double milliseconds);

struct Interval {
  double low = 0, high = 0;
};

// 95 % percentile-bootstrap interval of median(numerator) / median(denominator): both sides are
// resampled with replacement 2,000 times from `seed`. Nothing when a side has fewer than two
// samples or a median is not positive.
std::optional<Interval> ratio_interval(const std::vector<double>& numerator,
                                       const std::vector<double>& denominator, std::uint64_t seed);

}  // namespace assay::engine::judge
