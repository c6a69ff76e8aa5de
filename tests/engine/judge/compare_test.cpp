// SPDX-License-Identifier: Apache-2.0
// Comparison against a brute-force one, over random tensors with NaN and infinities, in every
// dtype.
#include "engine/judge/compare.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/judge/slot_layout.h"
#include "engine/judge/torch_runtime.h"

using namespace assay;
using namespace assay::engine::judge;
using schemas::Dtype;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();
const Poison kPoison{0x7FF9ABCD, 4, true};

template <typename T>
struct Slots {
  Slots(Dtype dtype, std::int64_t elements, std::int64_t rows)
      : stride((elements * static_cast<std::int64_t>(sizeof(T)) + 511) / 512 * 512 + 512),
        elements(elements),
        rows(rows),
        dtype(dtype),
        bytes(static_cast<std::size_t>(stride * rows), std::byte{0xEE}) {}
  T get(std::int64_t row, std::int64_t i) const {
    T value;
    std::memcpy(&value, bytes.data() + row * stride + i * static_cast<std::int64_t>(sizeof(T)),
                sizeof(T));
    return value;
  }
  void set(std::int64_t row, std::int64_t i, T value) {
    std::memcpy(bytes.data() + row * stride + i * static_cast<std::int64_t>(sizeof(T)), &value,
                sizeof(T));
  }
  TensorRows view() { return {bytes.data(), dtype, elements, rows, stride}; }

  std::int64_t stride, elements, rows;
  Dtype dtype;
  std::vector<std::byte> bytes;
};

struct Expected {
  std::int64_t wrong = 0, rows_wrong = 0;
  double worst_score = 0;
};

bool equal(double got, double want) {
  return got == want || (std::isnan(got) && std::isnan(want));
}

// The rule as it is written in words.
template <typename T>
Expected brute_force(const Slots<T>& got, const Slots<T>& want, const Tolerance& tolerance) {
  Expected expected;
  for (std::int64_t row = 0; row < want.rows; ++row) {
    double squares = 0;
    std::int64_t finite = 0, wrong = 0;
    for (std::int64_t i = 0; i < want.elements; ++i) {
      const double w = want.get(row, i);
      if (!std::isfinite(w)) continue;
      squares += w * w;
      ++finite;
    }
    const double rms = finite > 0 ? std::sqrt(squares / static_cast<double>(finite)) : 0;
    for (std::int64_t i = 0; i < want.elements; ++i) {
      const double g = got.get(row, i), w = want.get(row, i);
      if (equal(g, w)) continue;
      const double allowed =
          tolerance.rtol * std::abs(w) + tolerance.atol * (tolerance.scaled ? rms : 1);
      const bool both_finite = std::isfinite(g) && std::isfinite(w);
      const double score = both_finite ? std::abs(g - w) / allowed : kInf;
      expected.worst_score = std::max(expected.worst_score, score);
      if (!both_finite || !(std::abs(g - w) <= allowed)) ++wrong;
    }
    expected.wrong += wrong;
    expected.rows_wrong += wrong > 0 ? 1 : 0;
  }
  return expected;
}

double uniform(SplitMix& random) {
  return static_cast<double>(random.below(1u << 30)) / (1u << 29) - 1;
}

double strange(SplitMix& random, double usual) {
  switch (random.below(40)) {
    case 0: return kNan;
    case 1: return kInf;
    case 2: return -kInf;
    case 3: return 0;
    default: return usual;
  }
}

template <typename T>
void check_floating(Dtype dtype, const Tolerance& tolerance, std::uint64_t seed) {
  SplitMix random(seed);
  for (int round = 0; round < 60; ++round) {
    const auto elements = static_cast<std::int64_t>(1 + random.below(round % 10 == 0 ? 3000 : 40));
    const auto rows = static_cast<std::int64_t>(1 + random.below(6));
    Slots<T> got(dtype, elements, rows), want(dtype, elements, rows);
    const double scale = std::pow(10.0, uniform(random) * 8);
    for (std::int64_t row = 0; row < rows; ++row)
      for (std::int64_t i = 0; i < elements; ++i) {
        const double w = strange(random, scale * uniform(random));
        want.set(row, i, static_cast<T>(w));
        const double nudge = std::pow(10.0, uniform(random) * 4) * tolerance.rtol * uniform(random);
        got.set(row, i,
                static_cast<T>(random.below(30) == 0 ? strange(random, w) : w * (1 + nudge)));
      }
    const Expected expected = brute_force(got, want, tolerance);
    const Comparison found = compare(got.view(), want.view(), tolerance, kPoison, {});
    REQUIRE(found.elements == elements * rows);
    REQUIRE(found.wrong == expected.wrong);
    REQUIRE(found.rows_wrong == expected.rows_wrong);
    REQUIRE(found.worst.has_value() == (expected.worst_score > 0));
    if (!found.worst) continue;
    const WorstFound& worst = *found.worst;
    REQUIRE(equal(worst.got, static_cast<double>(got.get(worst.row, worst.element))));
    REQUIRE(equal(worst.want, static_cast<double>(want.get(worst.row, worst.element))));
    const bool finite = std::isfinite(worst.got) && std::isfinite(worst.want);
    REQUIRE((finite ? worst.error / worst.allowed : kInf) == Approx(expected.worst_score));
  }
}

