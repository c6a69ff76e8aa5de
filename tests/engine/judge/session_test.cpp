// SPDX-License-Identifier: Apache-2.0
// Whole sessions against scripted runners that keep to the protocol: right, wrong, incomplete,
// slow.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <set>
#include <signal.h>
#include <thread>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <sys/mman.h>

#include "tests/engine/judge/session_support.h"

using namespace assay;
using namespace assay::tests;
using schemas::VerdictCode;

TEST_CASE("a right kernel is correct, timed and shows its evidence") {
  const auto outcome = run_session(compared());
  const auto& evaluation = outcome.evaluation;
  INFO(evaluation.verdict.summary);
  REQUIRE(evaluation.verdict.code == VerdictCode::correct);
  CHECK(evaluation.compiled == true);
  CHECK(evaluation.correctness == true);
  CHECK_FALSE(evaluation.validation_error);
  CHECK(evaluation.checks.final_kill);
  CHECK(evaluation.checks.outputs_poisoned);
  CHECK(evaluation.checks.draws >= 1);
  CHECK(evaluation.checks.seeds.size() == static_cast<std::size_t>(evaluation.checks.draws));
  CHECK(evaluation.checks.noise_seed);
  CHECK(evaluation.checks.calls_checked >= 20);
  CHECK(evaluation.checks.calls_failed == 0);
  CHECK(evaluation.checks.elements_checked == evaluation.checks.calls_checked * kElements);
  REQUIRE(evaluation.checks.tolerances.size() == 1);
  CHECK(evaluation.checks.tolerances[0].rtol == 1e-4);
  CHECK_FALSE(evaluation.checks.tolerances[0].from_caller);
  CHECK(evaluation.checks.windows >= 3);
  REQUIRE(evaluation.timing.candidate);
  REQUIRE(evaluation.timing.reference);
  CHECK(evaluation.timing.candidate->method == "window_stream");
  CHECK(evaluation.timing.candidate->method == evaluation.timing.reference->method);
  CHECK(evaluation.timing.candidate->stats.n > 0);
  CHECK(evaluation.timing.candidate->empty_window_ms.value_or(-1) > 0);
  CHECK(evaluation.tier == "cpu");
  REQUIRE(evaluation.device);
  CHECK(evaluation.device->memory_total_bytes > 0);
  CHECK_FALSE(outcome.events.empty());
  // The document can be written and read back by the executor.
  CHECK(schemas::read_evaluation(schemas::to_json(evaluation)));
}

