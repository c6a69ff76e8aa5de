// SPDX-License-Identifier: Apache-2.0
// Whole sessions against scripted runners: what each kind of honest and dishonest kernel is told.
#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <thread>

#include "tests/engine/judge/session_support.h"

using namespace assay;
using namespace assay::tests;
using schemas::VerdictCode;

namespace {

SessionSetup compared() {
  SessionSetup setup;
  setup.reference = FakeScript{};
  return setup;
}

void write_all(const FakeCall& call, std::int64_t count) {
  auto* out = reinterpret_cast<float*>(call.outputs[0]);
  for (std::int64_t i = 0; i < count; ++i) out[i] = call.inputs[0][i] + call.inputs[1][i];
}

void sleep_ms(int milliseconds) { std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds)); }

}  // namespace

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
  setup.candidate.compute = [seen = std::vector<float>()](const FakeCall& call) mutable {
    write_all(call, call.elements);
    if (call.window == 0) return;
    const float first = call.inputs[0][0] + 3 * call.inputs[0][1];
    if (std::find(seen.begin(), seen.end(), first) != seen.end())
      reinterpret_cast<float*>(call.outputs[0])[0] = 1e9f;
    seen.push_back(first);
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

TEST_CASE("a runner that dies in a window has crashed") {
  auto setup = compared();
  setup.candidate.before_calls = [](engine::ControlPage&, std::uint32_t, bool) { raise(SIGSEGV); };
  const auto evaluation = run_session(setup).evaluation;
  CHECK(evaluation.verdict.code == VerdictCode::crashed);
  CHECK(evaluation.compiled == true);
  CHECK(evaluation.correctness == false);
  REQUIRE(evaluation.process_ends.size() == 1);
  CHECK(evaluation.process_ends[0].role == "candidate");
  CHECK(evaluation.process_ends[0].at == "pass");
}

TEST_CASE("a runner that exits while it loads has crashed") {
  for (const char* at : {"prepare", "load", "bind", "probe", "pass"}) {
    auto setup = compared();
    setup.candidate.on_request = [at](const std::string& op) {
      if (op == at) _exit(0);
    };
    const auto evaluation = run_session(setup).evaluation;
    INFO(at);
    CHECK(evaluation.verdict.code == VerdictCode::crashed);
    CHECK(evaluation.process_ends.at(0).at == at);
  }
}

TEST_CASE("a reference that dies says nothing about the candidate") {
  auto setup = compared();
  setup.reference->before_calls = [](engine::ControlPage&, std::uint32_t, bool) { _exit(1); };
  const auto evaluation = run_session(setup).evaluation;
  CHECK(evaluation.verdict.code == VerdictCode::reference_failed);
  CHECK(evaluation.compiled == true);
  CHECK_FALSE(evaluation.correctness);
}

TEST_CASE("a runner that hangs is timed out at the deadline") {
  auto setup = compared();
  setup.budget_ms = 700;
  setup.candidate.before_calls = [](engine::ControlPage&, std::uint32_t, bool) { sleep_ms(60'000); };
  const auto outcome = run_session(setup);
  CHECK(outcome.evaluation.verdict.code == VerdictCode::timed_out);
  CHECK(outcome.evaluation.compiled == true);
  CHECK(outcome.evaluation.correctness == false);
  CHECK(outcome.elapsed < std::chrono::milliseconds(3'000));
}

TEST_CASE("a cancel ends the job") {
  auto setup = compared();
  setup.candidate.before_calls = [](engine::ControlPage&, std::uint32_t, bool) { sleep_ms(60'000); };
  std::thread canceller;
  setup.before_run = [&canceller](sandbox::Channel& executor) {
    canceller = std::thread([&executor] {
      sleep_ms(400);
      (void)executor.send(R"({"op":"cancel","job_id":"job"})", sandbox::no_deadline());
    });
  };
  const auto outcome = run_session(setup);
  canceller.join();
  CHECK(outcome.evaluation.verdict.code == VerdictCode::infrastructure_failed);
  CHECK(outcome.evaluation.error.find("cancelled") != std::string::npos);
  CHECK(outcome.elapsed < std::chrono::milliseconds(5'000));
}

TEST_CASE("a lie in an answer is found out") {
  const auto verdict_of = [](const std::string& op, const std::function<void(schemas::Json&)>& lie) {
    auto setup = compared();
    setup.candidate_type = schemas::KernelType::torch;
    setup.candidate.on_answer = [op, lie](const std::string& at, schemas::Json& answer) {
      if (at == op) lie(answer);
    };
    const auto evaluation = run_session(setup).evaluation;
    INFO(evaluation.verdict.summary);
    CHECK(evaluation.correctness == false);
    CHECK_FALSE(evaluation.timing.candidate);
    return evaluation.verdict.code;
  };
  const std::int64_t huge = std::int64_t{1} << 61;
  CHECK(verdict_of("probe", [&](schemas::Json& answer) { answer["outputs"][0]["shape"] = {huge, 8}; }) ==
        VerdictCode::runtime_failed);
  CHECK(verdict_of("probe", [&](schemas::Json& answer) { answer["outputs"][0]["shape"] = {std::int64_t{1} << 45}; }) !=
        VerdictCode::correct);
  CHECK(verdict_of("probe", [](schemas::Json& answer) { answer["outputs"][0]["shape"] = {-5}; }) ==
        VerdictCode::runtime_failed);
  CHECK(verdict_of("probe", [](schemas::Json& answer) { answer["outputs"][0]["dtype"] = "complex128"; }) ==
        VerdictCode::runtime_failed);
  CHECK(verdict_of("probe", [](schemas::Json& answer) { answer["outputs"] = schemas::Json::array(); }) ==
        VerdictCode::runtime_failed);
  CHECK(verdict_of("pass", [](schemas::Json& answer) { answer["calls_ns"].push_back(1); }) ==
        VerdictCode::runtime_failed);
  CHECK(verdict_of("pass", [](schemas::Json& answer) { answer["calls_ns"][0] = -1; }) == VerdictCode::runtime_failed);
  CHECK(verdict_of("pass", [huge](schemas::Json& answer) { answer["calls_ns"][0] = huge; }) ==
        VerdictCode::runtime_failed);
  CHECK(verdict_of("ready", [](schemas::Json& answer) { answer.erase("ready"); }) == VerdictCode::runtime_failed);
  CHECK(verdict_of("load", [](schemas::Json& answer) { answer = schemas::Json::array({1, 2}); }) ==
        VerdictCode::runtime_failed);
  CHECK(verdict_of("load", [](schemas::Json& answer) { answer["has_weights"] = std::string(5 << 20, 'x'); }) ==
        VerdictCode::runtime_failed);
}

TEST_CASE("saying that another window is done is found out") {
  auto setup = compared();
  setup.candidate.before_calls = [](engine::ControlPage& page, std::uint32_t window, bool) {
    page.done.store(window + 1);
    engine::control_wake(page.done);
    sleep_ms(60'000);
  };
  const auto outcome = run_session(setup);
  CHECK(outcome.evaluation.verdict.code == VerdictCode::runtime_failed);
  CHECK(outcome.elapsed < std::chrono::milliseconds(5'000));
}

TEST_CASE("saying done before the work is done leaves poison behind") {
  auto setup = compared();
  setup.candidate.before_calls = [](engine::ControlPage& page, std::uint32_t window, bool timed) {
    if (!timed) return;
    page.done.store(window);
    engine::control_wake(page.done);
    sleep_ms(100);
  };
  const auto evaluation = run_session(setup).evaluation;
  CHECK(evaluation.verdict.code == VerdictCode::incorrect);
}

TEST_CASE("outputs written after the word done do not count") {
  auto setup = compared();
  setup.candidate.compute = [](const FakeCall& call) {
    if (!call.timed) write_all(call, call.elements);
  };
  setup.candidate.after_done = [](const std::vector<FakeCall>& calls, bool timed) {
    sleep_ms(20);
    if (timed)
      for (const FakeCall& call : calls) write_all(call, call.elements);
  };
  const auto evaluation = run_session(setup).evaluation;
  CHECK(evaluation.verdict.code == VerdictCode::incorrect);
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

TEST_CASE("errors of the submission land in the field that clients look at") {
  const auto failing = [](const char* at, const char* kind) {
    auto setup = compared();
    setup.candidate.on_answer = [at, kind](const std::string& op, schemas::Json& answer) {
      if (op == at)
        answer = {{"ok", false},
                  {"error", {{"kind", kind}, {"type", "ValueError"}, {"message", "no"}, {"traceback", "line 3"}}}};
    };
    return run_session(setup).evaluation;
  };
  auto evaluation = failing("load", "syntax");
  CHECK(evaluation.verdict.code == VerdictCode::compilation_failed);
  CHECK(evaluation.compiled == false);
  CHECK(evaluation.compilation_error->find("line 3") != std::string::npos);
  CHECK(failing("load", "import").verdict.code == VerdictCode::compilation_failed);
  evaluation = failing("load", "contract");
  CHECK(evaluation.verdict.code == VerdictCode::runtime_failed);
  CHECK(evaluation.compiled == true);
  CHECK(evaluation.validation_error->find("ValueError: no") != std::string::npos);
  CHECK(failing("pass", "exception").verdict.code == VerdictCode::runtime_failed);
  CHECK(failing("pass", "cuda").verdict.code == VerdictCode::runtime_failed);
  CHECK(failing("probe", "out_of_memory").verdict.code == VerdictCode::out_of_memory);
}

TEST_CASE("a kernel that needs more memory than the job may use is told so") {
  auto setup = compared();
  setup.memory_budget_bytes = 16 << 10;
  const auto evaluation = run_session(setup).evaluation;
  CHECK(evaluation.verdict.code == VerdictCode::out_of_memory);
  CHECK(evaluation.verdict.summary.find("KiB") != std::string::npos);
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
  const auto evaluation = run_session(setup).evaluation;
  CHECK(evaluation.verdict.code == VerdictCode::correct);
}
