// SPDX-License-Identifier: Apache-2.0
#include "engine/judge/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "engine/judge/random.h"

namespace assay::engine::judge {
namespace {

constexpr int kResamples = 2000;
// Beyond this many samples a resample's median moves by less than any clock resolves.
constexpr std::size_t kMaxResampled = 500;

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
  std::sort(samples.begin(), samples.end());
  schemas::RuntimeStats stats;
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
  SplitMix random(seed);
  std::vector<double> ratios, scratch;
  ratios.reserve(kResamples);
  for (int i = 0; i < kResamples; ++i) {
    const double above = resampled_median(numerator, scratch, random);
    const double below = resampled_median(denominator, scratch, random);
    if (!(above > 0) || !(below > 0)) return std::nullopt;
    ratios.push_back(above / below);
  }
  std::sort(ratios.begin(), ratios.end());
  return Interval{percentile_of_sorted(ratios, 2.5), percentile_of_sorted(ratios, 97.5)};
}

std::string milliseconds_text(double milliseconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g ms", milliseconds);
  return text;
}

}  // namespace assay::engine::judge
