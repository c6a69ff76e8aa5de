// SPDX-License-Identifier: Apache-2.0
// Draws and the noise that keeps slots apart.
#include "engine/judge/contents.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <set>
#include <thread>

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

struct Pauses {
  std::chrono::milliseconds first{}, later{};
};

// As get_inputs() makes them: nobody knows how. Draws take their pauses.
class Unexplained : public DrawSource {
 public:
  Unexplained(std::unique_ptr<DrawSource> source, Pauses pauses)
      : source_(std::move(source)), pauses_(pauses) {}
  bool begin(std::span<const std::uint64_t>) override { return false; }
  InputSet next(std::uint64_t seed) override {
    std::this_thread::sleep_for(drawn_++ == 0 ? pauses_.first : pauses_.later);
    return source_->next(seed);
  }
  void read(std::size_t tensor, std::span<std::byte> into) override { source_->read(tensor, into); }
  bool may_vary(std::size_t tensor) const override { return source_->may_vary(tensor); }
  std::optional<schemas::Init> recipe(std::size_t) const override { return std::nullopt; }
  bool random() const override { return source_->random(); }
  std::string origin() const override { return "made somehow"; }

 private:
  std::unique_ptr<DrawSource> source_;
  Pauses pauses_;
  int drawn_ = 0;
};

