// SPDX-License-Identifier: Apache-2.0
#include "tools/summary_text.h"

#include <catch2/catch.hpp>

#include "tools/evaluation_document.h"

namespace {

using assay::schemas::Evaluation;
using assay::schemas::VerdictCode;
using assay::tools::duration_text;
using assay::tools::Standing;
using assay::tools::standing_of;
using assay::tools::summary_text;
using Catch::Contains;

assay::schemas::TimingMethod timing_of(double median_ms) {
  assay::schemas::TimingMethod method;
  method.method = "window_stream";
  method.stats.median = method.stats.mean = method.stats.percentile_95 = median_ms;
  method.stats.n = 100;
  method.stats.kind = "calls";
  return method;
}

Evaluation correct_evaluation() {
  Evaluation evaluation;
  evaluation.verdict = {VerdictCode::correct, "It agrees with the reference in 100 calls.",
                        "Try larger shapes."};
  evaluation.timing.candidate = timing_of(0.05);
  evaluation.timing.reference = timing_of(0.1);
  evaluation.timing.speedup = 2.0;
  evaluation.timing.speedup_low = 1.9;
  evaluation.timing.speedup_high = 2.1;
  return evaluation;
}

TEST_CASE("a duration is shown in the unit a person would choose") {
  CHECK(duration_text(0.0123) == "12.3 µs");
  CHECK(duration_text(1.25) == "1.25 ms");
  CHECK(duration_text(2100) == "2.10 s");
}

TEST_CASE("a correct kernel's summary has verdict, speed-up with interval and next step") {
  const std::string text = summary_text(correct_evaluation());
  CHECK_THAT(text, Contains("CORRECT: It agrees"));
  CHECK_THAT(text, Contains("2.00x faster"));
  CHECK_THAT(text, Contains("95 % interval 1.9 to 2.1"));
  CHECK_THAT(text, Contains("50 µs against 100 µs"));
  CHECK_THAT(text, Contains("Next: Try larger shapes."));
}

TEST_CASE("a slower kernel is called slower, with the factor above one") {
  Evaluation evaluation = correct_evaluation();
  evaluation.timing.speedup = 0.25;
  CHECK_THAT(summary_text(evaluation), Contains("4.00x slower"));
}

TEST_CASE("a wrong kernel's summary shows the worst element with both values and the bound") {
  Evaluation evaluation;
  evaluation.verdict = {VerdictCode::incorrect, "Values differ.", "Look at the last row."};
  evaluation.checks.elements_checked = 1000;
  evaluation.checks.elements_wrong = 7;
  assay::schemas::WorstElement worst;
  worst.output_name = "out";
  worst.index = {3, 14};
  worst.got = 1.5;
  worst.want = 2.5;
  worst.error = 1.0;
  worst.allowed = 0.001;
  evaluation.checks.worst = worst;
  const std::string text = summary_text(evaluation);
  CHECK_THAT(text, Contains("INCORRECT"));
  CHECK_THAT(text, Contains("output out[3, 14] is 1.5, expected 2.5"));
  CHECK_THAT(text, Contains("allowed 0.001"));
  CHECK_THAT(text, Contains("7 of 1000"));
}

TEST_CASE("registers and spills of a compiled kernel are told") {
  Evaluation evaluation;
  evaluation.verdict = {VerdictCode::compiled_only, "It compiled; there is no GPU here.", ""};
  assay::schemas::KernelResources kernel;
  kernel.kernel_name = "vector_add";
  kernel.registers = 12;
  kernel.spill_store_bytes = 0;
  evaluation.compile.push_back({"nvrtc 13.0", "sm_90", 0.02, false, "", {kernel}});
  CHECK_THAT(summary_text(evaluation), Contains("vector_add uses 12 registers, 0 bytes of spills"));
}

TEST_CASE("a long error is cut between characters and the summary stays bounded") {
  Evaluation evaluation;
  evaluation.verdict = {VerdictCode::compilation_failed, "It does not compile.", "Fix line 3."};
  std::string error;
  while (error.size() < 10'000) error += "ä";
  evaluation.compilation_error = error;
  const std::string text = summary_text(evaluation);
  CHECK(text.size() <= assay::tools::kMaxSummaryBytes + 3);
  CHECK_NOTHROW(nlohmann::json(text).dump());  // valid UTF-8
  CHECK_THAT(text, Contains("Next: Fix line 3."));
}

TEST_CASE("each verdict has its standing") {
  Evaluation evaluation;
  evaluation.verdict.code = VerdictCode::incorrect;
  CHECK(standing_of(evaluation) == Standing::answered);
  evaluation.verdict.code = VerdictCode::crashed;
  CHECK(standing_of(evaluation) == Standing::answered);
  evaluation.verdict.code = VerdictCode::reference_failed;
  CHECK(standing_of(evaluation) == Standing::answered);
  evaluation.verdict.code = VerdictCode::infrastructure_failed;
  CHECK(standing_of(evaluation) == Standing::failed);
  evaluation.verdict.code = VerdictCode::compiled_only;
  evaluation.no_device = true;
  CHECK(standing_of(evaluation) == Standing::no_device);
}

TEST_CASE(
    "time used up while running is a time-out, while compiling a kernel that does not compile") {
  Evaluation evaluation;
  evaluation.verdict.code = VerdictCode::timed_out;
  evaluation.compiled = true;
  CHECK(standing_of(evaluation) == Standing::timed_out);
  evaluation.compiled = false;
  CHECK(standing_of(evaluation) == Standing::answered);
}

}  // namespace
