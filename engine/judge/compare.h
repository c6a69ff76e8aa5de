// SPDX-License-Identifier: Apache-2.0
// Comparison of one output over many slots, on the device it lies on. REQUIRES everywhere: the
// memory belongs to the judge alone (a snapshot), so that a runner cannot change what was checked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/judge/poison.h"
#include "engine/judge/tensor_rows.h"
#include "engine/judge/tolerance.h"

namespace assay::engine::judge {

struct WorstFound {
  std::int64_t row = 0, element = 0;  // flat position within the row
  double got = 0, want = 0, error = 0, allowed = 0;
  // The digits of got, want and error where a double does not hold them (64-bit integers).
  std::string exact_got, exact_want, exact_error;
};

struct Comparison {
  std::int64_t elements = 0, wrong = 0;
  std::int64_t unwritten = 0;  // of the wrong ones, those that still hold the poison
  std::int64_t rows_wrong = 0;
  std::optional<WorstFound> worst;  // largest error / allowed; absent when all elements are equal
};

// got against want, row by row. Equal NaN and equal Inf match; `poison` is what got held before the
// call. REQUIRES: same elements and rows; dtypes equal.
Comparison compare(const TensorRows& got, const TensorRows& want, const Tolerance& tolerance,
                   const Poison& poison, TorchDevice device);

// Elements still holding the poison. For dtypes in which every pattern is a legal value, pass what
// a second call with other poison left (same inputs): an element counts when it holds both.
struct Unwritten {
  std::int64_t elements = 0, count = 0;
  std::int64_t rows = 0;              // rows with at least one
  std::int64_t row = 0, element = 0;  // of the first; valid when count > 0
};
Unwritten find_unwritten(const TensorRows& got, const Poison& poison, TorchDevice device);
Unwritten find_unwritten_twice(const TensorRows& first, const Poison& first_poison,
                               const TensorRows& second, const Poison& second_poison,
                               TorchDevice device);

}  // namespace assay::engine::judge
