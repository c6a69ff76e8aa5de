// SPDX-License-Identifier: Apache-2.0
#include "engine/judge/window.h"

#include <algorithm>
#include <chrono>
#include <numeric>

#include "engine/judge/failure.h"

namespace assay::engine::judge {
namespace {

constexpr std::chrono::microseconds kSpin{30};
// Between looks at the runner's life, the deadline and the executor.
constexpr std::int64_t kLookEveryUs = 5'000;
constexpr std::chrono::seconds kDeathPatience{10};
constexpr std::int64_t kCopiesMeasured = 64;

std::int64_t nanoseconds_since(sandbox::Clock::time_point begin) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(sandbox::Clock::now() - begin)
      .count();
}

bool overwritten_by_release(const CallPlan& call, std::size_t output) {
  return std::any_of(call.inouts.begin(), call.inouts.end(),
                     [output](const auto& pair) { return pair.second == output; });
}

}  // namespace

WindowRunner::WindowRunner(Memory& memory, JobWatch& watch, std::int64_t cache_bytes,
                           std::uint64_t poison_seed)
    : memory_(memory), watch_(watch), random_(poison_seed) {
  if (cache_bytes > 0)
    flush_ = memory.allocate(static_cast<std::size_t>(2 * cache_bytes), Sharing::judge_only,
                             "the cache flush");
}

std::vector<Poison> WindowRunner::make_poisons(const Side& side,
                                               const std::vector<Poison>* other_than) {
  std::vector<Poison> poisons;
  for (std::size_t i = 0; i < side.call.outputs.tensors().size(); ++i) {
    const schemas::Dtype dtype = side.call.outputs.tensors()[i].dtype;
    Poison poison = other_than != nullptr ? other_poison((*other_than)[i], dtype, random_)
                                          : make_poison(dtype, random_);
    // Holds inputs instead of poison when the call starts.
    if (overwritten_by_release(side.call, i)) poison.present = false;
    poisons.push_back(poison);
  }
  return poisons;
}

WindowResult WindowRunner::run(Side& side, const WindowRequest& request, const Contents& contents,
                               Arena* snapshot, const std::vector<Poison>* poison) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(request.calls));
  std::iota(order.begin(), order.end(), 0);
  WindowResult result;
  result.mode = side.runner.begin_pass(
      {request.kind, request.number, std::move(order), request.mode, request.warmup, request.seed});

  result.poison = poison != nullptr ? *poison : make_poisons(side);
  for (std::size_t i = 0; i < result.poison.size() && request.calls > 0; ++i)
    if (result.poison[i].present)
      apply_poison(side.call.outputs.rows(side.buffers.outputs->data(), i, request.calls),
                   result.poison[i], memory_);
  memory_.synchronize();

  result.elapsed_ns = release_and_wait(side, request, contents);
  const bool failed = side.buffers.page->words().status.load(std::memory_order_acquire) != 0;
  if (failed) side.runner.fail_pass();
  if (request.kill_at_done)
    result.killed = side.runner.kill() && side.runner.wait_dead(std::min<sandbox::Clock::duration>(
                                              kDeathPatience, watch_.left()));
  if (snapshot != nullptr && request.calls > 0) take_outputs(side, request.calls, *snapshot);
  if (!request.kill_at_done)
    result.told =
        side.runner.finish_pass(static_cast<std::size_t>(request.calls), result.elapsed_ns);
  return result;
}

std::int64_t WindowRunner::release_and_wait(Side& side, const WindowRequest& request,
                                            const Contents& contents) {
  ControlPage& page = side.buffers.page->words();
  page.done.store(0, std::memory_order_relaxed);
  page.status.store(0, std::memory_order_relaxed);

  const auto begin = sandbox::Clock::now();
  release_inputs(side, contents.layout(), contents.staging(),
                 request.released > 0 ? request.released : request.calls, memory_);
  if (request.flush_cache && flush_)
    memory_.fill_rows(flush_->data(), 4, 0, 4, flush_->bytes() / 4, 1);
  memory_.synchronize();
  for (std::int64_t slot = 0; slot < request.calls; ++slot)
    page.slot_release[slot].store(request.number, std::memory_order_relaxed);
  page.release.store(request.number, std::memory_order_release);
  control_wake(page.release);
  wait_done(side, request.number);
  return nanoseconds_since(begin);
}

void WindowRunner::wait_done(Side& side, std::uint32_t number) {
  ControlPage& page = side.buffers.page->words();
  const auto spin_end = sandbox::after(kSpin);
  const JobWatch::Attending runner(watch_);
  try {
    while (true) {
      const std::uint32_t done = page.done.load(std::memory_order_acquire);
      if (done == number) return;
      if (done != 0)
        throw Failure(Cause::bad_reply, side.role, "pass",
                      "it said that window " + std::to_string(done) + " is done; window " +
                          std::to_string(number) + " was released");
      if (sandbox::Clock::now() < spin_end) continue;
      control_wait(page.done, done, kLookEveryUs);
      if (page.done.load(std::memory_order_acquire) == number) return;
      watch_.check(side.role, "pass");
      if (side.runner.dead())
        throw Failure(Cause::runner_gone, side.role, "pass", "its process ended");
    }
  } catch (const Failure&) {
    page.abort.store(1, std::memory_order_release);
    control_wake(page.release);
    throw;
  }
}

void WindowRunner::take_outputs(Side& side, std::int64_t calls, Arena& snapshot) {
  // The last slot first: work that is still under way would show there.
  const std::int64_t slot_bytes = side.call.outputs.slot_bytes();
  const std::int64_t last = (calls - 1) * slot_bytes;
  const std::byte* from = side.buffers.outputs->data();
  memory_.copy(snapshot.data() + last, from + last, static_cast<std::size_t>(slot_bytes));
  memory_.copy(snapshot.data(), from, static_cast<std::size_t>(last));
  memory_.synchronize();
}

std::int64_t measure_copy_ns(const Side& side, std::int64_t slots, Arena& scratch, Memory& memory) {
  const std::int64_t count = std::min(slots, kCopiesMeasured);
  const std::int64_t slot_bytes = side.call.outputs.slot_bytes();
  std::int64_t best = 0;
  for (int round = 0; round < 3; ++round) {
    memory.synchronize();
    const auto begin = sandbox::Clock::now();
    for (std::int64_t slot = 0; slot < count; ++slot)
      for (const TensorPlace& place : side.call.outputs.tensors()) {
        const std::int64_t at = slot * slot_bytes + place.offset;
        memory.copy(scratch.data() + at, side.buffers.outputs->data() + at,
                    static_cast<std::size_t>(place.bytes));
      }
    memory.synchronize();
    const std::int64_t elapsed = nanoseconds_since(begin) / count;
    best = round == 0 ? elapsed : std::min(best, elapsed);
  }
  return best;
}

}  // namespace assay::engine::judge