TEST_CASE("what a candidate's autotuner chose is told, within limits") {
  for (const bool fits : {true, false}) {
    SessionSetup setup = compared();
    setup.candidate.on_answer = [fits](const std::string& op, schemas::Json& answer) {
      if (op != "probe") return;
      answer["autotune"] = {{{"kernel", "k"},
                             {"chosen", "BLOCK: 64"},
                             {"trials",
                              {{{"config", "BLOCK: 64"}, {"ms", 0.25}},
                               {{"config", "BLOCK: 128"}, {"ms", nullptr}}}}}};
      if (!fits) answer["autotune"][0]["chosen"] = std::string(100'000, 'x');
    };
    const auto answer = run_session(setup).evaluation;
    if (!fits) {
      CHECK(answer.verdict.code == VerdictCode::runtime_failed);
      continue;
    }
    REQUIRE(answer.autotune.size() == 1);
    CHECK(answer.autotune[0].chosen == "BLOCK: 64");
    CHECK(answer.autotune[0].trials.at(0).ms == 0.25);
    CHECK_FALSE(answer.autotune[0].trials.at(1).ms.has_value());
  }
}

TEST_CASE("inputs from get_inputs come from a process of their own") {
  auto setup = compared();
  setup.contract = false;
  setup.candidate_type = schemas::KernelType::torch;
  setup.inputs = FakeScript{};
  const auto evaluation = run_session(setup).evaluation;
  INFO(evaluation.verdict.summary);
  REQUIRE(evaluation.verdict.code == VerdictCode::correct);
  CHECK(evaluation.checks.draws == 8);
  CHECK(evaluation.checks.inputs.find("get_inputs") != std::string::npos);
  REQUIRE(evaluation.io_contract);
  CHECK(evaluation.io_contract->args.size() == 2);
}

TEST_CASE("every slot of every window has other inputs") {
  auto setup = compared();
  // Wrong whenever the first input repeats what an earlier call of this process saw.
  setup.candidate.compute = [seen = std::set<std::vector<float>>()](const FakeCall& call) mutable {
    write_all(call, call.elements);
    const std::vector<float> content(call.inputs[0], call.inputs[0] + 16);
    if (call.window != 0 && !seen.insert(content).second)
      reinterpret_cast<float*>(call.outputs[0])[0] = 1e9f;
  };
  const auto evaluation = run_session(setup).evaluation;
  INFO(evaluation.verdict.summary);
  CHECK(evaluation.verdict.code == VerdictCode::correct);
}

TEST_CASE("one wrong element is incorrect, with its place and values") {
  auto setup = compared();
  setup.candidate.compute = [](const FakeCall& call) {
    write_all(call, call.elements);
    reinterpret_cast<float*>(call.outputs[0])[617] += 0.5f;
  };
  const auto evaluation = run_session(setup).evaluation;
  REQUIRE(evaluation.verdict.code == VerdictCode::incorrect);
  CHECK(evaluation.compiled == true);
  CHECK(evaluation.correctness == false);
  REQUIRE(evaluation.checks.worst);
  CHECK(evaluation.checks.worst->index == std::vector<std::int64_t>{617});
  CHECK(evaluation.checks.worst->error == Approx(0.5).epsilon(1e-5));
  CHECK(evaluation.checks.worst->allowed < 0.01);
  CHECK(evaluation.validation_error->find("617") != std::string::npos);
  CHECK_FALSE(evaluation.timing.candidate);
  CHECK_FALSE(evaluation.timing.unavailable_reason.empty());
}

TEST_CASE("large integers are shown to the last digit") {
  const auto fill = [](std::int64_t value) {
    return [value](const FakeCall& call) {
      auto* out = reinterpret_cast<std::int64_t*>(call.outputs[0]);
      for (std::int64_t i = 0; i < call.elements; ++i) out[i] = value;
    };
  };
  auto setup = compared();
  setup.output_dtype = schemas::Dtype::int64;
  setup.reference->compute = fill(std::int64_t{1} << 60);
  setup.candidate.compute = fill((std::int64_t{1} << 60) + 1);
  const auto large = run_session(setup).evaluation;
  CHECK(large.verdict.summary.find("got 1152921504606846977, want 1152921504606846976, error 1, "
                                   "allowed 0") != std::string::npos);
  INFO(large.verdict.summary);
  setup.reference->compute = fill(123456789);
  setup.candidate.compute = fill(123456788);
  const auto small = run_session(setup).evaluation;
  INFO(small.verdict.summary);
  CHECK(small.verdict.summary.find("got 123456788, want 123456789, error 1") != std::string::npos);
}

TEST_CASE("a kernel that is wrong only in timed calls is incorrect") {
  auto setup = compared();
  setup.candidate.compute = [](const FakeCall& call) {
    if (!call.timed) write_all(call, call.elements);
  };
  const auto evaluation = run_session(setup).evaluation;
  CHECK(evaluation.verdict.code == VerdictCode::incorrect);
  CHECK(evaluation.verdict.summary.find("timed call") != std::string::npos);
}

TEST_CASE("an output that is not written is caught") {
  auto setup = compared();
  setup.candidate.compute = [](const FakeCall& call) { write_all(call, call.elements - 1); };
  const auto evaluation = run_session(setup).evaluation;
  REQUIRE(evaluation.verdict.code == VerdictCode::incorrect);
  CHECK(evaluation.verdict.summary.find("never written") != std::string::npos);
}

TEST_CASE("without a reference the outputs must be written, the values are not checked") {
  SessionSetup setup;
  setup.kind = schemas::JobKind::evaluate;
  auto evaluation = run_session(setup).evaluation;
  INFO(evaluation.verdict.summary);
  CHECK(evaluation.verdict.code == VerdictCode::ran_unchecked);
  CHECK(evaluation.correctness == true);
  CHECK(evaluation.timing.candidate);
  CHECK_FALSE(evaluation.timing.speedup);

  setup.candidate.compute = [](const FakeCall& call) { write_all(call, 1); };
  evaluation = run_session(setup).evaluation;
  CHECK(evaluation.verdict.code == VerdictCode::incorrect);
  CHECK(evaluation.verdict.summary.find("never written") != std::string::npos);
}

TEST_CASE("a kernel that writes into its input is right, with a warning") {
  auto setup = compared();
  const auto warned = [&] {
    const auto evaluation = run_session(setup).evaluation;
    CHECK(evaluation.verdict.code == VerdictCode::correct);
    return std::any_of(evaluation.warnings.begin(), evaluation.warnings.end(),
                       [](const std::string& warning) {
                         return warning.starts_with("the kernel writes into its input \"");
                       });
  };
  CHECK_FALSE(warned());
  setup.candidate.compute = [](const FakeCall& call) {
    write_all(call, call.elements);
    call.inputs[0][3] += 1;
  };
  CHECK(warned());
}

TEST_CASE("an unwritten integer is caught without a reference, by two passes") {
  SessionSetup setup;
  setup.kind = schemas::JobKind::validate;
  setup.output_dtype = schemas::Dtype::uint8;
  setup.candidate.compute = [](const FakeCall& call) {
    for (std::int64_t i = 0; i < call.elements; ++i)
      if (i != 77) call.outputs[0][i] = static_cast<std::byte>(i);
  };
  auto evaluation = run_session(setup).evaluation;
  CHECK(evaluation.verdict.code == VerdictCode::incorrect);
  CHECK(evaluation.validated == false);
  CHECK(evaluation.verdict.summary.find("[77]") != std::string::npos);

  setup.candidate.compute = [](const FakeCall& call) {
    for (std::int64_t i = 0; i < call.elements; ++i) call.outputs[0][i] = static_cast<std::byte>(i);
  };
  evaluation = run_session(setup).evaluation;
  INFO(evaluation.verdict.summary);
  CHECK(evaluation.verdict.code == VerdictCode::ran_unchecked);
  CHECK(evaluation.validated == true);
  CHECK_FALSE(evaluation.timing.candidate);
  CHECK_FALSE(evaluation.timing.unavailable_reason.empty());
}

TEST_CASE("what the candidate takes and gives must fit the reference") {
  auto setup = compared();
  setup.candidate_elements = kElements - 1;
  auto evaluation = run_session(setup).evaluation;
  CHECK(evaluation.verdict.code == VerdictCode::output_mismatch);
  CHECK(evaluation.correctness == false);
  CHECK(evaluation.validation_error->find("[999]") != std::string::npos);
  CHECK(evaluation.validation_error->find("[1000]") != std::string::npos);

  setup = compared();
  setup.candidate_type = schemas::KernelType::torch;
  setup.candidate.outputs = {{schemas::Dtype::float16, {kElements}, {}}};
  evaluation = run_session(setup).evaluation;
  CHECK(evaluation.verdict.code == VerdictCode::output_mismatch);
  CHECK(evaluation.validation_error->find("float16") != std::string::npos);
  CHECK(evaluation.validation_error->find("float32") != std::string::npos);
}

TEST_CASE("a kernel that needs more memory than the job may use is told so") {
  auto setup = compared();
  for (const std::size_t budget : {std::size_t{16} << 10, std::size_t{40} << 10}) {
    setup.memory_budget_bytes = budget;  // too little for the draws, and for one call's buffers
    const auto evaluation = run_session(setup).evaluation;
    INFO(evaluation.verdict.summary);
    CHECK(evaluation.verdict.code == VerdictCode::out_of_memory);
    CHECK(evaluation.verdict.summary.starts_with(
        "The evaluation needs more memory than the job may use: "));
    CHECK(evaluation.verdict.summary.find("KiB") != std::string::npos);
    CHECK_FALSE(evaluation.correctness);  // nothing was shown about the kernel
    CHECK(evaluation.validation_error->find("KiB") != std::string::npos);
  }
}

TEST_CASE("slow kernels get as many trials as the time allows") {
  auto setup = compared();
  setup.budget_ms = 4'000;
  setup.num_trials = 1'000;
  setup.candidate.compute = [](const FakeCall& call) {
    write_all(call, call.elements);
    sleep_ms(20);
  };
  const auto outcome = run_session(setup);
  INFO(outcome.evaluation.verdict.summary);
  CHECK(outcome.evaluation.verdict.code == VerdictCode::correct);
  CHECK(outcome.evaluation.checks.final_kill);
  CHECK(outcome.elapsed < std::chrono::milliseconds(4'500));
  REQUIRE_FALSE(outcome.evaluation.timing.notes.empty());
}

TEST_CASE("weights go from the reference to the candidate") {
  auto setup = compared();
  setup.reference->has_weights = setup.candidate.has_weights = true;
  setup.candidate.on_request = [copied = false](const std::string& op) mutable {
    if (op == "set_weights") copied = true;
    if (op == "probe" && !copied) _exit(9);
  };
  setup.reference->on_answer = [](const std::string& op, schemas::Json& answer) {
    if (op == "get_weights") answer["skipped"] = {"layer.thin: sparse"};
  };
  setup.candidate.on_answer = [](const std::string& op, schemas::Json& answer) {
    if (op == "set_weights") answer["skipped"] = {"layer.weight: shape"};
  };
  const auto evaluation = run_session(setup).evaluation;
  CHECK(evaluation.verdict.code == VerdictCode::correct);
  for (const char* warning :
       {"weight not copied: layer.thin: sparse", "weight not copied: layer.weight: shape"})
    CHECK(std::count(evaluation.warnings.begin(), evaluation.warnings.end(), warning) == 1);
}

TEST_CASE("a reference that does not write its outputs is no reference") {
  auto setup = compared();
  setup.reference->compute = [](const FakeCall& call) { write_all(call, 10); };
  const auto evaluation = run_session(setup).evaluation;
  CHECK(evaluation.verdict.code == VerdictCode::reference_failed);
  CHECK(evaluation.validation_error->find("never written") != std::string::npos);
}

TEST_CASE("a reference that does not repeat itself is named") {
  auto setup = compared();
  setup.reference->compute = [](const FakeCall& call) {
    write_all(call, call.elements);
    if (call.timed) reinterpret_cast<float*>(call.outputs[0])[5] += 1;
  };
  const auto evaluation = run_session(setup).evaluation;
  INFO(evaluation.verdict.summary);
  CHECK(evaluation.verdict.code == VerdictCode::correct);
  REQUIRE_FALSE(evaluation.timing.notes.empty());
  CHECK(evaluation.timing.notes[0].find("does not repeat itself") != std::string::npos);
}

TEST_CASE("outputs that change by themselves are no reference") {
  auto setup = compared();
  setup.reference->compute = [count = 0](const FakeCall& call) mutable {
    write_all(call, call.elements);
    if (call.window != 0)
      reinterpret_cast<float*>(call.outputs[0])[5] += static_cast<float>(++count);
  };
  const auto evaluation = run_session(setup).evaluation;
  CHECK(evaluation.verdict.code == VerdictCode::reference_failed);
  CHECK_FALSE(evaluation.correctness);
  CHECK(evaluation.validation_error->find("differ between two passes") != std::string::npos);
}

TEST_CASE("outputs that do not depend on the inputs are warned of") {
  const auto warned = [](const schemas::Evaluation& evaluation) {
    return std::any_of(evaluation.warnings.begin(), evaluation.warnings.end(),
                       [](const auto& text) {
                         return text.find("ignores its inputs would pass") != std::string::npos;
                       });
  };
  auto setup = compared();
  CHECK_FALSE(warned(run_session(setup).evaluation));
  const auto constant = [](const FakeCall& call) {
    auto* out = reinterpret_cast<float*>(call.outputs[0]);
    std::fill(out, out + call.elements, 3.0f);
  };
  setup.reference->compute = setup.candidate.compute = constant;
  CHECK(warned(run_session(setup).evaluation));
}

TEST_CASE("a reference that the candidate slows is timed after the candidate's end") {
  auto* candidate = static_cast<std::atomic<pid_t>*>(
      ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  REQUIRE(candidate != MAP_FAILED);
  const auto alive = [candidate] {
    std::ifstream stat("/proc/" + std::to_string(candidate->load()) + "/stat");
    std::string pid, name, state;
    return stat >> pid >> name >> state && state != "Z" && state != "X";
  };
  const auto busy = [](std::chrono::microseconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end) continue;
  };
  auto setup = compared();
  setup.candidate.compute = [=](const FakeCall& call) {
    candidate->store(::getpid());
    write_all(call, call.elements);
    busy(std::chrono::microseconds(200));
  };
  setup.reference->compute = [=](const FakeCall& call) {
    write_all(call, call.elements);
    busy(std::chrono::microseconds(alive() ? 2000 : 200));
  };
  const auto evaluation = run_session(setup).evaluation;
  ::munmap(candidate, 4096);
  INFO(evaluation.verdict.summary);
  REQUIRE(evaluation.verdict.code == VerdictCode::correct);
  REQUIRE(evaluation.timing.speedup);
  CHECK(*evaluation.timing.speedup < 3);
  REQUIRE_FALSE(evaluation.warnings.empty());
  CHECK(evaluation.warnings[0].find("while the candidate's processes lived") != std::string::npos);
}

TEST_CASE("a first call that takes longer than all others does not plan the measurement") {
  auto setup = compared();
  setup.candidate.compute = [first = true](const FakeCall& call) mutable {
    if (first) std::this_thread::sleep_for(std::chrono::milliseconds(400));
    first = false;
    write_all(call, call.elements);
  };
  const auto evaluation = run_session(setup).evaluation;
  REQUIRE(evaluation.verdict.code == VerdictCode::correct);
  CHECK(evaluation.checks.slots > 8);
}
