// SPDX-License-Identifier: Apache-2.0
// One window at a time: what the judge poisons, releases and takes, and that a window that ends
// with a kill is final.
#include "engine/judge/window.h"

#include <chrono>
#include <cmath>
#include <cstring>
#include <thread>

#include <catch2/catch.hpp>

#include "engine/judge/torch_runtime.h"
#include "tests/engine/judge/fake_runner.h"

using namespace assay;
using namespace assay::engine::judge;
using namespace assay::tests;

namespace {

constexpr std::int64_t kCount = 64;

schemas::Kernel add_kernel() {
  schemas::Kernel kernel;
  kernel.type = schemas::KernelType::multi_kernel;
  schemas::IoContract contract;
  for (const char* name : {"a", "b", "out"}) {
    schemas::ArgSpec argument;
    argument.name = name;
    argument.role = name == std::string("out") ? schemas::ArgRole::output : schemas::ArgRole::input;
    argument.tensor =
        schemas::TensorSpec{{kCount}, schemas::Dtype::float32, schemas::Init{}, std::nullopt};
    contract.args.push_back(argument);
  }
  kernel.io = contract;
  return kernel;
}

// Everything a window needs, on the CPU.
struct Bench {
  explicit Bench(const FakeScript& script)
      : process(start_fake_runner(script)),
        pid(process.pid),
        channels(sandbox::Channel::pair().value()),
        watch(channels.first, "job", sandbox::after(std::chrono::seconds(20))),
        runner(schemas::RunnerRole::candidate, Tier::host, std::move(process.judge_end),
               std::move(process.pidfd), watch),
        side(schemas::RunnerRole::candidate, kernel, runner) {
    (void)start_torch({});
    memory->set_budget(64 << 20);
    noise = std::make_unique<NoiseMaker>(TorchDevice{}, 1);
    draws = Drawing(draw_from_contract(*kernel.io, 1 << 20), *memory, *noise, {1 << 20}).finish();
    probe_side(side, draws.inputs, *draws.draws[0].values, *memory);
    bind_side(side, draws.inputs, *memory, slots);
    contents = std::make_unique<Contents>(draws, *memory, *noise, slots);
    windows = std::make_unique<WindowRunner>(*memory, watch, 0, 7);
    snapshot = memory->allocate(static_cast<std::size_t>(side.call.outputs.slot_bytes() * slots),
                                Sharing::judge_only, "snapshot");
    contents->fill(slots);
  }
  ~Bench() {
    runner.kill();
    reap(pid);
  }
  const float* taken(std::int64_t slot) const {
    return reinterpret_cast<const float*>(snapshot->data() + slot * side.call.outputs.slot_bytes());
  }
  const float* live(std::int64_t slot) const {
    return reinterpret_cast<const float*>(side.buffers.outputs->data() +
                                          slot * side.call.outputs.slot_bytes());
  }
  const float* input(std::int64_t slot, std::size_t tensor) const {
    return reinterpret_cast<const float*>(
        contents->layout().rows(contents->staging().data(), tensor, slots).row(slot).data);
  }

  std::int64_t slots = 6;
  schemas::Kernel kernel = add_kernel();
  FakeRunner process;
  pid_t pid;
  std::pair<sandbox::Channel, sandbox::Channel> channels;
  JobWatch watch;
  RunnerClient runner;
  Side side;
  std::unique_ptr<Memory> memory = make_cpu_memory();
  std::unique_ptr<NoiseMaker> noise;
  Draws draws;
  std::unique_ptr<Contents> contents;
  std::unique_ptr<WindowRunner> windows;
  ArenaPointer snapshot;
};

WindowRequest request(std::uint32_t number, std::int64_t calls) {
  WindowRequest request;
  request.kind = "time";
  request.number = number;
  request.calls = calls;
  return request;
}

}  // namespace

TEST_CASE("a window computes every slot on its own inputs") {
  Bench bench{FakeScript{}};
  const auto result =
      bench.windows->run(bench.side, request(1, 6), *bench.contents, bench.snapshot.get());
  for (std::int64_t slot = 0; slot < 6; ++slot)
    for (std::int64_t i = 0; i < kCount; ++i)
      REQUIRE(bench.taken(slot)[i] == bench.input(slot, 0)[i] + bench.input(slot, 1)[i]);
  CHECK(bench.input(0, 0)[0] != bench.input(1, 0)[0]);
  CHECK(result.elapsed_ns > 0);
  REQUIRE(result.told);
  CHECK(result.told->calls_ns.size() == 6);
  CHECK_FALSE(result.killed);
}

TEST_CASE("inputs are not released before the runner is ready, and outputs hold poison") {
  FakeScript script;
  script.compute = [](const FakeCall&) {};  // writes nothing
  Bench bench{script};
  const auto result =
      bench.windows->run(bench.side, request(1, 6), *bench.contents, bench.snapshot.get());
  for (std::int64_t i = 0; i < kCount; ++i) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, bench.taken(3) + i, 4);
    REQUIRE(bits == result.poison[0].pattern);
    REQUIRE(std::isnan(bench.taken(3)[i]));
  }
}

TEST_CASE("an empty window takes time, calls nothing and is answered") {
  Bench bench{FakeScript{}};
  WindowRequest empty = request(1, 0);
  empty.released = 6;
  const auto result = bench.windows->run(bench.side, empty, *bench.contents, nullptr);
  CHECK(result.elapsed_ns > 0);
  REQUIRE(result.told);
  CHECK(result.told->calls_ns.empty());
  CHECK(std::memcmp(bench.side.buffers.inputs->data(), bench.contents->staging().data(), 256) == 0);
}

TEST_CASE("a window that ends with a kill is final: what was under way never appears") {
  FakeScript script;
  script.compute = [](const FakeCall& call) {
    if (call.window != 0 && call.slot == 5) return;  // the last slot is left for later
    auto* out = reinterpret_cast<float*>(call.outputs[0]);
    for (std::int64_t i = 0; i < call.elements; ++i) out[i] = 1;
  };
  script.after_done = [](const std::vector<FakeCall>& calls, bool) {
    std::this_thread::sleep_for(std::chrono::milliseconds(40));
    auto* out = reinterpret_cast<float*>(calls.back().outputs[0]);
    for (std::int64_t i = 0; i < calls.back().elements; ++i) out[i] = 1;
  };
  Bench bench{script};
  WindowRequest last = request(1, 6);
  last.kill_at_done = true;
  const auto result = bench.windows->run(bench.side, last, *bench.contents, bench.snapshot.get());
  CHECK(result.killed);
  CHECK_FALSE(result.told);
  CHECK(bench.runner.dead());
  CHECK(bench.taken(4)[0] == 1);
  CHECK(std::isnan(bench.taken(5)[0]));
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  CHECK(std::isnan(bench.live(5)[0]));
}

TEST_CASE("a window given up tells the runner") {
  FakeScript script;
  script.before_calls = [](engine::ControlPage& page, std::uint32_t, bool) {
    page.done.store(99);
    std::this_thread::sleep_for(std::chrono::seconds(30));
  };
  Bench bench{script};
  CHECK_THROWS_AS(
      bench.windows->run(bench.side, request(1, 6), *bench.contents, bench.snapshot.get()),
      Failure);
  CHECK(bench.side.buffers.page->words().abort.load() == 1);
}
