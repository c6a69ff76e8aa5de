// SPDX-License-Identifier: Apache-2.0
// Whole sessions against runners that die, hang, lie or fail.
#include <signal.h>
#include <thread>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/engine/judge/session_support.h"

using namespace assay;
using namespace assay::tests;
using schemas::VerdictCode;

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

TEST_CASE("a runner that dies at any stage has crashed") {
  for (const char* at : {"load", "bind", "probe", "pass"})
    for (const bool killed : {false, true}) {
      auto setup = compared();
      setup.candidate.on_request = [at, killed](const std::string& op) {
        if (op == at) killed ? (void)raise(SIGKILL) : _exit(0);
      };
      const auto evaluation = run_session(setup).evaluation;
      INFO(at << (killed ? " killed" : " exited"));
      CHECK(evaluation.verdict.code == VerdictCode::crashed);
      CHECK(evaluation.process_ends.at(0).at == at);
    }
}

TEST_CASE(
    "a reference or a maker of inputs that is killed at any stage says nothing about the "
    "candidate") {
  const auto killed = [](const char* at) {
    FakeScript script;
    script.on_request = [at](const std::string& op) {
      if (op == at) (void)raise(SIGKILL);
    };
    return script;
  };
  for (const char* at : {"load", "bind", "probe", "pass"}) {
    auto setup = compared();
    setup.reference = killed(at);
    const auto evaluation = run_session(setup).evaluation;
    INFO("reference at " << at);
    CHECK(evaluation.verdict.code == VerdictCode::reference_failed);
    CHECK_FALSE(evaluation.correctness);
  }
  for (const char* at : {"load", "init_inputs", "draw"}) {
    auto setup = compared();
    setup.contract = false;
    setup.inputs = killed(at);
    const auto evaluation = run_session(setup).evaluation;
    INFO("inputs at " << at);
    CHECK(evaluation.verdict.code == VerdictCode::reference_failed);
    CHECK_FALSE(evaluation.correctness);
    CHECK_FALSE(evaluation.compiled);
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
  setup.candidate.before_calls = [](engine::ControlPage&, std::uint32_t, bool) {
    sleep_ms(60'000);
  };
  const auto outcome = run_session(setup);
  CHECK(outcome.evaluation.verdict.code == VerdictCode::timed_out);
  CHECK(outcome.evaluation.compiled == true);
  CHECK(outcome.evaluation.correctness == false);
  CHECK(outcome.elapsed < std::chrono::milliseconds(3'000));
}

TEST_CASE("a cancel ends the job") {
  auto setup = compared();
  setup.candidate.before_calls = [](engine::ControlPage&, std::uint32_t, bool) {
    sleep_ms(60'000);
  };
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
  const auto verdict_of = [](const std::string& op,
                             const std::function<void(schemas::Json&)>& lie) {
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
  CHECK(verdict_of("probe", [&](schemas::Json& answer) {
          answer["outputs"][0]["shape"] = {huge, 8};
        }) == VerdictCode::runtime_failed);
  CHECK(verdict_of("probe", [&](schemas::Json& answer) {
          answer["outputs"][0]["shape"] = {std::int64_t{1} << 45};
        }) != VerdictCode::correct);
  CHECK(verdict_of("probe", [](schemas::Json& answer) { answer["outputs"][0]["shape"] = {-5}; }) ==
        VerdictCode::runtime_failed);
  CHECK(verdict_of("probe", [](schemas::Json& answer) {
          answer["outputs"][0]["dtype"] = "complex128";
        }) == VerdictCode::runtime_failed);
  CHECK(verdict_of("probe", [](schemas::Json& answer) {
          answer["outputs"] = schemas::Json::array();
        }) == VerdictCode::runtime_failed);
  CHECK(verdict_of("pass", [](schemas::Json& answer) { answer["calls_ns"].push_back(1); }) ==
        VerdictCode::runtime_failed);
  CHECK(verdict_of("pass", [](schemas::Json& answer) { answer["calls_ns"][0] = -1; }) ==
        VerdictCode::runtime_failed);
  CHECK(verdict_of("pass", [huge](schemas::Json& answer) { answer["calls_ns"][0] = huge; }) ==
        VerdictCode::runtime_failed);
  CHECK(verdict_of("ready", [](schemas::Json& answer) { answer.erase("ready"); }) ==
        VerdictCode::runtime_failed);
  CHECK(verdict_of("load", [](schemas::Json& answer) {
          answer = schemas::Json::array({1, 2});
        }) == VerdictCode::runtime_failed);
  CHECK(verdict_of("load", [](schemas::Json& answer) {
          answer["has_weights"] = std::string(5 << 20, 'x');
        }) == VerdictCode::runtime_failed);
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
  CHECK(evaluation.correctness == false);
  CHECK_FALSE(evaluation.timing.candidate);
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

TEST_CASE("errors of the submission land in the field that clients look at") {
  const auto failing = [](const char* at, const char* kind) {
    auto setup = compared();
    setup.candidate.on_answer = [at, kind](const std::string& op, schemas::Json& answer) {
      if (op == at)
        answer = {
            {"ok", false},
            {"error",
             {{"kind", kind}, {"type", "ValueError"}, {"message", "no"}, {"traceback", "line 3"}}}};
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
  const auto greedy = failing("probe", "out_of_memory");
  CHECK(greedy.verdict.code == VerdictCode::out_of_memory);
  CHECK(greedy.correctness == false);
}

TEST_CASE("more inputs than a contract holds are a fault of get_inputs, told with their number") {
  for (const int count : {256, 257}) {
    auto setup = compared();
    setup.contract = false;
    setup.candidate_type = schemas::KernelType::torch;
    setup.inputs = FakeScript{};
    setup.inputs->draw_tensors = count;
    setup.inputs->draw_elements = 1;
    const auto evaluation = run_session(setup).evaluation;
    INFO(evaluation.verdict.summary);
    CHECK(evaluation.verdict.code != VerdictCode::infrastructure_failed);
    const bool is_refused =
        evaluation.verdict.summary.find(
            "get_inputs() returned 257 values; at most 256 are allowed") != std::string::npos;
    CHECK(is_refused == (count > 256));
    // What is told can be read where it goes.
    CHECK(schemas::read_evaluation(schemas::to_json(evaluation)).ok());
  }
}

TEST_CASE("a missing extension is handed up with whose it is") {
  for (const char* at : {"load", "probe", "pass"}) {
    auto setup = compared();
    setup.candidate.on_answer = [at](const std::string& op, schemas::Json& answer) {
      if (op == at)
        answer = {
            {"ok", false},
            {"error", {{"kind", "extension"}, {"message", "no"}, {"call", {{"name", "late"}}}}}};
    };
    const auto evaluation = run_session(setup).evaluation;
    INFO(at);
    CHECK(evaluation.verdict.code == VerdictCode::runtime_failed);
    REQUIRE(evaluation.missing_extension);
    CHECK(evaluation.missing_extension->role == "candidate");
    CHECK(evaluation.missing_extension->call["name"] == "late");
  }
}

TEST_CASE("a runner that fails before it was given the submission is our failure") {
  for (const bool killed : {false, true}) {
    auto setup = compared();
    setup.candidate.on_request = [killed](const std::string& op) {
      if (op == "prepare") killed ? (void)raise(SIGKILL) : _exit(0);
    };
    const auto evaluation = run_session(setup).evaluation;
    CHECK(evaluation.verdict.code == VerdictCode::infrastructure_failed);
    CHECK(evaluation.retryable);
    CHECK_FALSE(evaluation.compiled);
  }
}
