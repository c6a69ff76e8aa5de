// SPDX-License-Identifier: Apache-2.0
// Draws and the noise that keeps slots apart.
#include "engine/judge/contents.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include <catch2/catch.hpp>

#include "engine/judge/inputs.h"
#include "engine/judge/torch_runtime.h"

using namespace assay;
using namespace assay::engine::judge;
using schemas::Dtype;
using schemas::InitKind;

namespace {

schemas::ArgSpec tensor(const char* name, Dtype dtype, InitKind kind,
                        std::optional<std::uint64_t> seed = {}) {
  schemas::Init init;
  init.kind = kind;
  init.seed = seed;
  schemas::ArgSpec argument;
  argument.name = name;
  argument.tensor = schemas::TensorSpec{{40}, dtype, init, std::nullopt};
  return argument;
}

struct Maker {
  explicit Maker(schemas::IoContract contract, std::int64_t slots) : slots(slots) {
    (void)start_torch({});
    memory->set_budget(32 << 20);
    source = draw_from_contract(contract, 1 << 20);
    draws = make_draws(*source, *memory, noise, 1 << 20);
    contents = std::make_unique<Contents>(draws, *memory, noise, slots);
  }
  template <typename T>
  std::vector<T> slot(std::int64_t index, std::size_t tensor) const {
    const TensorRows rows =
        contents->layout().rows(contents->staging().data(), tensor, slots).row(index);
    std::vector<T> values(static_cast<std::size_t>(rows.elements));
    std::memcpy(values.data(), rows.data, values.size() * sizeof(T));
    return values;
  }
  std::int64_t slots;
  std::unique_ptr<Memory> memory = make_cpu_memory();
  NoiseMaker noise{TorchDevice{}, 77};
  std::unique_ptr<DrawSource> source;
  Draws draws;
  std::unique_ptr<Contents> contents;
};

}  // namespace

TEST_CASE("a contract's seed gives the first content exactly") {
  Maker maker({{tensor("x", Dtype::float32, InitKind::randn, 42)}, std::nullopt}, 12);
  maker.contents->fill(12);
  std::vector<float> expected(40);
  draw_values(schemas::Init{}, Dtype::float32, {40}, 42,
              std::as_writable_bytes(std::span(expected)));
  CHECK(maker.slot<float>(0, 0) == expected);
  CHECK(maker.draws.draws.size() == 8);
  CHECK(maker.draws.how.find("8 draws") != std::string::npos);
}

TEST_CASE("no content is repeated over many windows") {
  for (const std::int64_t slots : {1, 3, 8, 13}) {
    Maker maker({{tensor("x", Dtype::float32, InitKind::randn),
                  tensor("h", Dtype::bfloat16, InitKind::uniform)},
                 std::nullopt},
                slots);
    std::set<std::vector<float>> seen;
    std::set<std::vector<std::uint16_t>> halves;
    for (int window = 0; window < 10; ++window) {
      maker.contents->fill(slots);
      for (std::int64_t slot = 0; slot < slots; ++slot) {
        REQUIRE(seen.insert(maker.slot<float>(slot, 0)).second);
        REQUIRE(halves.insert(maker.slot<std::uint16_t>(slot, 1)).second);
      }
    }
    CHECK(maker.contents->used() == 10 * slots);
  }
}

TEST_CASE("every draw appears exactly once, then with noise of a thousandth within its range") {
  Maker maker({{tensor("x", Dtype::float32, InitKind::uniform)}, std::nullopt}, 4);
  const auto exact = [&](std::size_t draw) {
    std::vector<float> values(40);
    std::memcpy(values.data(), maker.draws.draws[draw].values->data(), 160);
    return values;
  };
  for (std::size_t window = 0; window < 4; ++window) {
    maker.contents->fill(4);
    for (std::int64_t slot = 0; slot < 4; ++slot) {
      const std::size_t content = window * 4 + static_cast<std::size_t>(slot);
      const std::vector<float> drawn = exact(content % 8), held = maker.slot<float>(slot, 0);
      CAPTURE(content);
      REQUIRE((held == drawn) == (content < 8));
      const auto [low, high] = std::minmax_element(drawn.begin(), drawn.end());
      for (std::size_t i = 0; i < 40; ++i) {
        REQUIRE(std::abs(held[i] - drawn[i]) <= 0.007f * std::abs(drawn[i]));
        REQUIRE(held[i] >= *low);
        REQUIRE(held[i] <= *high);
      }
    }
  }
}

TEST_CASE("constants, integers and whole numbers take no noise") {
  Maker maker(
      {{tensor("o", Dtype::float32, InitKind::ones), tensor("a", Dtype::float32, InitKind::arange),
        tensor("i", Dtype::int32, InitKind::randn), tensor("x", Dtype::float32, InitKind::randn)},
       std::nullopt},
      16);
  maker.contents->fill(16);
  maker.contents->fill(16);
  CHECK(maker.slot<float>(5, 0) == std::vector<float>(40, 1.0f));
  CHECK(maker.slot<float>(5, 1)[39] == 39);
  CHECK(maker.slot<std::int32_t>(1, 2) == maker.slot<std::int32_t>(9, 2));
  CHECK(maker.slot<std::int32_t>(1, 2) != maker.slot<std::int32_t>(2, 2));
  CHECK_FALSE(maker.draws.all_vary);
}

TEST_CASE("a mask of zeros and ones made by get_inputs is left alone") {
  (void)start_torch({});
  NoiseMaker noise({}, 1);
  std::vector<float> mask = {0, 1, 1, 0, 1}, mixed = {0, 1, 0.5f, 2, 3},
                     strange = {1.5f, NAN, INFINITY, 2, 3}, same(5, 0.25f);
  const auto range = [&](std::vector<float>& values) {
    return noise.range_of({reinterpret_cast<std::byte*>(values.data()), Dtype::float32, 5, 1, 512});
  };
  CHECK_FALSE(range(mask).varies);
  CHECK_FALSE(range(same).varies);
  CHECK(range(mixed).varies);
  CHECK(range(mixed).high == 3);
  CHECK(range(strange).varies);
  CHECK_FALSE(range(strange).bounded);
}

TEST_CASE("constants alone are drawn once") {
  Maker maker({{tensor("o", Dtype::float32, InitKind::ones)}, std::nullopt}, 2);
  CHECK(maker.draws.draws.size() == 1);
  CHECK(maker.draws.how.find("constant") != std::string::npos);
}

TEST_CASE("inputs beyond what a job may use are refused before they are drawn") {
  schemas::IoContract contract{{tensor("x", Dtype::float32, InitKind::randn)}, std::nullopt};
  contract.args[0].tensor->shape = {std::int64_t{1} << 38};
  CHECK_THROWS_AS(draw_from_contract(contract, 1 << 20), Failure);
}
