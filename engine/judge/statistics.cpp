// SPDX-License-Identifier: Apache-2.0
#include "engine/judge/statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "engine/judge/random.h"

namespace assay::engine::judge {
namespace {

constexpr int kResamples = 2000;
// Beyond this many samples a resample's median moves by less than any clock resolves.
constexpr std::size_t kMaxResampled = 500;
constexpr std::size_t kFewSamples = 10;  // fewer than these

double resampled_median(const std::vector<double>& samples, std::vector<double>& scratch,
                        SplitMix& random) {
  const std::size_t count = std::min(samples.size(), kMaxResampled);
  scratch.resize(count);
  for (double& value : scratch) value = samples[random.below(samples.size())];
  const auto middle = scratch.begin() + static_cast<std::ptrdiff_t>(count / 2);
  std::nth_element(scratch.begin(), middle, scratch.end());
  if (count % 2 == 1) return *middle;
  return (*middle + *std::max_element(scratch.begin(), middle)) / 2;
}

struct Spread {
  double mean = 0, square_error = 0;  // of logarithms; of their mean
  double freedom = 0;
};

Spread spread_of_logarithms(const std::vector<double>& samples) {
  const auto count = static_cast<double>(samples.size());
  Spread spread;
  for (const double sample : samples) spread.mean += std::log(sample) / count;
  double squares = 0;
  for (const double sample : samples) {
    const double away = std::log(sample) - spread.mean;
    squares += away * away;
  }
  spread.freedom = count - 1;
  spread.square_error = squares / spread.freedom / count;
  return spread;
}

// The 97.5th percentile of Student's t.
double student_t(double freedom) {
  static constexpr std::array kQuantiles = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447,
                                            2.365,  2.306, 2.262, 2.228, 2.201, 2.179,
                                            2.160,  2.145, 2.131, 2.120, 2.110, 2.101};
  const auto place =
      static_cast<std::size_t>(std::clamp(freedom, 1.0, static_cast<double>(kQuantiles.size())));
  return kQuantiles[place - 1];
}

Interval welch_interval(const std::vector<double>& numerator,
                        const std::vector<double>& denominator) {
  const Spread above = spread_of_logarithms(numerator);
  const Spread below = spread_of_logarithms(denominator);
  const double square = above.square_error + below.square_error;
  const double middle = above.mean - below.mean;
  if (square <= 0) return {std::exp(middle), std::exp(middle)};
  const double freedom = square * square /
                         (above.square_error * above.square_error / above.freedom +
                          below.square_error * below.square_error / below.freedom);
  const double reach = student_t(freedom) * std::sqrt(square);
  return {std::exp(middle - reach), std::exp(middle + reach)};
}

}  // namespace

double percentile_of_sorted(const std::vector<double>& samples, double percent) {
  const double rank = std::ceil(percent / 100 * static_cast<double>(samples.size()));
  const auto position = static_cast<std::size_t>(std::max(rank, 1.0)) - 1;
  return samples[std::min(position, samples.size() - 1)];
}

double median(std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  const std::size_t half = samples.size() / 2;
  return samples.size() % 2 == 1 ? samples[half] : (samples[half - 1] + samples[half]) / 2;
}

schemas::RuntimeStats describe(std::vector<double> samples, std::string kind) {
  schemas::RuntimeStats stats;
  stats.samples = samples;
  std::sort(samples.begin(), samples.end());
  const auto count = static_cast<double>(samples.size());
  stats.n = static_cast<std::int64_t>(samples.size());
  stats.kind = std::move(kind);
  stats.mean = std::accumulate(samples.begin(), samples.end(), 0.0) / count;
  double squares = 0;
  for (const double sample : samples) squares += (sample - stats.mean) * (sample - stats.mean);
  stats.std = samples.size() > 1 ? std::sqrt(squares / (count - 1)) : 0;
  stats.min = samples.front();
  stats.max = samples.back();
  stats.median = median(samples);
  stats.percentile_95 = percentile_of_sorted(samples, 95);
  stats.percentile_99 = percentile_of_sorted(samples, 99);
  return stats;
}

std::optional<Interval> ratio_interval(const std::vector<double>& numerator,
                                       const std::vector<double>& denominator, std::uint64_t seed) {
  if (numerator.size() < 2 || denominator.size() < 2) return std::nullopt;
  const auto positive = [](double sample) { return sample > 0; };
  if (!std::all_of(numerator.begin(), numerator.end(), positive) ||
      !std::all_of(denominator.begin(), denominator.end(), positive))
    return std::nullopt;
  SplitMix random(seed);
  std::vector<double> ratios, scratch;
  ratios.reserve(kResamples);
  for (int i = 0; i < kResamples; ++i) {
    const double above = resampled_median(numerator, scratch, random);
    const double below = resampled_median(denominator, scratch, random);
    ratios.push_back(above / below);
  }
  std::sort(ratios.begin(), ratios.end());
  Interval interval{percentile_of_sorted(ratios, 2.5), percentile_of_sorted(ratios, 97.5)};
  if (std::min(numerator.size(), denominator.size()) >= kFewSamples) return interval;
  const Interval few = welch_interval(numerator, denominator);
  return Interval{std::min(interval.low, few.low), std::max(interval.high, few.high)};
}

std::string milliseconds_text(double milliseconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g ms", milliseconds);
  return text;
}

}  // namespace assay::engine::judge
