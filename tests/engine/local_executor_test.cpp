// SPDX-License-Identifier: Apache-2.0
// The whole chain on the CPU: zygote, judge, runners, compilers, keepers. Every fault of a kernel that needs no GPU
// gets the right verdict in words that say what happened, and the next job is served.
#include "engine/local_executor.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <future>
#include <iostream>
#include <set>
#include <thread>

#include "tests/engine/evaluation_cases.h"
#include "tests/engine/temporary_directory.h"

using namespace assay;
using engine::Cancellation;
using schemas::Evaluation;
using schemas::VerdictCode;
using tests::comparison;
using tests::model;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

const std::string kRelu = model("return torch.relu(x) + 1");

// One executor for all cases: that the next job is served is half of what is tested.
engine::Executor& executor() {
  static const tests::TemporaryDirectory directory;
  static const std::unique_ptr<engine::Executor> instance = [] {
    engine::LocalExecutorOptions options;
    options.cache_directory = directory.path() + "/cache";
    options.devices = {{schemas::DeviceKind::cpu, 0}};
    options.runner_memory_bytes = std::uint64_t{3} << 30;
    auto made = engine::make_local_executor(options);
    if (!made) {
      std::cerr << made.error().message << "\n";
      std::exit(77);
    }
    const auto deadline = std::chrono::steady_clock::now() + 120s;
    while (!(*made)->capacity().starting.empty()) {
      if (std::chrono::steady_clock::now() > deadline) {
        for (const auto& name : (*made)->capacity().starting) {
          std::cerr << "still starting: " << name << "\n";
        }
        std::exit(1);
      }
      std::this_thread::sleep_for(20ms);
    }
    return std::move(*made);
  }();
  return *instance;
}

// ASSAY_TEST_TRACE=1 prints what happens when.
void trace(const std::string& words) {
  static const bool wanted = std::getenv("ASSAY_TEST_TRACE") != nullptr;
  static const auto begin = std::chrono::steady_clock::now();
  if (wanted) {
    const std::chrono::duration<double> now = std::chrono::steady_clock::now() - begin;
    std::cerr << now.count() << " s: " << words << "\n";
  }
}

schemas::Result<Evaluation> run(schemas::WorkRequest work) {
  Cancellation none;
  trace("submitted");
  auto result = executor().run(
      tests::job(std::move(work)),
      [](const schemas::JobEvent& event) {
        trace(schemas::stage_name(event.stage) + ": " + event.message);
      },
      none);
  trace("ended");
  return result;
}

Evaluation evaluate(schemas::WorkRequest work) {
  auto result = run(std::move(work));
  INFO((result ? "" : result.error().message));
  REQUIRE(result);
  return *result;
}

Evaluation candidate(const std::string& forward, const std::string& before = "",
                     std::int64_t timeout = 60) {
  auto work = comparison(kRelu, model(forward, before));
  work.timeout_seconds = timeout;
  return evaluate(work);
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

void check_verdict(const Evaluation& evaluation, VerdictCode code, const std::string& words) {
  INFO("verdict " << schemas::verdict_code_name(evaluation.verdict.code) << ": "
                  << evaluation.verdict.summary << "\nvalidation_error "
                  << evaluation.validation_error.value_or("none") << "\ncompilation_error "
                  << evaluation.compilation_error.value_or("none") << "\nerror " << evaluation.error);
  CHECK(evaluation.verdict.code == code);
  const std::string all = evaluation.verdict.summary + "\n" +
                          evaluation.validation_error.value_or("") + "\n" +
                          evaluation.compilation_error.value_or("");
  CHECK(has(all, words));
}

// Within 2 s of a fault the next job is served, and served rightly.
void check_next_job() {
  const auto begin = std::chrono::steady_clock::now();
  const Evaluation next = candidate("return x.clamp(min=0) + 1");
  check_verdict(next, VerdictCode::correct, "");
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  INFO("the next job took " << seconds << " s");
  CHECK(seconds < 10);  // the machine may be busy; the figure of 2 s is measured by the benchmark
}

std::vector<pid_t> processes_named(const std::string& part) {
  std::vector<pid_t> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) {
      continue;
    }
    std::ifstream file(entry.path() / "cmdline", std::ios::binary);
    const std::string line((std::istreambuf_iterator<char>(file)), {});
    if (has(line, part)) {
      found.push_back(std::stoi(name));
    }
  }
  return found;
}

