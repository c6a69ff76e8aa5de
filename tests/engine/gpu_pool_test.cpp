// SPDX-License-Identifier: Apache-2.0
#include "engine/gpu_pool.h"

#include <future>
#include <type_traits>

#include <catch2/catch.hpp>

using namespace assay;
using engine::Cancellation;
using engine::GpuPool;
using schemas::DeviceKind;
using namespace std::chrono_literals;

namespace {

auto soon() {
  return std::chrono::steady_clock::now() + 10s;
}

GpuPool pool_of(std::int64_t gpus) {
  std::vector<engine::DeviceId> devices{{DeviceKind::cpu, 0}};
  for (std::int64_t i = 0; i < gpus; ++i) {
    devices.push_back({DeviceKind::cuda, i});
  }
  return GpuPool(devices);
}

void all_usable(GpuPool& pool, std::int64_t gpus) {
  pool.set_usable({DeviceKind::cpu, 0}, true);
  for (std::int64_t i = 0; i < gpus; ++i) {
    pool.set_usable({DeviceKind::cuda, i}, true);
  }
}

bool ready(std::future<schemas::Result<GpuPool::Lease>>& future) {
  return future.wait_for(0ms) == std::future_status::ready;
}

}  // namespace

static_assert(!std::is_copy_constructible_v<GpuPool::Lease>);
static_assert(!std::is_copy_assignable_v<GpuPool::Lease>);
static_assert(std::is_nothrow_move_constructible_v<GpuPool::Lease>);

TEST_CASE("a lease is exclusive, moves, and goes back by its destructor") {
  GpuPool pool = pool_of(1);
  all_usable(pool, 1);
  Cancellation cancellation;
  {
    auto lease = pool.acquire(DeviceKind::cuda, 1, cancellation, soon());
    REQUIRE(lease);
    CHECK(lease->devices().front() == engine::DeviceId{DeviceKind::cuda, 0});
    GpuPool::Lease moved = std::move(*lease);
    CHECK_FALSE(static_cast<bool>(*lease));
    CHECK(pool.use()[1].leased);
    CHECK_FALSE(pool.use()[0].leased);
  }
  CHECK_FALSE(pool.use()[1].leased);
  CHECK(pool.use()[1].busy_seconds > 0);
}

TEST_CASE("waiters are served in order, and a large wish is not overtaken by small ones") {
  GpuPool pool = pool_of(2);
  all_usable(pool, 2);
  Cancellation none_large, none_small, none_first;
  auto first = pool.acquire(DeviceKind::cuda, 1, none_first, soon());
  REQUIRE(first);
  const auto wait_for = [&](std::int64_t count, Cancellation& cancellation) {
    auto waiting = std::async(std::launch::async, [&pool, &cancellation, count] {
      return pool.acquire(DeviceKind::cuda, count, cancellation, soon());
    });
    std::this_thread::sleep_for(50ms);
    return waiting;
  };
  auto large = wait_for(2, none_large);
  auto small = wait_for(1, none_small);  // one device is free, but the large wish came first
  CHECK_FALSE(ready(large));
  CHECK_FALSE(ready(small));
  first->release();
  auto both = large.get();
  REQUIRE(both);
  CHECK(both->devices().size() == 2);
  CHECK_FALSE(ready(small));
  both->release();
  CHECK(small.get());

  // Another kind is another line.
  Cancellation none_cpu;
  CHECK(pool.acquire(DeviceKind::cpu, 1, none_cpu, soon()));
}

TEST_CASE("a waiter can be cancelled; those behind it go on") {
  GpuPool pool = pool_of(1);
  all_usable(pool, 1);
  Cancellation holder, second, third;
  auto held = pool.acquire(DeviceKind::cuda, 1, holder, soon());
  auto waiting = std::async(std::launch::async,
                            [&] { return pool.acquire(DeviceKind::cuda, 1, second, soon()); });
  std::this_thread::sleep_for(30ms);
  auto behind = std::async(std::launch::async,
                           [&] { return pool.acquire(DeviceKind::cuda, 1, third, soon()); });
  std::this_thread::sleep_for(30ms);
  second.cancel();
  CHECK(waiting.get().error().code == schemas::ErrorCode::cancelled);
  CHECK_FALSE(ready(behind));
  held->release();
  CHECK(behind.get());
}

TEST_CASE("a device that is not usable yet is waited for, until the deadline") {
  GpuPool pool = pool_of(1);
  Cancellation cancellation;
  const auto missed =
      pool.acquire(DeviceKind::cuda, 1, cancellation, std::chrono::steady_clock::now() + 20ms);
  CHECK(missed.error().code == schemas::ErrorCode::no_device);
  auto waiting = std::async(
      std::launch::async, [&] { return pool.acquire(DeviceKind::cuda, 1, cancellation, soon()); });
  std::this_thread::sleep_for(20ms);
  pool.set_usable({DeviceKind::cuda, 0}, true);
  CHECK(waiting.get());
  CHECK(pool.acquire(DeviceKind::cuda, 2, cancellation, soon()).error().code ==
        schemas::ErrorCode::no_device);
}
