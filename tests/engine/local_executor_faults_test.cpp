// SPDX-License-Identifier: Apache-2.0
// Every fault of a kernel that needs no GPU gets the right verdict in words that say what happened,
// and the next job is served.
#include "tests/engine/local_executor_fixture.h"

using namespace assay;
using namespace assay::tests;

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
  const std::string inputs =
      model("return x").replace(model("return x").find("return [torch"), 6, "os._exit(5); return");
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
  auto running = std::async(std::launch::async,
                            [&] { return candidate("time.sleep(0.3); return torch.relu(x) + 1"); });
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
