// SPDX-License-Identifier: Apache-2.0
// The whole chain on the CPU: zygote, judge, runners, compilers, keepers.
#include "tests/engine/local_executor_fixture.h"

using namespace assay;
using namespace assay::tests;

TEST_CASE("a right kernel is correct, with evidence") {
  const Evaluation evaluation = candidate("return x.clamp(min=0) + 1");
  check_verdict(evaluation, VerdictCode::correct, "");
  CHECK(evaluation.compiled == true);
  CHECK(evaluation.correctness == true);
  CHECK(evaluation.tier == "cpu");
  REQUIRE(evaluation.device);
  CHECK(evaluation.device->kind == schemas::DeviceKind::cpu);
  CHECK(evaluation.timing.candidate);
  CHECK(evaluation.timing.reference);
  CHECK(evaluation.timing.speedup);
  CHECK(evaluation.checks.calls_checked > 0);
  CHECK(evaluation.process_ends.empty());
  std::set<std::string> layers;
  for (const auto& layer : evaluation.isolation.layers) {
    layers.insert(layer.name);
    INFO(layer.name << ": " << layer.reason);
    CHECK((layer.applied || !layer.reason.empty()));
  }
  CHECK(layers.size() >= 5);
}

TEST_CASE("only what is compiled has a compiling stage") {
  std::vector<std::string> stages;
  REQUIRE(run(comparison(kRelu, kRelu), &stages));
  CHECK(stages == std::vector<std::string>{"queued", "validating", "profiling"});
  schemas::WorkRequest work;
  work.candidate = tests::cuda_kernel("__global__ void k(const float* x, float* y) {}");
  stages.clear();
  REQUIRE(run(work, &stages));
  CHECK(stages == std::vector<std::string>{"compiling"});
}

TEST_CASE("a subtly wrong kernel is incorrect, with the worst element") {
  const Evaluation evaluation =
      candidate("y = torch.relu(x) + 1\n        y[3, 5] += 0.5\n        return y");
  check_verdict(evaluation, VerdictCode::incorrect, "");
  CHECK(evaluation.correctness == false);
  REQUIRE(evaluation.checks.worst);
  CHECK(evaluation.checks.worst->index == std::vector<std::int64_t>{3, 5});
}

TEST_CASE("without a reference a kernel runs unchecked; validate says so") {
  schemas::WorkRequest work;
  work.candidate = tests::torch_kernel(kRelu);
  work.num_trials = 5;
  check_verdict(evaluate(work), VerdictCode::ran_unchecked, "");
  work.kind = schemas::JobKind::validate;
  const Evaluation validated = evaluate(work);
  CHECK(validated.validated == true);
}

TEST_CASE("sources that do not load") {
  check_verdict(candidate("return x", "def broken(:\n"), VerdictCode::compilation_failed,
                "SyntaxError");
  check_verdict(candidate("return x", "import no_such_module"), VerdictCode::compilation_failed,
                "no_such_module");
  check_verdict(candidate("raise ValueError('not today')"), VerdictCode::runtime_failed,
                "not today");
  check_next_job();
}

TEST_CASE("outputs that do not fit") {
  check_verdict(candidate("return torch.relu(x)[:5] + 1"), VerdictCode::output_mismatch, "[5, 32]");
  check_verdict(candidate("return (torch.relu(x) + 1).double()"), VerdictCode::output_mismatch,
                "float64");
  check_verdict(candidate("return torch.full_like(x, float('nan'))"), VerdictCode::incorrect,
                "NaN");
  check_next_job();
}

TEST_CASE("cancelling kills what runs and frees the device") {
  Cancellation cancellation;
  auto running = std::async(std::launch::async, [&] {
    auto work = comparison(kRelu, model("time.sleep(60); return x"));
    return executor().run(
        tests::job(work),
        [](const schemas::JobEvent& event) {
          trace(schemas::stage_name(event.stage) + ": " + event.message);
        },
        cancellation);
  });
  std::this_thread::sleep_for(1500ms);
  const auto begin = std::chrono::steady_clock::now();
  trace("cancelling");
  cancellation.cancel();
  const auto result = running.get();
  trace("cancelled");
  REQUIRE_FALSE(result);
  CHECK(result.error().code == schemas::ErrorCode::cancelled);
  CHECK(std::chrono::steady_clock::now() - begin < 3s);
  check_next_job();
}

