// SPDX-License-Identifier: Apache-2.0
#include "schemas/evaluation.h"

#include <cmath>
#include <limits>

#include <catch2/catch.hpp>

using namespace assay::schemas;

namespace {

Evaluation full_evaluation() {
  Evaluation evaluation;
  evaluation.job_id = "j";
  evaluation.kind = JobKind::compare;
  evaluation.kernel_type = KernelType::cuda;
  evaluation.kernel_name = "add";
  evaluation.verdict = {VerdictCode::incorrect, "wrong", "fix it"};
  evaluation.compiled = true;
  evaluation.correctness = false;
  evaluation.validation_error = "element [1] is wrong";
  TimingMethod method;
  method.method = "window_stream";
  method.how = "judge's clock";
  method.stats = {1, 2, 3, 4, 5, 6, 7, 100, "calls"};
  method.window_ms_per_call = 1.5;
  evaluation.timing.reference = method;
  evaluation.timing.reference->stats.samples = {1.5, 0.25, 1.0};
  TimingMethod other = method;
  other.method = "device_events";
  other.stats.samples = {0.5};
  evaluation.timing.candidate_other = {other};
  evaluation.timing.speedup = 2;
  evaluation.timing.unavailable_reason = "wrong kernels are not timed";
  evaluation.timing.notes = {"n"};
  evaluation.checks.draws = 8;
  evaluation.checks.worst = WorstElement{1,
                                         "y",
                                         {2, 3},
                                         std::numeric_limits<double>::quiet_NaN(),
                                         -std::numeric_limits<double>::infinity(),
                                         5,
                                         6,
                                         7,
                                         8};
  evaluation.checks.tolerances = {{"rule", 1e-4, 1e-4, "float32", true}};
  evaluation.checks.seeds = {9223372036854775807ULL, 1};
  evaluation.checks.noise_seed = 3;
  evaluation.checks.final_kill = true;
  CompileReport report{"nvrtc 13.0", "sm_90", 0.02, true, "log", "slim headers", {}, {}};
  report.stages = {{"record", 0.25}, {"device", 9.5}};
  report.kernels.push_back({"add", 16, 0, 0, 1024, std::nullopt, std::nullopt, 400, 0});
  report.kernels.back().occupancy = 0.75;
  report.kernels.back().occupancy_limiter = "registers";
  report.kernels.emplace_back().kernel_name = "other";
  report.kernels.back().occupancy_unavailable_reason = "not launched";
  evaluation.compile = {report};
  evaluation.device.emplace();
  evaluation.device->kind = DeviceKind::cuda;
  evaluation.device->name = "GPU";
  evaluation.device->sm_clock_mhz = 1980;
  evaluation.tier = "device";
  evaluation.tier_reason = "launched by Python: it is decorated";
  evaluation.autotune = {{"add", "BLOCK: 64", {{"BLOCK: 64", 0.5}, {"BLOCK: 128", std::nullopt}}}};
  evaluation.extra_shapes = {{{{"args", {{"x", {3}}}}}, VerdictCode::incorrect, "wrong", {}},
                             {{{"args", {{"x", {0}}}}}, VerdictCode::correct, "right", {}}};
  evaluation.extra_shapes[0].worst = evaluation.checks.worst;
  evaluation.isolation.layers = {{"L3", "pid_namespace", false, "refused"},
                                 {"L0", "session", true, ""}};
  evaluation.stages = {{"compiling", 0.5}};
  evaluation.process_ends = {{"candidate", "pass", "signaled", std::nullopt, 11, "boom"}};
  evaluation.io_contract.emplace();
  evaluation.warnings = {"w"};
  evaluation.log_tail = "tail";
  evaluation.missing_extension = MissingExtension{"candidate", {{"name", "late"}}};
  return evaluation;
}

}  // namespace

TEST_CASE("an evaluation survives bytes, NaN and infinities included") {
  const Json json = to_json(full_evaluation());
  const auto parsed = parse_json(dump_json(json));
  REQUIRE(parsed.ok());
  const auto back = read_evaluation(*parsed);
  REQUIRE(back.ok());
  CHECK(dump_json(to_json(*back)) == dump_json(json));
  CHECK(std::isnan(back->checks.worst->got));
  CHECK(back->checks.worst->want == -std::numeric_limits<double>::infinity());
}

