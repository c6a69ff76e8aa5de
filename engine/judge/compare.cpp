// SPDX-License-Identifier: Apache-2.0
#include "engine/judge/compare.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <string>
#include <utility>

#include <ATen/ops/isfinite.h>
#include <ATen/ops/isnan.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include "engine/judge/tensor_view.h"

namespace assay::engine::judge {
namespace {

// Elements compared at once: bounds the memory of temporaries (16 MiB each in float64).
constexpr std::int64_t kBlockElements = std::int64_t{1} << 21;
// The same where the only temporary is one byte per element, on a GPU.
constexpr std::int64_t kByteBlockElementsGpu = std::int64_t{1} << 26;
// Differences of 64-bit integers are exact below 2^63; half of it leaves room for rounding.
constexpr double kWraps = 4611686018427387904.0;
// What every whole number up to here is in float64.
constexpr std::uint64_t kWholeInDouble = std::uint64_t{1} << 53;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Block {
  std::int64_t row, column, rows, columns;
  at::Tensor of(const at::Tensor& whole) const {
    return whole.narrow(0, row, rows).narrow(1, column, columns);
  }
};

// Covers [rows, elements] with blocks; all blocks of one band of rows follow each other.
void for_each_block(const TensorRows& shape, const std::function<void(const Block&)>& work,
                    std::int64_t most = kBlockElements) {
  if (shape.elements == 0) return;
  const std::int64_t columns = std::min(shape.elements, most);
  const std::int64_t rows = std::max<std::int64_t>(most / columns, 1);
  for (std::int64_t row = 0; row < shape.rows; row += rows)
    for (std::int64_t column = 0; column < shape.elements; column += columns)
      work({row, column, std::min(rows, shape.rows - row),
            std::min(columns, shape.elements - column)});
}

// rms of the finite elements of each row, [rows, 1]. Scaled by the largest of them, so that squares
// do not overflow.
at::Tensor rms_of_rows(const TensorRows& rows, c10::Device device) {
  const at::Tensor whole = view(rows, device);
  const auto options = c10::TensorOptions().dtype(c10::kDouble).device(device);
  at::Tensor largest = at::zeros({rows.rows, 1}, options);
  at::Tensor squares = at::zeros({rows.rows, 1}, options);
  at::Tensor count = at::zeros({rows.rows, 1}, options);
  const auto finite_part = [&](const Block& block, at::Tensor& finite) {
    const at::Tensor values = block.of(whole).to(c10::kDouble);
    finite = at::isfinite(values);
    return at::where(finite, values, 0.0);
  };
  at::Tensor finite;
  for_each_block(rows, [&](const Block& block) {
    const at::Tensor values = finite_part(block, finite);
    at::Tensor band = largest.narrow(0, block.row, block.rows);
    band.copy_(band.maximum(values.abs().amax({1}, true)));
  });
  const at::Tensor scale = at::where(largest.gt(0), largest, 1.0);
  for_each_block(rows, [&](const Block& block) {
    const at::Tensor values =
        finite_part(block, finite).div_(scale.narrow(0, block.row, block.rows));
    squares.narrow(0, block.row, block.rows).add_(values.square().sum({1}, true));
    count.narrow(0, block.row, block.rows).add_(finite.sum({1}, true));
  });
  return squares.div_(count.clamp_min(1)).sqrt_().mul_(scale);
}

// What one block says; `score` ranks elements by error / allowed, 0 for equal ones.
struct Judged {
  at::Tensor wrong, score, error, allowed;  // wrong is bool, the others float64; [rows, columns]
};

Judged judge_floating(const at::Tensor& got, const at::Tensor& want, const Tolerance& tolerance,
                      const at::Tensor& floor) {
  const at::Tensor equal = got.eq(want).logical_or_(at::isnan(got).logical_and_(at::isnan(want)));
  const at::Tensor finite = at::isfinite(got).logical_and_(at::isfinite(want));
  Judged judged;
  judged.error = got.sub(want).abs_();
  judged.allowed = want.abs().mul_(tolerance.rtol).add_(floor);
  judged.wrong =
      judged.error.le(judged.allowed).logical_and_(finite).logical_or_(equal).logical_not_();
  judged.score =
      at::where(finite, judged.error.div(judged.allowed), kInfinity).masked_fill_(equal, 0);
  return judged;
}

Judged judge_exact(const at::Tensor& got, const at::Tensor& want) {
  Judged judged;
  judged.wrong = got.ne(want);
  judged.error = got.to(c10::kDouble).sub_(want.to(c10::kDouble)).abs_();
  // 64-bit integers that differ may be equal as float64; their difference as integers may wrap.
  if (got.scalar_type() == c10::kLong)
    judged.error =
        at::where(judged.error.lt(kWraps), got.sub(want).abs_().to(c10::kDouble), judged.error);
  judged.allowed = at::zeros({}, judged.error.options()).expand_as(judged.error);
  judged.score = judged.error;
  return judged;
}

class Comparing {
 public:
  Comparing(const TensorRows& got, const TensorRows& want, const Tolerance& tolerance,
            const Poison& poison, c10::Device device)
      : tolerance_(tolerance),
        poison_(poison),
        dtype_(want.dtype),
        device_(device),
        got_(view_of(got)),
        want_(view_of(want)),
        got_words_(view_as(got, word_type(got.dtype), device)) {
    const auto options = c10::TensorOptions().dtype(c10::kDouble).device(device);
    if (!tolerance.exact)
      floor_ = tolerance.scaled ? rms_of_rows(want, device).mul_(tolerance.atol)
                                : at::zeros({want.rows, 1}, options).add_(tolerance.atol);
    rows_wrong_ = at::zeros({want.rows}, c10::TensorOptions().dtype(c10::kBool).device(device));
  }

