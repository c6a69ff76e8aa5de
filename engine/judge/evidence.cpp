// SPDX-License-Identifier: Apache-2.0
#include "engine/judge/evidence.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "engine/judge/quick_compare.h"
#include "engine/judge/same_bytes.h"

namespace assay::engine::judge {
namespace {

constexpr double kWholeShown = 1e16;  // below, whole numbers are shown in full: %.6g rounds them
// One wrong element in 256 holds a poison of one byte by chance; in so few it proves nothing.
constexpr std::int64_t kChanceDivisor = 16;

// A tensor of no dimensions has one element, which needs no index.
std::string at_text(const std::vector<std::int64_t>& index) {
  return index.empty() ? "" : schemas::shape_text(index);
}

// A fifth of the memory traffic of the next best look, and what calls that repeat themselves give.
bool equal_bits(const TensorRows& got, const TensorRows& want, TorchDevice device) {
  return got.dtype == want.dtype && same_bytes(got, want, device);
}

}  // namespace

std::vector<std::int64_t> index_of(std::int64_t element, const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> index(shape.size());
  for (std::size_t i = shape.size(); i-- > 0;) {
    index[i] = element % shape[i];
    element /= shape[i];
  }
  return index;
}

std::string number_text(double number) {
  if (std::isnan(number)) return "NaN";
  char text[32];
  const bool whole = std::abs(number) < kWholeShown && std::trunc(number) == number;
  std::snprintf(text, sizeof text, whole ? "%.0f" : "%.6g", number);
  return text;
}

std::string worst_text(const schemas::WorstElement& worst) {
  const auto figure = [](double number, const std::string& exact) {
    return exact.empty() ? number_text(number) : exact;
  };
  return worst.output_name + at_text(worst.index) + ": got " + figure(worst.got, worst.exact_got) +
         ", want " + figure(worst.want, worst.exact_want) + ", error " +
         figure(worst.error, worst.exact_error) + ", allowed " + number_text(worst.allowed);
}

Evidence::Evidence(TorchDevice device, std::optional<double> rtol, std::optional<double> atol)
    : device_(device), rtol_(rtol), atol_(atol) {}

void Evidence::state_tolerances(const SlotLayout& outputs) {
  checks_.tolerances.clear();
  for (const TensorPlace& place : outputs.tensors())
    checks_.tolerances.push_back(rule_of(tolerance_for(place.dtype, rtol_, atol_), place.dtype));
}

bool Evidence::compare_window(const Outputs& got, const Outputs& want, std::int64_t calls,
                              std::int64_t window) {
  std::int64_t calls_failed = 0;
  for (std::size_t output = 0; output < want.call->outputs.tensors().size(); ++output) {
    const TensorPlace& place = want.call->outputs.tensors()[output];
    const TensorRows got_rows = got.rows(output, calls), want_rows = want.rows(output, calls);
    const Tolerance tolerance = tolerance_for(place.dtype, rtol_, atol_);
    const Poison& poison = (*got.poison)[output];
    // The first window is looked at in full, for its worst element; later ones where need be.
    if (checks_.calls_checked > 0 &&
        (equal_bits(got_rows, want_rows, device_) ||
         plainly_right(got_rows, want_rows, tolerance, poison, device_))) {
      checks_.elements_checked += place.elements * calls;
      continue;
    }
    const Comparison comparison = compare(got_rows, want_rows, tolerance, poison, device_);
    checks_.elements_checked += comparison.elements;
    checks_.elements_wrong += comparison.wrong;
    calls_failed = std::max(calls_failed, comparison.rows_wrong);
    if (comparison.wrong > 0)
      note_fault(got.call->outputs.tensors()[output], comparison, poison, calls);
    if (comparison.worst) note_worst(*comparison.worst, place, output, window);
  }
  checks_.calls_checked += calls;
  checks_.calls_failed += calls_failed;
  return calls_failed == 0;
}

bool Evidence::written_window(const Outputs& got, const Outputs* again, std::int64_t calls,
                              std::int64_t window) {
  std::int64_t calls_failed = 0;
  for (std::size_t output = 0; output < got.call->outputs.tensors().size(); ++output) {
    const TensorPlace& place = got.call->outputs.tensors()[output];
    const Poison& poison = (*got.poison)[output];
    Unwritten left;
    if (poison.is_proof)
      left = find_unwritten(got.rows(output, calls), poison, device_);
    else if (again != nullptr)
      left = find_unwritten_twice(got.rows(output, calls), poison, again->rows(output, calls),
                                  (*again->poison)[output], device_);
    checks_.elements_checked += place.elements * calls;
    checks_.elements_wrong += left.count;
    unwritten_ += left.count;
    calls_failed = std::max(calls_failed, left.rows);
    if (left.count > 0 && fault_.empty())
      fault_ =
          std::to_string(left.count) + " of " + std::to_string(place.elements * calls) +
          " elements of output " + tensor_text(place.name, place.dtype, place.shape) +
          " were never written, the first " +
          (place.shape.empty() ? "" : "at " + at_text(index_of(left.element, place.shape)) + " ") +
          "of call " + std::to_string(left.row) + " in window " + std::to_string(window);
  }
  checks_.calls_checked += calls;
  checks_.calls_failed += calls_failed;
  return calls_failed == 0;
}

bool Evidence::agree(const Outputs& got, const Outputs& want, std::int64_t calls) const {
  for (std::size_t output = 0; output < want.call->outputs.tensors().size(); ++output) {
    if (!rows_agree(got.rows(output, calls), want.rows(output, calls), (*got.poison)[output]))
      return false;
  }
  return true;
}

// The first row that differs ends it; rows that are alike cost the quick look only.
bool Evidence::all_alike(const Outputs& outputs, std::int64_t calls) const {
  for (std::size_t output = 0; output < outputs.call->outputs.tensors().size(); ++output) {
    const TensorRows rows = outputs.rows(output, calls);
    for (std::int64_t row = 1; row < calls; ++row)
      if (!rows_agree(rows.row(row), rows.row(0), (*outputs.poison)[output])) return false;
  }
  return true;
}

bool Evidence::rows_agree(const TensorRows& got, const TensorRows& want,
                          const Poison& poison) const {
  const Tolerance tolerance = tolerance_for(want.dtype, rtol_, atol_);
  return equal_bits(got, want, device_) || plainly_right(got, want, tolerance, poison, device_) ||
         compare(got, want, tolerance, poison, device_).wrong == 0;
}

void Evidence::note_worst(const WorstFound& found, const TensorPlace& place, std::size_t output,
                          std::int64_t window) {
  double score = found.allowed > 0 ? found.error / found.allowed
                 : found.error > 0 ? found.error + 1
                                   : 0;
  if (!std::isfinite(found.error) || !std::isfinite(found.got))
    score = std::numeric_limits<double>::infinity();
  if (score <= worst_score_) return;
  worst_score_ = score;
  schemas::WorstElement worst;
  worst.output = static_cast<std::int64_t>(output);
  worst.output_name = place.name;
  worst.index = index_of(found.element, place.shape);
  worst.got = found.got;
  worst.want = found.want;
  worst.error = found.error;
  worst.allowed = found.allowed;
  worst.exact_got = found.exact_got;
  worst.exact_want = found.exact_want;
  worst.exact_error = found.exact_error;
  worst.slot = found.row;
  worst.window = window;
  checks_.worst = std::move(worst);
}

void Evidence::note_fault(const TensorPlace& place, const Comparison& comparison,
                          const Poison& poison, std::int64_t calls) {
  // Where every pattern is a legal value, some wrong ones hold the poison's by chance.
  const std::int64_t by_chance = poison.is_proof ? 0 : comparison.wrong / kChanceDivisor;
  const bool unwritten = comparison.unwritten > by_chance;
  if (unwritten) unwritten_ += comparison.unwritten;
  if (!fault_.empty()) return;
  fault_ = std::to_string(comparison.wrong) + " of " + std::to_string(comparison.elements) +
           " elements of output " + tensor_text(place.name, place.dtype, place.shape) +
           " are wrong, in " + std::to_string(comparison.rows_wrong) + " of " +
           std::to_string(calls) + " calls";
  if (unwritten)
    fault_ += "; " + std::to_string(comparison.unwritten) + " of them " +
              (poison.is_proof ? "were never written"
                               : "hold what lay there before the call, so probably were never "
                                 "written");
}

}  // namespace assay::engine::judge