TEST_CASE("an integer that a double does not hold travels as its digits") {
  Evaluation evaluation;
  WorstElement worst;
  worst.got = worst.want = 1152921504606846976.0;
  worst.exact_got = "1152921504606846977";
  worst.exact_want = "-1152921504606846976";
  worst.error = 1;
  evaluation.checks.worst = worst;
  const Json json = to_json(evaluation);
  CHECK(json["checks"]["worst"]["got"] == "1152921504606846977");
  CHECK(json["checks"]["worst"]["error"] == 1.0);
  const auto back = read_evaluation(json);
  REQUIRE(back.ok());
  CHECK(back->checks.worst->exact_want == "-1152921504606846976");
  CHECK(back->checks.worst->want == -1152921504606846976.0);
  CHECK(back->checks.worst->exact_error.empty());
  CHECK(to_json(*back) == json);
}

TEST_CASE("unknown is null, never 0") {
  Evaluation evaluation;
  evaluation.verdict.code = VerdictCode::compilation_failed;
  evaluation.compiled = false;
  const Json json = to_json(evaluation);
  CHECK(json["kernel_exec_result"]["runtime"].is_null());
  CHECK(json["kernel_exec_result"]["correctness"].is_null());
  CHECK(json["kernel_exec_result"]["metadata"]["gpu_id"].is_null());
  CHECK(json["ref_runtime"].is_null());
  CHECK(json["timing"]["speedup"].is_null());
  CHECK(json["status"] == "success");
}

TEST_CASE("what is null says why") {
  Evaluation evaluation;
  KernelResources kernel;
  kernel.kernel_name = "k";
  kernel.registers = 3;
  evaluation.compile = {{"nvcc", "sm_90", 0.25, false, "", "", {}, {kernel}}};
  const Json json = to_json(evaluation);
  const Json& told = json["compile"][0]["kernels"][0];
  for (const auto& [name, value] : told.items())
    if (value.is_null() && name.ends_with("_bytes")) CHECK(told["unavailable"][name].is_string());
  CHECK_FALSE(told["unavailable"].contains("registers"));
  CHECK(to_json(*read_evaluation(json)) == json);
}

TEST_CASE("status is error only where the old servers answered 500") {
  Evaluation evaluation;
  for (const auto code : {VerdictCode::correct, VerdictCode::crashed, VerdictCode::incorrect,
                          VerdictCode::out_of_memory, VerdictCode::compilation_failed}) {
    evaluation.verdict.code = code;
    CHECK(to_json(evaluation)["status"] == "success");
  }
  evaluation.verdict.code = VerdictCode::timed_out;
  CHECK(to_json(evaluation)["status"] == "error");
  evaluation.compiled = false;  // the compiler used up the time
  CHECK(to_json(evaluation)["status"] == "success");
  evaluation.compiled = true;
  evaluation.verdict.code = VerdictCode::compiled_only;
  evaluation.no_device = true;
  CHECK(to_json(evaluation)["status"] == "error");
}

TEST_CASE("validate keeps its flat fields") {
  Evaluation evaluation;
  evaluation.kind = JobKind::validate;
  evaluation.verdict.code = VerdictCode::ran_unchecked;
  evaluation.compiled = true;
  evaluation.validated = true;
  evaluation.compile = {{"nvrtc", "sm_90", 0.25, false, "", "", {}, {}},
                        {"python", "", 0.5, false, "", "", {}, {}}};
  const Json json = to_json(evaluation);
  CHECK(json["compiled"] == true);
  CHECK(json["validated"] == true);
  CHECK(json["compilation_time"] == 0.75);
  CHECK(json["compilation_error"].is_null());
  CHECK(read_evaluation(json)->validated == true);
  evaluation.compile.clear();
  CHECK(to_json(evaluation)["compilation_time"].is_null());
}

TEST_CASE("a layer counts as applied only where it held everywhere") {
  IsolationReport report{{{"L3", "pid_namespace", true, ""}, {"L2", "no_new_privs", true, ""}}};
  merge(report, {{{"L3", "pid_namespace", false, "masked /proc"}, {"L1", "rlimits", true, ""}}});
  const Json json = to_json(report);
  CHECK(json["applied"].size() == 2);
  REQUIRE(json["missing"].size() == 1);
  CHECK(json["missing"][0]["reason"] == "masked /proc");
}