template <typename T>
void check_integers(Dtype dtype) {
  SplitMix random(3);
  for (int round = 0; round < 30; ++round) {
    const std::int64_t elements = static_cast<std::int64_t>(1 + random.below(300)), rows = 3;
    Slots<T> got(dtype, elements, rows), want(dtype, elements, rows);
    std::int64_t differ = 0;
    for (std::int64_t row = 0; row < rows; ++row)
      for (std::int64_t i = 0; i < elements; ++i) {
        const T w = static_cast<T>(random.next());
        want.set(row, i, w);
        const bool other = random.below(50) == 0;
        got.set(row, i, static_cast<T>(other ? w ^ 1 : w));
        differ += other ? 1 : 0;
      }
    const auto found =
        compare(got.view(), want.view(), tolerance_for(dtype, 10.0, 10.0), {0, 1, false}, {});
    REQUIRE(found.wrong == differ);
    if (differ > 0)
      REQUIRE(got.get(found.worst->row, found.worst->element) !=
              want.get(found.worst->row, found.worst->element));
  }
}

float from_half_bits(std::uint16_t bits) {  // normal numbers only
  const std::uint32_t wide = std::uint32_t(bits & 0x8000) << 16 |
                             (std::uint32_t((bits >> 10 & 31) + 112) << 23) |
                             std::uint32_t(bits & 0x3FF) << 13;
  float value = 0;
  std::memcpy(&value, &wide, 4);
  return value;
}

}  // namespace

TEST_CASE("floating comparison agrees with brute force") {
  REQUIRE(start_torch({}));
  check_floating<float>(Dtype::float32, tolerance_for(Dtype::float32, std::nullopt, std::nullopt),
                        1);
  check_floating<double>(Dtype::float64, tolerance_for(Dtype::float64, std::nullopt, std::nullopt),
                         2);
  check_floating<float>(Dtype::float32, tolerance_for(Dtype::float32, 1e-3, std::nullopt), 3);
  check_floating<float>(Dtype::float32, tolerance_for(Dtype::float32, 1e-3, 1e-2), 4);
}

TEST_CASE("the default tolerances are those that were promised") {
  CHECK(tolerance_for(Dtype::float64, {}, {}).rtol == 1e-7);
  CHECK(tolerance_for(Dtype::float32, {}, {}).rtol == 1e-4);
  CHECK(tolerance_for(Dtype::float16, {}, {}).atol == 1e-2);
  CHECK(tolerance_for(Dtype::bfloat16, {}, {}).atol == 1e-2);
  CHECK(tolerance_for(Dtype::float32, {}, {}).scaled);
  CHECK(tolerance_for(Dtype::int32, 1.0, 1.0).exact);
  const Tolerance given = tolerance_for(Dtype::float16, 0.5, {});
  CHECK_FALSE(given.scaled);
  CHECK(given.rtol == 0.5);
  CHECK(given.atol == 1e-8);
  CHECK(tolerance_for(Dtype::float16, {}, 0.25).rtol == 1e-5);
  CHECK(rule_of(given, Dtype::float16).from_caller);
}

TEST_CASE("rms scales the bound per call, and huge values do not overflow it") {
  Slots<double> got(Dtype::float64, 4, 2), want(Dtype::float64, 4, 2);
  for (int i = 0; i < 4; ++i) {
    want.set(0, i, 1e200);
    got.set(0, i, 1e200);
    want.set(1, i, 1e-3);
    got.set(1, i, 1e-3);
  }
  want.set(0, 3, 0);
  got.set(0, 3, 1e190);  // 1e-10 of the rms
  got.set(1, 3, 2e-3);
  const auto found =
      compare(got.view(), want.view(), tolerance_for(Dtype::float64, {}, {}), kPoison, {});
  CHECK(found.wrong == 1);
  CHECK(found.worst->row == 1);
  got.set(0, 3, 1e195);
  CHECK(
      compare(got.view(), want.view(), tolerance_for(Dtype::float64, {}, {}), kPoison, {}).wrong ==
      2);
}

