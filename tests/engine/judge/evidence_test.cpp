// SPDX-License-Identifier: Apache-2.0
// What is said of wrong outputs.
#include "engine/judge/evidence.h"

#include <algorithm>

#include <catch2/catch.hpp>

#include "engine/judge/torch_runtime.h"

using namespace assay;
using namespace assay::engine::judge;
using schemas::Dtype;

namespace {

constexpr std::int64_t kElements = 100;
constexpr int kPattern = 42, kWanted = 1, kOther = 2;

// Of an int8 output of which `held` wrong elements hold what lay there before the call.
std::string fault_of(std::int64_t held) {
  (void)start_torch({});
  const auto memory = make_cpu_memory();
  memory->set_budget(1 << 20);
  CallPlan plan;
  plan.outputs.add("out", Dtype::int8, {kElements});
  const auto filled = [&](int value, std::int64_t first) {
    auto arena = memory->allocate(512, Sharing::judge_only, "test");
    std::fill_n(arena->data(), kElements, static_cast<std::byte>(value));
    std::fill_n(arena->data(), first, static_cast<std::byte>(kPattern));
    return arena;
  };
  const auto got = filled(kOther, held), want = filled(kWanted, 0);
  const std::vector<Poison> poison = {{kPattern, 1, false, true}};
  Evidence evidence({}, {}, {});
  CHECK_FALSE(
      evidence.compare_window({&plan, got.get(), &poison}, {&plan, want.get(), &poison}, 1, 1));
  return evidence.fault();
}

}  // namespace

TEST_CASE("what holds an ambiguous poison is not said to be unwritten for sure") {
  CHECK(fault_of(60).find("60 of them hold what lay there before the call, so probably") !=
        std::string::npos);
  CHECK(fault_of(3).find("of them") == std::string::npos);  // no more than chance gives
}

TEST_CASE("an element of a tensor without dimensions has no index") {
  schemas::WorstElement worst;
  worst.output_name = "output[0]";
  CHECK(worst_text(worst).starts_with("output[0]: got 0"));
  worst.index = {2, 3};
  CHECK(worst_text(worst).starts_with("output[0][2, 3]: got 0"));
}
