// SPDX-License-Identifier: Apache-2.0
// What the tests of the whole chain on the CPU share: one executor, ways to ask it, and to look at
// its processes.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <future>
#include <iostream>
#include <set>
#include <signal.h>
#include <thread>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "engine/local_executor.h"
#include "tests/engine/evaluation_cases.h"
#include "tests/engine/temporary_directory.h"

namespace assay::tests {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using engine::Cancellation;
using schemas::Evaluation;
using schemas::VerdictCode;

inline const std::string kRelu = model("return torch.relu(x) + 1");

// One executor for all cases: that the next job is served is half of what is tested.
inline engine::Executor& executor() {
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
inline void trace(const std::string& words) {
  static const bool wanted = std::getenv("ASSAY_TEST_TRACE") != nullptr;
  static const auto begin = std::chrono::steady_clock::now();
  if (wanted) {
    const std::chrono::duration<double> now = std::chrono::steady_clock::now() - begin;
    std::cerr << now.count() << " s: " << words << "\n";
  }
}

inline schemas::Result<Evaluation> run(schemas::WorkRequest work,
                                       std::vector<std::string>* stages = nullptr) {
  Cancellation none;
  trace("submitted");
  auto result = executor().run(
      tests::job(std::move(work)),
      [&](const schemas::JobEvent& event) {
        trace(schemas::stage_name(event.stage) + ": " + event.message);
        const std::string& name = schemas::stage_name(event.stage);
        const bool entered = event.kind == schemas::JobEvent::Kind::stage;
        if (stages != nullptr && entered && (stages->empty() || stages->back() != name)) {
          stages->push_back(name);
        }
      },
      none);
  trace("ended");
  return result;
}

inline Evaluation evaluate(schemas::WorkRequest work) {
  auto result = run(std::move(work));
  INFO((result ? "" : result.error().message));
  REQUIRE(result);
  return *result;
}

inline Evaluation candidate(const std::string& forward, const std::string& before = "",
                            std::int64_t timeout = 60) {
  auto work = comparison(kRelu, model(forward, before));
  work.timeout_seconds = timeout;
  return evaluate(work);
}

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

inline void check_verdict(const Evaluation& evaluation, VerdictCode code,
                          const std::string& words) {
  INFO("verdict " << schemas::verdict_code_name(evaluation.verdict.code) << ": "
                  << evaluation.verdict.summary << "\nvalidation_error "
                  << evaluation.validation_error.value_or("none") << "\ncompilation_error "
                  << evaluation.compilation_error.value_or("none") << "\nerror "
                  << evaluation.error);
  CHECK(evaluation.verdict.code == code);
  const std::string all = evaluation.verdict.summary + "\n" +
                          evaluation.validation_error.value_or("") + "\n" +
                          evaluation.compilation_error.value_or("");
  CHECK(has(all, words));
}

// Within 2 s of a fault the next job is served, and served rightly.
inline void check_next_job() {
  const auto begin = std::chrono::steady_clock::now();
  const Evaluation next = candidate("return x.clamp(min=0) + 1");
  check_verdict(next, VerdictCode::correct, "");
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  INFO("the next job took " << seconds << " s");
  CHECK(seconds < 20);  // the machine may be busy; tests/e2e holds the figure of 2 s
}

inline std::vector<pid_t> processes_named(const std::string& part) {
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
inline std::vector<pid_t> own_processes(const std::string& part) {
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

}  // namespace assay::tests