TEST_CASE("jobs at once take turns on the one device") {
  std::vector<std::future<Evaluation>> running;
  running.reserve(3);
  for (int i = 0; i < 3; ++i) {
    running.push_back(
        std::async(std::launch::async, [] { return candidate("return torch.relu(x) + 1"); }));
  }
  for (auto& one : running) {
    check_verdict(one.get(), VerdictCode::correct, "");
  }
}

TEST_CASE("a cuda kernel compiles without a GPU, from the cache the second time") {
  const std::string source =
      "__global__ void add_one(const float* x, float* y) {\n"
      "  int i = blockIdx.x * blockDim.x + threadIdx.x; y[i] = x[i] + 1; }\n";
  for (const bool again : {false, true}) {
    schemas::WorkRequest work;
    work.candidate = tests::cuda_kernel(source);
    const Evaluation evaluation = evaluate(work);
    check_verdict(evaluation, VerdictCode::compiled_only, "no GPU here");
    CHECK(evaluation.no_device);
    CHECK(evaluation.compiled == true);
    CHECK_FALSE(evaluation.correctness);
    REQUIRE(evaluation.compile.size() == 1);
    CHECK(evaluation.compile[0].cache_hit == again);
    CHECK(evaluation.compile[0].architecture == "sm_90");
    REQUIRE(evaluation.compile[0].kernels.size() == 1);
    CHECK(evaluation.compile[0].kernels[0].registers.value() > 0);
    CHECK(evaluation.compile[0].kernels[0].occupancy ==
          1.0);  // 256 threads, a handful of registers
    CHECK(evaluation.compile[0].kernels[0].occupancy_limiter == "none");
    if (!again) {
      CHECK_FALSE(evaluation.isolation.layers.empty());
    }
  }
}

TEST_CASE("cuda sources that do not compile") {
  const auto compiled = [](const std::string& source, std::int64_t timeout = 60) {
    schemas::WorkRequest work;
    work.candidate = tests::cuda_kernel(source);
    work.timeout_seconds = timeout;
    return evaluate(work);
  };
  const Evaluation syntax = compiled("__global__ void k(float* x, float* y) {\n  y[0] = ;\n}\n");
  check_verdict(syntax, VerdictCode::compilation_failed, "kernel.cu(2): error");
  CHECK(syntax.compiled == false);
  CHECK(syntax.correctness == false);

  const Evaluation snooping = compiled("#include \"/etc/passwd\"\n__global__ void k() {}\n");
  check_verdict(snooping, VerdictCode::compilation_failed, "cannot open source file");
  CHECK_FALSE(has(snooping.compilation_error.value_or(""), "root:"));

  const Evaluation endless = compiled(
      "template <int N, int M> struct A { static constexpr int v = A<N - 1, M * 2>::v ^ "
      "A<N - 1, M * 2 + 1>::v; };\ntemplate <int M> struct A<0, M> { static constexpr int v = M; "
      "};\n"
      "__global__ void k(float* x, float* y) { *y = A<28, 1>::v; }\n",
      3);
  check_verdict(endless, VerdictCode::compilation_failed, "took longer than timeout allows");

  schemas::WorkRequest refused;
  refused.candidate = tests::cuda_kernel("__global__ void k(float* x, float* y) {}\n");
  refused.candidate.metadata.compiler_options = {"-I/etc"};
  check_verdict(evaluate(refused), VerdictCode::compilation_failed,
                "cannot read files of the server");
}

TEST_CASE("a triton kernel without a GPU: compiled for one, its values from the interpreter") {
  const Evaluation right = evaluate(triton_comparison("at < n"));
  check_verdict(right, VerdictCode::correct, "");
  CHECK(right.tier == "cpu");
  REQUIRE(right.device);
  CHECK(right.device->kind == schemas::DeviceKind::cpu);
  CHECK_FALSE(right.no_device);
  REQUIRE(right.compile.size() == 1);
  CHECK(right.compile[0].tool.starts_with("triton "));
  CHECK(right.compile[0].architecture == "sm_90");
  CHECK_FALSE(right.compile[0].cache_hit);
  REQUIRE(right.compile[0].kernels.size() == 1);
  CHECK(right.compile[0].kernels[0].registers.value_or(0) > 0);
  CHECK(right.compile[0].kernels[0].occupancy.value_or(0) > 0);
  CHECK(std::any_of(right.warnings.begin(), right.warnings.end(),
                    [](const std::string& words) { return has(words, "interpreter"); }));

  CHECK_FALSE(right.timing.candidate);
  CHECK(has(right.timing.unavailable_reason, "interpreter"));

  const Evaluation wrong = evaluate(triton_comparison("at < n - 1"));
  check_verdict(wrong, VerdictCode::incorrect, "");
  CHECK(evaluate(triton_comparison("at < n")).compile[0].cache_hit);
}

