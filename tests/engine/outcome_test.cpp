// SPDX-License-Identifier: Apache-2.0
#include "engine/outcome.h"

#include <signal.h>

#include <catch2/catch.hpp>

#include "engine/exit_words.h"

using namespace assay;
using sandbox::ExitKind;
using sandbox::ExitReport;
using schemas::Evaluation;
using schemas::RunnerRole;
using schemas::VerdictCode;

namespace {

ExitReport report_of(ExitKind kind, int code = 0, int signal = 0) {
  ExitReport report;
  report.kind = kind;
  report.code = code;
  report.signal = signal;
  report.output_head = "last words";
  return report;
}

// As the judge leaves it when a runner's channel closed.
Evaluation gone(const std::string& role, const std::string& at) {
  Evaluation evaluation;
  evaluation.verdict.code =
      role == "candidate" ? VerdictCode::crashed : VerdictCode::reference_failed;
  evaluation.compiled = true;
  evaluation.process_ends.push_back({role, at, "exited", {}, {}, ""});
  return evaluation;
}

Evaluation joined(const std::string& role, const std::string& at, const ExitReport& report,
                  bool with_reference = true) {
  Evaluation evaluation = gone(role, at);
  schemas::WorkRequest work;
  if (with_reference) work.reference.emplace();
  engine::add_exit_reports(evaluation, work, {{*schemas::runner_role_from_name(role), report}});
  return evaluation;
}

}  // namespace

TEST_CASE("how the candidate's process ended decides verdict and words") {
  const Evaluation signal = joined("candidate", "pass", report_of(ExitKind::signaled, 0, SIGSEGV));
  CHECK(signal.verdict.code == VerdictCode::crashed);
  CHECK(signal.validation_error ==
        "the kernel's process was killed by signal 11 (SIGSEGV) during its call");
  CHECK(signal.process_ends[0].kind == "signaled");
  CHECK(signal.process_ends[0].signal == SIGSEGV);
  CHECK_FALSE(signal.process_ends[0].code);
  CHECK(signal.process_ends[0].output_tail == "last words");
  CHECK(signal.log_tail == "last words");

  const Evaluation left = joined("candidate", "load", report_of(ExitKind::exited, 0));
  CHECK(left.verdict.code == VerdictCode::crashed);
  CHECK(left.validation_error->find("ended by itself with exit code 0 while its source was loaded, "
                                    "before it answered (os._exit") != std::string::npos);
  CHECK(left.process_ends[0].code == 0);

  const Evaluation alarm = joined("candidate", "bind", report_of(ExitKind::signaled, 0, SIGALRM));
  CHECK(alarm.validation_error ==
        "the kernel's process was killed by signal 14 (SIGALRM) when its arguments were bound");
  const Evaluation broken = joined("candidate", "pass", report_of(ExitKind::exited, 70));
  CHECK(broken.validation_error->find("when its own code fails") != std::string::npos);

  CHECK(joined("candidate", "pass", report_of(ExitKind::out_of_memory)).verdict.code ==
        VerdictCode::out_of_memory);
  CHECK(joined("candidate", "pass", report_of(ExitKind::timed_out)).verdict.code ==
        VerdictCode::timed_out);
  CHECK(joined("candidate", "pass", report_of(ExitKind::killed)).verdict.code ==
        VerdictCode::crashed);
}

TEST_CASE(
    "the reference's end is no fault of the candidate; its inputs are whose source they are") {
  const Evaluation reference = joined("reference", "pass", report_of(ExitKind::exited, 3));
  CHECK(reference.verdict.code == VerdictCode::reference_failed);
  CHECK(reference.validation_error->find("the reference failed: its process ended by itself with "
                                         "exit code 3") == 0);
  CHECK(reference.log_tail.empty());

  Evaluation inputs = gone("inputs", "draw");
  schemas::WorkRequest without;
  inputs.verdict.code = VerdictCode::crashed;
  engine::add_exit_reports(inputs, without, {{RunnerRole::inputs, report_of(ExitKind::exited)}});
  CHECK(inputs.verdict.code == VerdictCode::crashed);
  CHECK(inputs.validation_error->find("in get_inputs()") != std::string::npos);
  CHECK(joined("inputs", "draw", report_of(ExitKind::out_of_memory)).verdict.code ==
        VerdictCode::reference_failed);
}

TEST_CASE("a verdict that does not rest on a process's end is left as it is") {
  Evaluation evaluation;
  evaluation.verdict = {VerdictCode::correct, "fine", ""};
  engine::add_exit_reports(evaluation, {}, {{RunnerRole::candidate, report_of(ExitKind::killed)}});
  CHECK(evaluation.verdict.code == VerdictCode::correct);
  CHECK(evaluation.process_ends.empty());
  // Its word on the time-out is the judge's own.
  Evaluation late = gone("candidate", "pass");
  late.verdict.code = VerdictCode::timed_out;
  engine::add_exit_reports(late, {}, {{RunnerRole::candidate, report_of(ExitKind::killed)}});
  CHECK(late.verdict.code == VerdictCode::timed_out);
}

TEST_CASE("a compilation that failed is the source's fault, or the reference's") {
  schemas::JobSpec spec;
  spec.work.timeout_seconds = 7;
  engine::BuildResult build;
  build.failure = "kernel.cu(2): error: no";
  const Evaluation own = engine::compilation_failed(spec, build, false);
  CHECK(own.verdict.code == VerdictCode::compilation_failed);
  CHECK(own.compiled == false);
  CHECK(own.correctness == false);
  CHECK(own.compilation_error == "kernel.cu(2): error: no");
  CHECK(own.verdict.summary == "It does not compile: kernel.cu(2): error: no");
  build.failure =
      "  File \"<submission>\", line 7\n    a = 012\n         ^\nSyntaxError: leading zeros\n";
  CHECK(engine::compilation_failed(spec, build, false).verdict.summary ==
        "It does not compile: SyntaxError: leading zeros");
  build.failure = "File \"x\"";
  CHECK(engine::compilation_failed(spec, build, false).verdict.summary ==
        "It does not compile: File \"x\"");
  build.failure = "\n";
  CHECK(engine::compilation_failed(spec, build, false).verdict.summary == "It does not compile: ");
  const Evaluation reference = engine::compilation_failed(spec, build, true);
  CHECK(reference.verdict.code == VerdictCode::reference_failed);
  CHECK_FALSE(reference.compiled);
  build.timed_out = true;
  CHECK(engine::compilation_failed(spec, build, false).compilation_error->find("(7 s)") !=
        std::string::npos);
  build.so_far = "cpp_sources:1:9: error: no";
  const Evaluation early = engine::compilation_failed(spec, build, false);
  CHECK(early.compilation_error->find("(7 s); so far: cpp_sources:1:9: error: no") !=
        std::string::npos);
  CHECK(early.verdict.next_step.find("Fix the error") == 0);
}