  void look_at(const Block& block) {
    const at::Tensor hits = block.of(got_words_).eq(poison_word(poison_, dtype_));
    Judged judged = judge(block);
    if (poison_.present && poison_.is_proof) {
      judged.wrong.logical_or_(hits);
      judged.score = judged.score.masked_fill(hits, kInfinity);
    }
    // Where any pattern is a legal value, a right element may hold the poison's.
    const at::Tensor unwritten = hits.logical_and(judged.wrong);
    rows_wrong_.narrow(0, block.row, block.rows).logical_or_(judged.wrong.any(1));
    const at::Tensor flat = judged.score.reshape({-1});
    const at::Tensor position = flat.argmax();
    const at::Tensor figures =
        at::stack({judged.wrong.sum().to(c10::kDouble), unwritten.sum().to(c10::kDouble),
                   flat.max().to(c10::kDouble), position.to(c10::kDouble)})
            .cpu();
    const double* figure = figures.const_data_ptr<double>();
    found_.elements += block.rows * block.columns;
    found_.wrong += static_cast<std::int64_t>(figure[0]);
    if (poison_.present) found_.unwritten += static_cast<std::int64_t>(figure[1]);
    if (figure[2] > worst_score_) {
      worst_score_ = figure[2];
      note_worst(block, judged, static_cast<std::int64_t>(figure[3]));
    }
  }

  Comparison finish() {
    found_.rows_wrong = rows_wrong_.sum().item<std::int64_t>();
    return found_;
  }

 private:
  // Bools as bytes: a kernel may write any non-zero byte for true.
  at::Tensor view_of(const TensorRows& rows) const {
    return view_as(rows, dtype_ == schemas::Dtype::boolean ? c10::kByte : scalar_type(dtype_),
                   device_);
  }

  Judged judge(const Block& block) const {
    const at::Tensor got = block.of(got_), want = block.of(want_);
    if (dtype_ == schemas::Dtype::boolean) return judge_exact(got.ne(0), want.ne(0));
    if (tolerance_.exact) return judge_exact(got, want);
    return judge_floating(got.to(c10::kDouble), want.to(c10::kDouble), tolerance_,
                          floor_.narrow(0, block.row, block.rows));
  }

  // Absolute difference without overflow: unsigned arithmetic is modulo 2^64.
  static std::uint64_t distance(std::int64_t left, std::int64_t right) {
    const auto high = static_cast<std::uint64_t>(std::max(left, right));
    return high - static_cast<std::uint64_t>(std::min(left, right));
  }

  static void note_digits(WorstFound& worst, std::int64_t got, std::int64_t want) {
    const std::uint64_t error = distance(got, want);
    worst.error = static_cast<double>(error);
    if (distance(got, 0) > kWholeInDouble) worst.exact_got = std::to_string(got);
    if (distance(want, 0) > kWholeInDouble) worst.exact_want = std::to_string(want);
    if (error > kWholeInDouble) worst.exact_error = std::to_string(error);
  }

