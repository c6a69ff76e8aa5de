// SPDX-License-Identifier: Apache-2.0
#include "engine/budget.h"

#include <catch2/catch.hpp>

namespace {

using assay::engine::Budget;
using namespace std::chrono_literals;

TEST_CASE("what is kept of a budget is never more than was left") {
  Budget budget(100s);
  budget.keep(1000s);
  CHECK(budget.left() > 90s);
  CHECK(budget.left() <= 100s);
  budget.keep(10s);
  CHECK(budget.left() > 9s);
  CHECK(budget.left() <= 10s);
  CHECK_FALSE(budget.spent());
  budget.keep(0s);
  CHECK(budget.spent());
}

}  // namespace
