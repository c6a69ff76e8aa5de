// SPDX-License-Identifier: Apache-2.0
#include "schemas/init_check.h"

#include <cmath>
#include <cstdio>

namespace assay::schemas {
namespace {

struct Range {
  double low, high;
};

// Of finite values. Doubles: the largest below 2^63 stands for int64's largest.
Range range_of(Dtype dtype) {
  switch (dtype) {
    case Dtype::int8: return {-128, 127};
    case Dtype::uint8: return {0, 255};
    case Dtype::int32: return {-2147483648.0, 2147483647.0};
    case Dtype::int64: return {-9223372036854775808.0, 9223372036854774784.0};
    case Dtype::float16: return {-65504, 65504};
    case Dtype::bfloat16: return {-3.3895313892515355e38, 3.3895313892515355e38};
    case Dtype::float32: return {-3.4028234663852886e38, 3.4028234663852886e38};
    case Dtype::float64: return {-1.7976931348623157e308, 1.7976931348623157e308};
    case Dtype::boolean: return {0, 1};
  }
  return {0, 1};
}

std::string figure(double value) {
  char text[32];
  const bool whole = std::abs(value) < 1e15 && std::trunc(value) == value;
  std::snprintf(text, sizeof text, whole ? "%.0f" : "%.17g", value);
  return text;
}

class Checking {
 public:
  Checking(Dtype dtype, const std::string& path, Diagnostics& diagnostics)
      : dtype_(dtype), path_(path), diagnostics_(diagnostics) {}

  void within(const char* field, double value, const std::string& what = "") {
    const Range range = range_of(dtype_);
    const double kept = is_floating(dtype_) ? value : std::trunc(value);
    if (!(kept >= range.low && kept <= range.high))
      error(field, (what.empty() ? "must be" : what + " must be") + " from " + range_text() +
                       " for " + dtype_name(dtype_) + ", got " + figure(value));
  }

  // Random values are drawn as low + (high - low) * r, all in the dtype.
  void span(const Init& init) {
    const double most = range_of(dtype_).high;
    if (!(init.high - init.low <= most))
      error("high", "high - low must be at most " + figure(most) + " for " + dtype_name(dtype_) +
                        ", got low " + figure(init.low) + " and high " + figure(init.high));
  }

  void whole(const char* field, double value) {
    if (std::trunc(value) != value)
      error(field, "must be a whole number for " + dtype_name(dtype_) + ", got " + figure(value));
  }

  void error(const char* field, const std::string& message) {
    diagnostics_.errors.push_back({path_ + "." + field, message});
  }

 private:
  std::string range_text() const {
    const Range range = range_of(dtype_);
    if (dtype_ == Dtype::int64) return "-9223372036854775808 to 9223372036854775807";
    return figure(range.low) + " to " + figure(range.high);
  }

  Dtype dtype_;
  const std::string& path_;
  Diagnostics& diagnostics_;
};

void check_arange(const Init& init, const TensorSpec& spec, Checking& checking) {
  if (spec.dtype == Dtype::boolean)
    return checking.error("kind", "\"arange\" is not defined for bool; use uniform or full");
  if (init.step == 0) return checking.error("step", "must not be 0");
  if (!is_floating(spec.dtype)) {
    checking.whole("start", init.start);
    checking.whole("step", init.step);
  }
  checking.within("start", init.start);
  const std::int64_t length = spec.shape.empty() ? 1 : spec.shape.back();
  if (length > 1)
    checking.within("step", init.start + init.step * static_cast<double>(length - 1),
                    "the last of " + std::to_string(length) + " values");
}

}  // namespace

void check_init(const TensorSpec& spec, const std::string& path, Diagnostics& diagnostics) {
  const Init& init = *spec.init;
  const bool floating = is_floating(spec.dtype);
  const std::size_t errors_before = diagnostics.errors.size();
  Checking checking(spec.dtype, path, diagnostics);
  switch (init.kind) {
    case InitKind::randn:  // whole numbers and bools are drawn from the dtype's range
      if (floating) {
        checking.within("mean", init.mean);
        checking.within("std", init.std);
      }
      break;
    case InitKind::uniform:
      if (spec.dtype == Dtype::boolean) break;  // false and true, whatever the bounds
      checking.within("low", init.low);
      checking.within("high", init.high);
      if (floating && diagnostics.errors.size() == errors_before) checking.span(init);
      break;
    case InitKind::full:
      if (spec.dtype == Dtype::boolean || (spec.dtype == Dtype::int64 && init.fill_whole)) break;
      checking.within("fill_value", init.fill_value);
      break;
    case InitKind::arange: check_arange(init, spec, checking); break;
    case InitKind::zeros:
    case InitKind::ones: break;
  }
}

}  // namespace assay::schemas