  void note_worst(const Block& block, const Judged& judged, std::int64_t position) {
    const std::int64_t row = position / block.columns, column = position % block.columns;
    const auto number = [&](const at::Tensor& of) {
      return of[row][column].to(c10::kDouble).item<double>();
    };
    const at::Tensor got = block.of(got_), want = block.of(want_);
    WorstFound worst;
    worst.row = block.row + row;
    worst.element = block.column + column;
    worst.got = number(got);
    worst.want = number(want);
    worst.error = number(judged.error);
    worst.allowed = number(judged.allowed);
    if (dtype_ == schemas::Dtype::int64)
      note_digits(worst, got[row][column].item<std::int64_t>(),
                  want[row][column].item<std::int64_t>());
    found_.worst = std::move(worst);
  }

  Tolerance tolerance_;
  Poison poison_;
  schemas::Dtype dtype_;
  c10::Device device_;
  at::Tensor got_, want_, got_words_, floor_, rows_wrong_;
  Comparison found_;
  double worst_score_ = 0;
};

// `hits` gives, for a block, a fresh bool tensor of the elements that hold the poison.
Unwritten count_hits(const TensorRows& shape, c10::Device device,
                     const std::function<at::Tensor(const Block&)>& hits) {
  Unwritten found;
  const at::Tensor rows_hit =
      at::zeros({shape.rows}, c10::TensorOptions().dtype(c10::kBool).device(device));
  const auto look_at = [&](const Block& block) {
    found.elements += block.rows * block.columns;
    const at::Tensor held = hits(block);
    if (!held.any().item<bool>()) return;
    rows_hit.narrow(0, block.row, block.rows).logical_or_(held.any(1));
    const at::Tensor figures =
        at::stack({held.sum(), held.reshape({-1}).to(c10::kByte).argmax()}).cpu();
    const std::int64_t* figure = figures.const_data_ptr<std::int64_t>();
    if (found.count == 0) {
      found.row = block.row + figure[1] / block.columns;
      found.element = block.column + figure[1] % block.columns;
    }
    found.count += figure[0];
  };
  for_each_block(shape, look_at, device.is_cuda() ? kByteBlockElementsGpu : kBlockElements);
  found.rows = rows_hit.sum().item<std::int64_t>();
  return found;
}

}  // namespace

Comparison compare(const TensorRows& got, const TensorRows& want, const Tolerance& tolerance,
                   const Poison& poison, TorchDevice device) {
  c10::InferenceMode guard;
  if (want.elements == 0 || want.rows == 0) return {};
  Comparing comparing(got, want, tolerance, poison, torch_device(device));
  for_each_block(want, [&](const Block& block) { comparing.look_at(block); });
  return comparing.finish();
}

Unwritten find_unwritten(const TensorRows& got, const Poison& poison, TorchDevice device) {
  c10::InferenceMode guard;
  if (got.elements == 0 || got.rows == 0 || !poison.present) return {};
  const at::Tensor words = view_as(got, word_type(got.dtype), torch_device(device));
  const std::int64_t held = poison_word(poison, got.dtype);
  return count_hits(got, torch_device(device),
                    [&](const Block& block) { return block.of(words).eq(held); });
}

Unwritten find_unwritten_twice(const TensorRows& first, const Poison& first_poison,
                               const TensorRows& second, const Poison& second_poison,
                               TorchDevice device) {
  c10::InferenceMode guard;
  if (first.elements == 0 || first.rows == 0 || !first_poison.present) return {};
  const c10::ScalarType type = word_type(first.dtype);
  const at::Tensor first_words = view_as(first, type, torch_device(device));
  const at::Tensor second_words = view_as(second, type, torch_device(device));
  const std::int64_t first_held = poison_word(first_poison, first.dtype);
  const std::int64_t second_held = poison_word(second_poison, second.dtype);
  return count_hits(first, torch_device(device), [&](const Block& block) {
    return block.of(first_words)
        .eq(first_held)
        .logical_and_(block.of(second_words).eq(second_held));
  });
}

}  // namespace assay::engine::judge
