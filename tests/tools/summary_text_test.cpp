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
using Catch::EndsWith;

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

TEST_CASE("a summary begins with the verdict's sentence and ends with the next step") {
  const std::string text = summary_text(correct_evaluation());
  CHECK(text.find("It agrees with the reference in 100 calls.") == 0);
  CHECK_THAT(text, Contains("Timing: 100 calls by window_stream, 95th percentile 50 µs."));
  CHECK_THAT(text, EndsWith("Next: Try larger shapes."));
}

TEST_CASE("a figure of the CPU is not taken for one of a GPU") {
  Evaluation evaluation = correct_evaluation();
  evaluation.tier = "cpu";
  CHECK_THAT(summary_text(evaluation), Contains("on the CPU and not on a GPU"));
}

TEST_CASE("an error is told once: not again where the verdict's sentence has it") {
  Evaluation evaluation;
  evaluation.verdict = {VerdictCode::output_mismatch, "They do not fit: shape [3] against [4].",
                        ""};
  evaluation.validation_error = "shape [3] against [4]";
  CHECK(summary_text(evaluation) == "They do not fit: shape [3] against [4].");
  evaluation.validation_error = "Traceback: line 3";
  CHECK_THAT(summary_text(evaluation), Contains("Error: Traceback: line 3"));
}

TEST_CASE("why a right kernel was not timed, and what is missing, is told") {
  Evaluation evaluation = correct_evaluation();
  evaluation.timing = {};
  evaluation.timing.unavailable_reason = "too little time was left";
  evaluation.isolation.layers.push_back({"L3", "pid_namespace", false, "masked /proc"});
  CHECK_THAT(summary_text(evaluation), Contains("Not timed: too little time was left."));
  CHECK_THAT(summary_text(evaluation), Contains("1 isolation layer was missing"));
}

TEST_CASE("registers and spills of a compiled kernel are told") {
  Evaluation evaluation;
  evaluation.verdict = {VerdictCode::compiled_only, "It compiled; there is no GPU here.", ""};
  assay::schemas::KernelResources kernel;
  kernel.kernel_name = "vector_add";
  kernel.registers = 12;
  kernel.spill_store_bytes = 0;
  evaluation.compile.push_back({"nvrtc 13.0", "sm_90", 0.02, false, "", "", {}, {kernel}});
  CHECK_THAT(summary_text(evaluation), Contains("vector_add uses 12 registers, 0 bytes of spills"));
  CHECK(summary_text(evaluation).find("occupancy") == std::string::npos);
  auto& shown = evaluation.compile.back().kernels.back();
  shown.occupancy = 0.5;
  shown.occupancy_limiter = "shared_memory";
  CHECK_THAT(summary_text(evaluation),
             Contains("50 % theoretical occupancy (limited by shared memory)."));
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
