// SPDX-License-Identifier: Apache-2.0
#include "mcp/worker_pool.h"

#include <atomic>
#include <future>
#include <memory>

#include <catch2/catch.hpp>

namespace {

using assay::mcp::WorkerPool;

TEST_CASE("all work is done before stop returns") {
  std::atomic<int> done = 0;
  WorkerPool pool(4, 1'000);
  for (int i = 0; i < 500; ++i) REQUIRE(pool.submit([&] { ++done; }));
  pool.stop();
  CHECK(done == 500);
  CHECK_FALSE(pool.submit([] {}));
}

TEST_CASE("what work holds is released before stop returns") {
  for (int i = 0; i < 300; ++i) {
    auto held = std::make_shared<int>(i);
    const std::weak_ptr<int> seen = held;
    WorkerPool pool(2, 2);
    const bool taken = pool.submit([held = std::move(held)] { (void)*held; });
    REQUIRE(taken);
    pool.stop();
    REQUIRE(seen.expired());
  }
}

TEST_CASE("work beyond the bounds is not taken") {
  WorkerPool pool(2, 1);
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future();
  const auto block = [released] { released.wait(); };
  CHECK(pool.submit(block));
  CHECK(pool.submit(block));
  CHECK(pool.submit(block));  // waits
  CHECK_FALSE(pool.submit(block));
  release.set_value();
}

TEST_CASE("pieces of work that wait for each other all have a thread") {
  WorkerPool pool(3, 0);
  std::promise<void> first, second;
  REQUIRE(pool.submit([&] { first.get_future().wait(); }));
  REQUIRE(pool.submit([&] { second.get_future().wait(), first.set_value(); }));
  REQUIRE(pool.submit([&] { second.set_value(); }));
  pool.stop();
}

}  // namespace