struct Maker {
  explicit Maker(const schemas::IoContract& contract, std::int64_t slots, bool explained = true,
                 Pauses pauses = {}, DrawLimits limits = {1 << 20})
      : slots(slots) {
    (void)start_torch({});
    memory->set_budget(32 << 20);
    std::unique_ptr<DrawSource> source = draw_from_contract(contract, 1 << 20);
    if (!explained) source = std::make_unique<Unexplained>(std::move(source), pauses);
    draws = Drawing(std::move(source), *memory, noise, limits).finish();
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
  CHECK(maker.draws.draws.size() == 2);
  CHECK(maker.draws.how.find("2 draws") != std::string::npos);
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

TEST_CASE("a contract's random tensors are drawn anew for every call") {
  Maker maker(
      {{tensor("x", Dtype::float32, InitKind::uniform), tensor("i", Dtype::int64, InitKind::randn),
        tensor("b", Dtype::boolean, InitKind::randn)},
       std::nullopt},
      8);
  maker.contents->fill(8);
  std::set<std::vector<float>> seen;
  std::set<std::vector<std::int64_t>> whole;
  for (int window = 0; window < 3; ++window) {
    maker.contents->fill(8);
    for (std::int64_t slot = 0; slot < 8; ++slot) {
      const auto values = maker.slot<float>(slot, 0);
      for (const Draw& draw : maker.draws.draws) {
        std::vector<float> drawn(40);
        std::memcpy(drawn.data(), draw.values->data(), 160);
        double distance = 0;
        for (std::size_t i = 0; i < 40; ++i) distance += std::abs(values[i] - drawn[i]);
        REQUIRE(distance > 4);  // 40 * 1/3 is expected
      }
      CHECK(*std::min_element(values.begin(), values.end()) >= 0);
      CHECK(*std::max_element(values.begin(), values.end()) < 1);
      REQUIRE(seen.insert(values).second);
      REQUIRE(whole.insert(maker.slot<std::int64_t>(slot, 1)).second);
      for (const std::uint8_t flag : maker.slot<std::uint8_t>(slot, 2)) REQUIRE(flag <= 1);
    }
  }
  CHECK(maker.draws.how.find("values of their own") != std::string::npos);
  CHECK(maker.draws.all_vary);
}

TEST_CASE("a draw of get_inputs appears exactly once, then scaled and with noise in its range") {
  Maker maker({{tensor("x", Dtype::float32, InitKind::uniform)}, std::nullopt}, 4, false);
  REQUIRE(maker.draws.draws.size() == 8);
  const auto exact = [&](std::size_t draw) {
    std::vector<float> values(40);
    std::memcpy(values.data(), maker.draws.draws[draw].values->data(), 160);
    return values;
  };
  std::set<int> factors;
  for (std::size_t window = 0; window < 4; ++window) {
    maker.contents->fill(4);
    for (std::int64_t slot = 0; slot < 4; ++slot) {
      const std::size_t content = window * 4 + static_cast<std::size_t>(slot);
      const std::vector<float> drawn = exact(content % 8), held = maker.slot<float>(slot, 0);
      CAPTURE(content);
      REQUIRE((held == drawn) == (content < 8));
      const auto [low, high] = std::minmax_element(drawn.begin(), drawn.end());
      double most = 0, least = 2;
      for (std::size_t i = 0; i < 40; ++i) {
        const double factor = (held[i] - *low) / std::max(drawn[i] - *low, 1e-9f);
        REQUIRE(held[i] >= *low);
        REQUIRE(held[i] <= *high);
        if (drawn[i] < *low + 0.1f) continue;
        most = std::max(most, factor);
        least = std::min(least, factor);
      }
      REQUIRE(least > 0.79);
      REQUIRE(most < 1.007);
      REQUIRE(most - least < 0.014);  // the noise alone
      if (content >= 8) factors.insert(static_cast<int>(most * 200));
    }
  }
  CHECK(factors.size() >= 4);
}

TEST_CASE("noise is beyond the tolerance") {
  CHECK(NoiseMaker({}, 1).scale(Dtype::float32) == Approx(1e-3));
  CHECK(NoiseMaker({}, 1).scale(Dtype::float16) == Approx(3e-2));
  CHECK(NoiseMaker({}, 1, 1e-2).scale(Dtype::float32) == Approx(3e-2));
  CHECK(NoiseMaker({}, 1, 0.5).scale(Dtype::float32) == Approx(0.1));
}

TEST_CASE("slow draws are still several, unless the job has no time for them") {
  const schemas::IoContract contract{{tensor("x", Dtype::float32, InitKind::randn)}, std::nullopt};
  using namespace std::chrono_literals;
  const Maker slow(contract, 2, false, {50ms, 50ms});
  CHECK(slow.draws.draws.size() == 4);
  CHECK(slow.draws.warnings.empty());
  const Maker hurried(contract, 2, false, {50ms, 50ms}, {1 << 20, 200ms});
  CHECK(hurried.draws.draws.size() == 1);
  REQUIRE(hurried.draws.warnings.size() == 1);
  CHECK(hurried.draws.warnings[0].find("only 1 independent draws") != std::string::npos);
}

TEST_CASE("what later draws take counts, not what the first one promised") {
  const schemas::IoContract contract{{tensor("x", Dtype::float32, InitKind::randn)}, std::nullopt};
  using namespace std::chrono_literals;
  const Maker slower(contract, 2, false, {0ms, 300ms}, {1 << 20, 800ms});
  CHECK(slower.draws.draws.size() == 2);
  CHECK(slower.draws.warnings.size() == 1);
  const Maker quicker(contract, 2, false, {16ms, 0ms});
  CHECK(quicker.draws.draws.size() == kMaxDraws);
}

TEST_CASE(
    "further draws are begun when the first is there, and taken with the seeds they were begun "
    "with") {
  struct Recorded {
    std::vector<std::uint64_t> begun, taken;
  };
  class Recorder final : public Unexplained {
   public:
    Recorder(std::unique_ptr<DrawSource> source, Recorded& recorded)
        : Unexplained(std::move(source), {}), recorded_(recorded) {}
    bool begin(std::span<const std::uint64_t> seeds) override {
      recorded_.begun.assign(seeds.begin(), seeds.end());
      return true;
    }
    InputSet next(std::uint64_t seed) override {
      recorded_.taken.push_back(seed);
      return Unexplained::next(seed);
    }

   private:
    Recorded& recorded_;
  };
  (void)start_torch({});
  const auto memory = make_cpu_memory();
  memory->set_budget(32 << 20);
  const NoiseMaker noise(TorchDevice{}, 1);
  schemas::IoContract contract;
  contract.args = {tensor("x", Dtype::float32, InitKind::randn)};
  Recorded recorded;
  Drawing drawing(std::make_unique<Recorder>(draw_from_contract(contract, 1 << 20), recorded),
                  *memory, noise, {1 << 20});
  REQUIRE(recorded.taken.size() == 1);
  CHECK(drawing.first().draws.size() == 1);
  const std::vector<std::uint64_t> begun = recorded.begun;
  REQUIRE(begun.size() + 1 >= static_cast<std::size_t>(kMinDraws));
  const Draws draws = drawing.finish();
  CHECK(std::vector(recorded.taken.begin() + 1, recorded.taken.end()) == begun);
  REQUIRE(draws.draws.size() == begun.size() + 1);
  for (std::size_t i = 0; i < begun.size(); ++i) CHECK(draws.draws[i + 1].seed == begun[i]);
}

TEST_CASE("constants repeat, and so do integers of which nobody knows how they are drawn") {
  const schemas::IoContract contract{
      {tensor("o", Dtype::float32, InitKind::ones), tensor("a", Dtype::float32, InitKind::arange),
       tensor("i", Dtype::int32, InitKind::randn), tensor("x", Dtype::float32, InitKind::randn)},
      std::nullopt};
  Maker maker(contract, 16, false);
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
  REQUIRE(maker.draws.warnings.size() == 1);
  CHECK(maker.draws.warnings[0].find("inputs repeat") == 0);
}

TEST_CASE("integers alone are said to repeat, and no noise is claimed") {
  Maker maker({{tensor("i", Dtype::int32, InitKind::randn)}, std::nullopt}, 16, false);
  CHECK(maker.draws.how.find("noise") == std::string::npos);
  CHECK(maker.draws.how.find("again") != std::string::npos);
  REQUIRE_FALSE(maker.draws.warnings.empty());
  CHECK(maker.draws.warnings.back().find("inputs repeat") == 0);
  Maker floats({{tensor("x", Dtype::float32, InitKind::randn)}, std::nullopt}, 16, false);
  CHECK(floats.draws.how.find("noise") != std::string::npos);
  CHECK(floats.draws.warnings.empty());
}

TEST_CASE("inputs beyond what a job may use are refused before they are drawn") {
  schemas::IoContract contract{{tensor("x", Dtype::float32, InitKind::randn)}, std::nullopt};
  contract.args[0].tensor->shape = {std::int64_t{1} << 38};
  CHECK_THROWS_AS(draw_from_contract(contract, 1 << 20), Failure);
}