// Descendants of this process whose command line holds `part`.
std::vector<pid_t> own_processes(const std::string& part) {
  std::vector<pid_t> own;
  for (const pid_t pid : processes_named(part)) {
    pid_t at = pid;
    while (at > 1 && at != ::getpid()) {
      std::ifstream file("/proc/" + std::to_string(at) + "/stat");
      const std::string stat((std::istreambuf_iterator<char>(file)), {});
      const std::size_t end = stat.rfind(')');
      at = end == std::string::npos ? 0 : std::stoi(stat.substr(end + 4));
    }
    if (at == ::getpid() && pid != ::getpid()) {
      own.push_back(pid);
    }
  }
  return own;
}

}  // namespace

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

TEST_CASE("a subtly wrong kernel is incorrect, with the worst element") {
  const Evaluation evaluation = candidate("y = torch.relu(x) + 1\n        y[3, 5] += 0.5\n        return y");
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
  check_verdict(candidate("return x", "def broken(:\n"), VerdictCode::compilation_failed, "SyntaxError");
  check_verdict(candidate("return x", "import no_such_module"), VerdictCode::compilation_failed,
                "no_such_module");
  check_verdict(candidate("raise ValueError('not today')"), VerdictCode::runtime_failed, "not today");
  check_next_job();
}

TEST_CASE("outputs that do not fit") {
  check_verdict(candidate("return torch.relu(x)[:5] + 1"), VerdictCode::output_mismatch, "[5, 32]");
  check_verdict(candidate("return (torch.relu(x) + 1).double()"), VerdictCode::output_mismatch,
                "float64");
  check_verdict(candidate("return torch.full_like(x, float('nan'))"), VerdictCode::incorrect, "NaN");
  check_next_job();
}

TEST_CASE("a kernel that ends its process") {
  const Evaluation exited = candidate("os._exit(0)");
  check_verdict(exited, VerdictCode::crashed, "ended by itself with exit code 0 during its call");
  CHECK(exited.correctness == false);
  REQUIRE(exited.process_ends.size() == 1);
  CHECK(exited.process_ends[0].kind == "exited");
  CHECK(exited.process_ends[0].code == 0);
  check_verdict(candidate("os._exit(3)"), VerdictCode::crashed, "exit code 3");
  const Evaluation system_exit = candidate("raise SystemExit(0)");
  CHECK(system_exit.correctness == false);
  CHECK((system_exit.verdict.code == VerdictCode::crashed ||
         system_exit.verdict.code == VerdictCode::runtime_failed));
  check_verdict(candidate("return x", "import os\nos._exit(0)"), VerdictCode::crashed,
                "while its source was loaded");
  check_next_job();
}

TEST_CASE("a kernel that dies of a signal") {
  const Evaluation crashed = candidate("import ctypes; ctypes.string_at(0)");
  check_verdict(crashed, VerdictCode::crashed, "was killed by signal 11 (SIGSEGV) during its call");
  REQUIRE(crashed.process_ends.size() == 1);
  CHECK(crashed.process_ends[0].kind == "signaled");
  CHECK(crashed.process_ends[0].signal == SIGSEGV);
  check_verdict(candidate("os.abort()"), VerdictCode::crashed, "SIGABRT");
  check_next_job();
}

TEST_CASE("an endless loop uses up its time and no more") {
  const auto begin = std::chrono::steady_clock::now();
  const Evaluation evaluation = candidate("while True: pass", "", 3);
  check_verdict(evaluation, VerdictCode::timed_out, "");
  CHECK(evaluation.compiled == true);
  CHECK(std::chrono::steady_clock::now() - begin < 15s);
  check_next_job();
}

TEST_CASE("a kernel that takes all memory") {
  const Evaluation evaluation =
      candidate("a = [torch.ones(1 << 26) for _ in range(1 << 10)]; return a[0]");
  check_verdict(evaluation, VerdictCode::out_of_memory, "memory");
  CHECK(evaluation.correctness == false);
  check_next_job();
}

TEST_CASE("a fork bomb stays inside and dies with its job") {
  const Evaluation evaluation = candidate(
      "\n        while True:\n            try:\n                os.fork()\n"
      "            except OSError:\n                pass",
      "", 5);
  INFO(evaluation.verdict.summary);
  CHECK(evaluation.correctness == false);
  CHECK((evaluation.verdict.code == VerdictCode::timed_out ||
         evaluation.verdict.code == VerdictCode::crashed ||
         evaluation.verdict.code == VerdictCode::out_of_memory ||
         evaluation.verdict.code == VerdictCode::runtime_failed));
  check_next_job();
}

