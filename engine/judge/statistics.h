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

// 95 % interval of median(numerator) / median(denominator). By percentile bootstrap: both sides are
// resampled with replacement 2,000 times from `seed`. Resamples of a few samples reach no further
// than these do, so where a side has fewer than ten it also spans Welch's t interval of the
// difference of the mean logarithms (Welch 1947, degrees of freedom by Satterthwaite 1946, rounded
// down). Nothing when a side has fewer than two samples or one that is not positive.
std::optional<Interval> ratio_interval(const std::vector<double>& numerator,
                                       const std::vector<double>& denominator, std::uint64_t seed);

}  // namespace assay::engine::judge
