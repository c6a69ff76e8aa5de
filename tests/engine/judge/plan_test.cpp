// SPDX-License-Identifier: Apache-2.0
// Properties of measurement plans over many sizes and times.
#include "engine/judge/plan.h"

#include <algorithm>

#include <catch2/catch.hpp>

#include "engine/judge/failure.h"
#include "engine/judge/random.h"

using namespace assay::engine::judge;

namespace {

PlanQuestion question_of(SplitMix& random) {
  const auto logarithmic = [&](std::uint64_t bits) {
    return static_cast<std::int64_t>(1 + random.below(std::uint64_t{1} << random.below(bits)));
  };
  PlanQuestion question;
  question.candidate_call_ns = logarithmic(34);
  question.reference_call_ns = random.below(4) == 0 ? 0 : logarithmic(34);
  question.memory_per_slot = logarithmic(34);
  question.memory_left = question.memory_per_slot * logarithmic(14);
  question.traffic_per_slot = std::max<std::int64_t>(question.memory_per_slot / 4, 1);
  question.cache_bytes = random.below(2) == 0 ? 0 : std::int64_t{50} << 20;
  question.num_trials = static_cast<std::int64_t>(1 + random.below(10'000));
  question.time_left_ns = 1'000'000'000LL * static_cast<std::int64_t>(1 + random.below(600));
  question.draws = static_cast<std::int64_t>(1 + random.below(8));
  return question;
}

}  // namespace

TEST_CASE("whatever is asked, a plan keeps its bounds") {
  SplitMix random(11);
  for (int i = 0; i < 20'000; ++i) {
    const PlanQuestion question = question_of(random);
    const MeasurementPlan plan = plan_measurement(question);
    CAPTURE(question.candidate_call_ns, question.reference_call_ns, question.memory_per_slot,
            question.memory_left, question.num_trials, question.time_left_ns);
    REQUIRE(plan.slots >= 1);
    REQUIRE(plan.slots <= kMaxSlotsUsed);
    REQUIRE(plan.slots * question.memory_per_slot <= question.memory_left);
    REQUIRE(plan.check_slots >= 1);
    REQUIRE(plan.check_slots <= plan.slots);
    REQUIRE(plan.final_calls >= 1);
    for (const std::int64_t calls : plan.window_calls) {
      REQUIRE(calls >= 1);
      REQUIRE(calls <= plan.slots);
    }
    if (plan.shortfall.empty()) {
      REQUIRE(plan.counted_calls() >= question.num_trials);
      if (plan.rehearse) REQUIRE(plan.window_calls.size() + 1 >= 3);
    } else {
      REQUIRE(plan.counted_calls() < question.num_trials);
    }
    // What is planned fits the time left, unless not even one window does.
    const double call = static_cast<double>(question.candidate_call_ns) +
                        2.0 * static_cast<double>(question.reference_call_ns);
    const double planned = call * static_cast<double>(plan.counted_calls() +
                                                      plan.final_calls * (plan.rehearse ? 2 : 1));
    if (!plan.window_calls.empty() || plan.final_calls > 1)
      REQUIRE(planned <= static_cast<double>(question.time_left_ns));
  }
}

TEST_CASE("exactly the trials asked for, where windows are long enough with them") {
  PlanQuestion question;
  question.candidate_call_ns = question.reference_call_ns = 1'000'000;
  question.memory_per_slot = 1 << 20;
  question.memory_left = std::int64_t{1} << 30;
  question.num_trials = 100;
  question.time_left_ns = 60'000'000'000;
  const auto plan = plan_measurement(question);
  CHECK(plan.counted_calls() == 100);
  CHECK(plan.window_calls == std::vector<std::int64_t>(5, 20));
  CHECK(plan.final_calls == 20);
  CHECK(plan.rehearse);
}

TEST_CASE("small kernels get many slots, slow ones few") {
  PlanQuestion question;
  question.memory_per_slot = 1 << 12;
  question.memory_left = std::int64_t{1} << 30;
  question.num_trials = 100;
  question.time_left_ns = 60'000'000'000;
  question.candidate_call_ns = 5'000;
  CHECK(plan_measurement(question).slots == kMaxSlotsUsed);
  question.candidate_call_ns = 100'000;
  CHECK(plan_measurement(question).slots == 200);
  question.candidate_call_ns = 300'000'000;
  CHECK(plan_measurement(question).final_calls == 1);
}

TEST_CASE("more than twice the cache, where memory and time allow") {
  PlanQuestion question;
  question.candidate_call_ns = 200'000;
  question.memory_per_slot = 1 << 20;
  question.traffic_per_slot = 1 << 19;
  question.memory_left = std::int64_t{8} << 30;
  question.cache_bytes = std::int64_t{60} << 20;
  question.time_left_ns = 60'000'000'000;
  const auto plan = plan_measurement(question);
  CHECK(plan.final_calls * question.traffic_per_slot >= 2 * question.cache_bytes);
  question.memory_left = std::int64_t{32} << 20;
  CHECK_FALSE(plan_measurement(question).beyond_cache);
}

TEST_CASE("no slot fits: a failure that names the sizes") {
  PlanQuestion question;
  question.memory_per_slot = std::int64_t{3} << 30;
  question.memory_left = std::int64_t{1} << 30;
  try {
    plan_measurement(question);
    FAIL("no failure");
  } catch (const Failure& failure) {
    CHECK(failure.cause == Cause::memory);
    CHECK(failure.message.find("3.0 GiB") != std::string::npos);
    CHECK(failure.message.find("1.0 GiB") != std::string::npos);
  }
}

TEST_CASE("validation plans a check pass and nothing else") {
  PlanQuestion question;
  question.timed = false;
  question.memory_left = 1 << 20;
  question.memory_per_slot = 1 << 10;
  const auto plan = plan_measurement(question);
  CHECK(plan.final_calls == 0);
  CHECK(plan.window_calls.empty());
  CHECK(plan.check_slots >= 2);
}