TEST_CASE("a gigabyte of output is swallowed, its tail kept") {
  const Evaluation evaluation = candidate(
      "\n        if not getattr(self, 'said', False):\n            self.said = True\n"
      "            for _ in range(64):\n                os.write(1, b'a' * (1 << 24))\n"
      "            os.write(1, b'the end')\n        return torch.relu(x) + 1");
  check_verdict(evaluation, VerdictCode::correct, "");
  CHECK(evaluation.log_tail.size() < 100000);
  CHECK(has(evaluation.log_tail, "the end"));
}

TEST_CASE("a reference that crashes says nothing about the candidate") {
  const Evaluation evaluation =
      evaluate(comparison(model("os._exit(0)"), model("return torch.relu(x) + 1")));
  check_verdict(evaluation, VerdictCode::reference_failed, "exit code 0");
  CHECK_FALSE(evaluation.correctness);
  const std::string inputs = model("return x").replace(model("return x").find("return [torch"), 6,
                                                       "os._exit(5); return");
  check_verdict(evaluate(comparison(inputs, kRelu)), VerdictCode::reference_failed, "get_inputs");
}

TEST_CASE("a runner killed from outside, at several stages") {
  for (const auto& [before, forward] : std::vector<std::pair<std::string, std::string>>{
           {"import time\ntime.sleep(30)", "return x"}, {"", "time.sleep(30); return x"}}) {
    auto running = std::async(std::launch::async, [&, before = before, forward = forward] {
      return candidate(forward, before);
    });
    // The runner that sleeps: the youngest forks of the zygote belong to this job.
    std::this_thread::sleep_for(2s);
    for (const pid_t pid : own_processes("zygote.py")) {
      // Runners run as another user in a PID namespace of their own; the zygote does not.
      std::ifstream status("/proc/" + std::to_string(pid) + "/status");
      std::string text((std::istreambuf_iterator<char>(status)), {});
      const std::size_t at = text.find("NSpid:");
      const std::string line = text.substr(at, text.find('\n', at) - at);
      if (std::count(line.begin(), line.end(), '\t') > 1) {
        ::kill(pid, SIGKILL);
      }
    }
    const Evaluation evaluation = running.get();
    INFO(evaluation.verdict.summary);
    CHECK((evaluation.verdict.code == VerdictCode::crashed ||
           evaluation.verdict.code == VerdictCode::reference_failed));
    check_next_job();
  }
}

TEST_CASE("a judge killed in the middle: the job is done all the same") {
  auto running = std::async(std::launch::async, [&] {
    return candidate("time.sleep(0.3); return torch.relu(x) + 1");
  });
  std::this_thread::sleep_for(1s);
  const auto judges = own_processes("assay-judge");
  REQUIRE_FALSE(judges.empty());
  for (const pid_t pid : judges) {
    ::kill(pid, SIGKILL);
  }
  check_verdict(running.get(), VerdictCode::correct, "");
  check_next_job();
}

TEST_CASE("a zygote killed: the next job waits for its successor") {
  executor();
  const auto zygotes = own_processes("zygote.py");
  REQUIRE_FALSE(zygotes.empty());
  for (const pid_t pid : zygotes) {
    ::kill(pid, SIGKILL);
  }
  check_verdict(candidate("return torch.relu(x) + 1"), VerdictCode::correct, "");
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
  for (int i = 0; i < 3; ++i) {
    running.push_back(std::async(std::launch::async, [] {
      return candidate("return torch.relu(x) + 1");
    }));
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
      "A<N - 1, M * 2 + 1>::v; };\ntemplate <int M> struct A<0, M> { static constexpr int v = M; };\n"
      "__global__ void k(float* x, float* y) { *y = A<28, 1>::v; }\n",
      3);
  check_verdict(endless, VerdictCode::compilation_failed, "took longer than timeout allows");

  schemas::WorkRequest refused;
  refused.candidate = tests::cuda_kernel("__global__ void k(float* x, float* y) {}\n");
  refused.candidate.metadata.compiler_options = {"-I/etc"};
  check_verdict(evaluate(refused), VerdictCode::compilation_failed, "cannot read files of the server");
}

TEST_CASE("types that are not there yet are refused by name") {
  schemas::WorkRequest work;
  work.candidate = tests::torch_kernel("x");
  work.candidate.type = schemas::KernelType::triton;
  const auto refused = run(work);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == schemas::ErrorCode::malformed_call);
  CHECK(has(refused.error().message, "'triton' is not supported"));
}