TEST_CASE("what a triton kernel is compiled with decides what is taken from the cache") {
  const auto cached = [](const auto& change) {
    schemas::WorkRequest work = triton_comparison("at <= n - 1");
    change(*work.candidate.io);
    const Evaluation evaluation = evaluate(work);
    check_verdict(evaluation, VerdictCode::correct, "");
    return evaluation.compile.at(0).cache_hit;
  };
  CHECK_FALSE(cached([](schemas::IoContract&) {}));
  CHECK(cached([](schemas::IoContract&) {}));
  CHECK(cached([](schemas::IoContract& io) { io.launch->grid->x = 17; }));
  CHECK_FALSE(cached([](schemas::IoContract& io) { io.launch->num_warps = 8; }));
  CHECK_FALSE(cached([](schemas::IoContract& io) { io.args[3].value = std::int64_t{256}; }));
}

TEST_CASE("triton sources and contracts that do not fit") {
  const auto evaluated = [](const std::string& source, const auto& change) {
    schemas::WorkRequest work;
    work.candidate = triton_kernel(source);
    work.timeout_seconds = has(source, "while True") ? 3 : 60;
    change(work.candidate);
    return evaluate(work);
  };
  const auto as_it_is = [](schemas::Kernel&) {};
  check_verdict(evaluated("import triton\ndef broken(:\n", as_it_is),
                VerdictCode::compilation_failed, "SyntaxError");
  check_verdict(evaluated("x = 1\n", as_it_is), VerdictCode::compilation_failed,
                "No @triton.jit function found");
  check_verdict(evaluated(triton_add("missing(n)"), as_it_is), VerdictCode::compilation_failed,
                "in line 7 of the submission");
  check_verdict(
      evaluated(triton_add("at < n"), [](schemas::Kernel& kernel) { kernel.io->args.pop_back(); }),
      VerdictCode::compilation_failed, "no argument for the parameter 'BLOCK'");
  check_verdict(evaluated("import os\nos._exit(1)\n", as_it_is), VerdictCode::compilation_failed,
                "the source ended the process that compiles it");
  check_verdict(evaluated("while True: pass\n", as_it_is), VerdictCode::compilation_failed,
                "took longer than timeout allows");
  const Evaluation launcher =
      evaluated(triton_add("at < n") +
                    "import torch\ndef run(x):\n    y = torch.empty_like(x)\n"
                    "    add_one[(4,)](x, y, x.numel(), BLOCK=512)\n    return y\n",
                [](schemas::Kernel& kernel) { kernel.metadata.entry_point = "run"; });
  check_verdict(launcher, VerdictCode::ran_unchecked, "");
  check_next_job();
}

TEST_CASE("an executor that ends while it starts waits for nothing and leaves nothing") {
  executor();
  const std::set<pid_t> before = [] {
    const auto pids = own_processes("assay-keeper");
    return std::set<pid_t>(pids.begin(), pids.end());
  }();
  const tests::TemporaryDirectory directory;
  engine::LocalExecutorOptions options;
  options.cache_directory = directory.path() + "/cache";
  options.devices = {{schemas::DeviceKind::cpu, 0}};
  auto made = engine::make_local_executor(options);
  REQUIRE(made);
  CHECK_FALSE((*made)->capacity().starting.empty());
  std::this_thread::sleep_for(100ms);
  const auto begin = std::chrono::steady_clock::now();
  made->reset();
  CHECK(std::chrono::steady_clock::now() - begin < 2s);
  const auto deadline = std::chrono::steady_clock::now() + 5s;
  const auto left_over = [&] {
    const auto pids = own_processes("assay-keeper");
    return std::any_of(pids.begin(), pids.end(), [&](pid_t pid) { return !before.contains(pid); });
  };
  while (left_over() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(20ms);
  }
  CHECK_FALSE(left_over());
}