TEST_CASE("an infinite want is matched by nothing finite") {
  Slots<float> got(Dtype::float32, 3, 1), want(Dtype::float32, 3, 1);
  const float inf = std::numeric_limits<float>::infinity();
  for (int i = 0; i < 3; ++i) want.set(0, i, inf);
  got.set(0, 0, inf);
  got.set(0, 1, 1);
  got.set(0, 2, -inf);
  CHECK(
      compare(got.view(), want.view(), tolerance_for(Dtype::float32, {}, {}), kPoison, {}).wrong ==
      2);
}

TEST_CASE("half precision is compared by value") {
  Slots<std::uint16_t> got(Dtype::float16, 200, 2), want(Dtype::float16, 200, 2);
  for (std::int64_t row = 0; row < 2; ++row)
    for (std::int64_t i = 0; i < 200; ++i) {
      want.set(row, i, static_cast<std::uint16_t>(0x3C00 + i));
      got.set(row, i, static_cast<std::uint16_t>(0x3C00 + i));
    }
  got.set(1, 50, 0x3C00 + 100);  // 1.0977 for 1.0488
  const auto found = compare(got.view(), want.view(), tolerance_for(Dtype::float16, {}, {}),
                             {0x7FE1, 2, true}, {});
  CHECK(found.wrong == 1);
  REQUIRE(found.worst);
  CHECK(found.worst->element == 50);
  CHECK(found.worst->got == Approx(from_half_bits(0x3C00 + 100)));
  CHECK(found.worst->want == Approx(from_half_bits(0x3C00 + 50)));
}

TEST_CASE("integers and bools are exact whatever the tolerance") {
  check_integers<std::int8_t>(Dtype::int8);
  check_integers<std::uint8_t>(Dtype::uint8);
  check_integers<std::int32_t>(Dtype::int32);
  check_integers<std::int64_t>(Dtype::int64);
  Slots<std::uint8_t> got(Dtype::boolean, 3, 1), want(Dtype::boolean, 3, 1);
  const std::uint8_t wanted[] = {0, 1, 1}, gotten[] = {0, 255, 0};  // any non-zero byte is true
  for (int i = 0; i < 3; ++i) want.set(0, i, wanted[i]), got.set(0, i, gotten[i]);
  CHECK(compare(got.view(), want.view(), tolerance_for(Dtype::boolean, {}, {}), {0x5A, 1, true}, {})
            .wrong == 1);
}

TEST_CASE("large 64-bit integers that are equal as doubles still differ") {
  Slots<std::int64_t> got(Dtype::int64, 1, 1), want(Dtype::int64, 1, 1);
  want.set(0, 0, (std::int64_t{1} << 60) + 1);
  got.set(0, 0, std::int64_t{1} << 60);
  const auto found =
      compare(got.view(), want.view(), tolerance_for(Dtype::int64, {}, {}), {0, 4, false}, {});
  CHECK(found.wrong == 1);
  REQUIRE(found.worst);
  CHECK(found.worst->exact_got == "1152921504606846976");
  CHECK(found.worst->exact_want == "1152921504606846977");
  CHECK(found.worst->error == 1);
  CHECK(found.worst->exact_error.empty());
}

TEST_CASE("the worst of 64-bit integers is found by their difference, which never wraps") {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  const auto worst_of = [](std::vector<std::int64_t> got_values,
                           std::vector<std::int64_t> want_values) {
    const auto elements = static_cast<std::int64_t>(got_values.size());
    Slots<std::int64_t> got(Dtype::int64, elements, 1), want(Dtype::int64, elements, 1);
    for (std::size_t i = 0; i < got_values.size(); ++i) {
      got.set(0, static_cast<std::int64_t>(i), got_values[i]);
      want.set(0, static_cast<std::int64_t>(i), want_values[i]);
    }
    const auto found =
        compare(got.view(), want.view(), tolerance_for(Dtype::int64, {}, {}), {0, 4, false}, {});
    REQUIRE(found.worst);
    return *found.worst;
  };
  const std::int64_t large = std::int64_t{1} << 60;
  const WorstFound close = worst_of({large + 1, large + 90, 5}, {large, large, 7});
  CHECK(close.element == 1);
  CHECK(close.error == 90);
  const WorstFound far = worst_of({5, kMost}, {large, kLeast});
  CHECK(far.element == 1);
  CHECK(far.exact_got == "9223372036854775807");
  CHECK(far.exact_want == "-9223372036854775808");
  CHECK(far.exact_error == "18446744073709551615");
  const WorstFound small = worst_of({5}, {7});
  CHECK((small.exact_got + small.exact_want + small.exact_error).empty());
}

TEST_CASE("nothing to compare is nothing wrong") {
  Slots<float> got(Dtype::float32, 0, 4), want(Dtype::float32, 0, 4);
  CHECK(compare(got.view(), want.view(), tolerance_for(Dtype::float32, {}, {}), kPoison, {})
            .elements == 0);
  Slots<float> scalar(Dtype::float32, 1, 1);  // a 0-d tensor has one element
  scalar.set(0, 0, 2);
  CHECK(compare(scalar.view(), scalar.view(), tolerance_for(Dtype::float32, {}, {}), kPoison, {})
            .elements == 1);
}

TEST_CASE("a tensor larger than one block is compared whole") {
  const std::int64_t elements = (std::int64_t{1} << 21) + 100;
  Slots<float> got(Dtype::float32, elements, 2), want(Dtype::float32, elements, 2);
  std::memset(got.bytes.data(), 0, got.bytes.size());
  std::memset(want.bytes.data(), 0, want.bytes.size());
  for (std::int64_t row = 0; row < 2; ++row)
    for (std::int64_t i = 0; i < elements; i += 1000) got.set(row, i, 1), want.set(row, i, 1);
  got.set(1, elements - 1, 1);
  const auto found =
      compare(got.view(), want.view(), tolerance_for(Dtype::float32, {}, {}), kPoison, {});
  CHECK(found.elements == 2 * elements);
  CHECK(found.wrong == 1);
  CHECK(found.rows_wrong == 1);
  REQUIRE(found.worst);
  CHECK(found.worst->row == 1);
  CHECK(found.worst->element == elements - 1);
}

TEST_CASE("poison is a value that no kernel writes, and is found where it was left") {
  SplitMix random(9);
  const auto memory = make_cpu_memory();
  for (std::size_t i = 0; i < schemas::dtype_names().size(); ++i) {
    const auto dtype = static_cast<Dtype>(i);
    const std::int64_t size = schemas::dtype_bytes(dtype), stride = 512, elements = 20, rows = 3;
    std::vector<std::byte> bytes(static_cast<std::size_t>(stride * rows)), again = bytes;
    const TensorRows view{bytes.data(), dtype, elements, rows, stride};
    const TensorRows second{again.data(), dtype, elements, rows, stride};
    const Poison poison = make_poison(dtype, random), other = other_poison(poison, dtype, random);
    CAPTURE(schemas::dtype_name(dtype));
    apply_poison(view, poison, *memory);
    apply_poison(second, other, *memory);
    CHECK(poison.is_proof == (schemas::is_floating(dtype) || dtype == Dtype::boolean));
    CHECK(find_unwritten(view, poison, {}).count == elements * rows);
    // Written everywhere but at [1][7] (and zero is no poison).
    for (std::byte* start : {bytes.data(), again.data()})
      for (std::int64_t row = 0; row < rows; ++row)
        for (std::int64_t element = 0; element < elements; ++element)
          if (row != 1 || element != 7)
            std::memset(start + row * stride + element * size, 0, static_cast<std::size_t>(size));
    const Unwritten left = poison.is_proof ? find_unwritten(view, poison, {})
                                           : find_unwritten_twice(view, poison, second, other, {});
    CHECK(left.count == 1);
    CHECK(left.rows == 1);
    CHECK(left.row == 1);
    CHECK(left.element == 7);
    if (!poison.is_proof) {
      // Patterns differ in every byte, so no legal value looks unwritten twice.
      for (int shift = 0; shift < 8 * poison.element_bytes; shift += 8)
        CHECK((poison.pattern >> shift & 0xFF) != (other.pattern >> shift & 0xFF));
    }
  }
}

TEST_CASE("an element left unwritten is wrong even where NaN is wanted") {
  SplitMix random(1);
  const auto memory = make_cpu_memory();
  Slots<float> got(Dtype::float32, 5, 1), want(Dtype::float32, 5, 1);
  for (int i = 0; i < 5; ++i) want.set(0, i, std::numeric_limits<float>::quiet_NaN());
  const Poison poison = make_poison(Dtype::float32, random);
  apply_poison(got.view(), poison, *memory);
  got.set(0, 0, std::numeric_limits<float>::quiet_NaN());
  const auto found =
      compare(got.view(), want.view(), tolerance_for(Dtype::float32, {}, {}), poison, {});
  CHECK(found.wrong == 4);
  CHECK(found.unwritten == 4);
}

TEST_CASE("a right element that happens to hold the poison's value is written") {
  Slots<std::int32_t> got(Dtype::int32, 6, 1), want(Dtype::int32, 6, 1);
  const Poison poison{42, 4, false, true};
  for (int i = 0; i < 6; ++i) want.set(0, i, i == 0 ? 42 : 7), got.set(0, i, 42);
  got.set(0, 5, 7);
  const auto found =
      compare(got.view(), want.view(), tolerance_for(Dtype::int32, {}, {}), poison, {});
  CHECK(found.wrong == 4);
  CHECK(found.unwritten == 4);
}
