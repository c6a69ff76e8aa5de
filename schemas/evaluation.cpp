// SPDX-License-Identifier: Apache-2.0
// Writing an Evaluation as the document that clients get. Reading it back: evaluation_read.cpp.
#include "schemas/evaluation.h"

#include <algorithm>
#include <cmath>

#include "schemas/evaluation_words.h"

namespace assay::schemas {
namespace {

const std::vector<std::string> kVerdictNames = {
    "correct",         "ran_unchecked",      "compiled_only",    "incorrect",
    "output_mismatch", "compilation_failed", "runtime_failed",   "crashed",
    "timed_out",       "out_of_memory",      "reference_failed", "infrastructure_failed"};

template <typename T>
Json optional_json(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

// JSON has no NaN or infinities; a reader must still see which one it was.
Json float_json(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return value;
}

Json figure_json(double value, const std::string& exact) {
  return exact.empty() ? float_json(value) : Json(exact);
}

Json to_json(const RuntimeStats& stats) {
  return {{"mean", stats.mean},
          {"std", stats.std},
          {"min", stats.min},
          {"max", stats.max},
          {"median", stats.median},
          {"percentile_95", stats.percentile_95},
          {"percentile_99", stats.percentile_99},
          {"n", stats.n},
          {"kind", stats.kind},
          {"unit", "ms"}};
}

Json to_json(const TimingMethod& method) {
  return {{"method", method.method},
          {"how", method.how},
          {"stats", to_json(method.stats)},
          {"window_ms_per_call", optional_json(method.window_ms_per_call)},
          {"events_ms_per_call", optional_json(method.events_ms_per_call)},
          {"copy_ms_per_call", optional_json(method.copy_ms_per_call)},
          {"empty_window_ms", optional_json(method.empty_window_ms)}};
}

Json to_json(const WorstElement& worst) {
  return {{"output", worst.output},
          {"output_name", worst.output_name},
          {"index", worst.index},
          {"got", figure_json(worst.got, worst.exact_got)},
          {"want", figure_json(worst.want, worst.exact_want)},
          {"error", figure_json(worst.error, worst.exact_error)},
          {"allowed", float_json(worst.allowed)},
          {"slot", worst.slot},
          {"window", worst.window}};
}

Json to_json(const ToleranceRule& rule) {
  return {{"rule", rule.rule},
          {"atol", rule.atol},
          {"rtol", rule.rtol},
          {"dtype", rule.dtype},
          {"from_caller", rule.from_caller}};
}

// Why a figure is null, by its name.
Json unavailable_json(const KernelResources& kernel) {
  const char* untold = "this way of compiling does not tell it";
  Json reasons = Json::object();
  const auto note = [&](const char* name, const std::optional<std::int64_t>& figure,
                        const char* reason) {
    if (!figure) reasons[name] = reason;
  };
  note("registers", kernel.registers, untold);
  note("spill_store_bytes", kernel.spill_store_bytes, untold);
  note("spill_load_bytes", kernel.spill_load_bytes, untold);
  note("shared_static_bytes", kernel.shared_static_bytes, untold);
  note("shared_dynamic_bytes", kernel.shared_dynamic_bytes,
       "chosen at the launch, which is the submission's own");
  note("local_bytes", kernel.local_bytes, untold);
  note("constant_bytes", kernel.constant_bytes, untold);
  note("stack_bytes", kernel.stack_bytes, untold);
  return reasons;
}

Json to_json(const KernelResources& kernel) {
  return {{"kernel_name", kernel.kernel_name},
          {"registers", optional_json(kernel.registers)},
          {"spill_store_bytes", optional_json(kernel.spill_store_bytes)},
          {"spill_load_bytes", optional_json(kernel.spill_load_bytes)},
          {"shared_static_bytes", optional_json(kernel.shared_static_bytes)},
          {"shared_dynamic_bytes", optional_json(kernel.shared_dynamic_bytes)},
          {"local_bytes", optional_json(kernel.local_bytes)},
          {"constant_bytes", optional_json(kernel.constant_bytes)},
          {"stack_bytes", optional_json(kernel.stack_bytes)},
          {"occupancy", optional_json(kernel.occupancy)},
          {"occupancy_limiter", kernel.occupancy ? Json(kernel.occupancy_limiter) : Json(nullptr)},
          {"occupancy_unavailable_reason", kernel.occupancy_unavailable_reason},
          {"unavailable", unavailable_json(kernel)}};
}

Json to_json(const StageTime& stage) {
  return {{"name", stage.name}, {"seconds", stage.seconds}};
}

Json to_json(const ProcessEnd& end) {
  return {{"role", end.role},
          {"at", end.at},
          {"kind", end.kind},
          {"code", optional_json(end.code)},
          {"signal", optional_json(end.signal)},
          {"output_tail", end.output_tail}};
}

Json to_json(const ShapeCheck& check) {
  return {{"substitution", check.substitution},
          {"code", verdict_code_name(check.code)},
          {"summary", check.summary},
          {"worst", check.worst ? to_json(*check.worst) : Json(nullptr)}};
}

template <typename T>
Json list_json(const std::vector<T>& items) {
  Json list = Json::array();
  for (const auto& item : items) list.push_back(to_json(item));
  return list;
}

Json stats_or_null(const std::optional<TimingMethod>& method) {
  return method ? to_json(method->stats) : Json(nullptr);
}

Json metadata_json(const Evaluation& evaluation) {
  Json metadata = {{"kernel_name", evaluation.kernel_name},
                   {"kernel_type", kernel_type_name(evaluation.kernel_type)},
                   {"gpu_id", nullptr},
                   {"gpu_type", nullptr},
                   {"cuda_version", nullptr},
                   {"device", nullptr},
                   {"device_metrics", nullptr}};
  if (evaluation.device) {
    const bool gpu = evaluation.device->kind == DeviceKind::cuda;
    metadata["device"] = device_kind_name(evaluation.device->kind);
    if (gpu) metadata["gpu_id"] = evaluation.device->index;
    if (gpu) metadata["gpu_type"] = evaluation.device->name;
    if (gpu) metadata["cuda_version"] = evaluation.device->cuda_version;
  }
  return metadata;
}

Json kernel_exec_result(const Evaluation& evaluation) {
  return {{"compiled", optional_json(evaluation.compiled)},
          {"correctness", optional_json(evaluation.correctness)},
          {"runtime", evaluation.timing.candidate ? Json(evaluation.timing.candidate->stats.mean)
                                                  : Json(nullptr)},
          {"runtime_stats", stats_or_null(evaluation.timing.candidate)},
          {"compilation_error", optional_json(evaluation.compilation_error)},
          {"validation_error", optional_json(evaluation.validation_error)},
          {"metadata", metadata_json(evaluation)}};
}

// As the old server gave it; null where nothing was compiled.
Json compile_seconds(const Evaluation& evaluation) {
  if (evaluation.compile.empty()) return nullptr;
  double seconds = 0;
  for (const auto& report : evaluation.compile) seconds += report.seconds;
  return seconds;
}

}  // namespace

const std::vector<std::string>& verdict_code_names() {
  return kVerdictNames;
}
const std::string& verdict_code_name(VerdictCode code) {
  return kVerdictNames[static_cast<std::size_t>(code)];
}

std::optional<VerdictCode> verdict_code_from_name(const std::string& name) {
  const auto found = std::find(kVerdictNames.begin(), kVerdictNames.end(), name);
  if (found == kVerdictNames.end()) return std::nullopt;
  return static_cast<VerdictCode>(found - kVerdictNames.begin());
}

Json to_json(const Tuning& tuning) {
  Json trials = Json::array();
  for (const Tuning::Trial& trial : tuning.trials)
    trials.push_back({{"config", trial.config}, {"ms", optional_json(trial.ms)}});
  return {{"kernel", tuning.kernel},
          {"chosen", tuning.chosen},
          {"trials", std::move(trials)},
          {"how", "Triton's autotuner in the kernel's own process; not checked"}};
}

Json to_json(const Timing& timing) {
  return {{"unit", "ms"},
          {"candidate", timing.candidate ? to_json(*timing.candidate) : Json(nullptr)},
          {"reference", timing.reference ? to_json(*timing.reference) : Json(nullptr)},
          {"candidate_other", list_json(timing.candidate_other)},
          {"reference_other", list_json(timing.reference_other)},
          {"speedup", optional_json(timing.speedup)},
          {"speedup_low", optional_json(timing.speedup_low)},
          {"speedup_high", optional_json(timing.speedup_high)},
          {"unavailable_reason", timing.unavailable_reason},
          {"notes", timing.notes}};
}

Json to_json(const Checks& checks) {
  return {{"draws", checks.draws},
          {"slots", checks.slots},
          {"windows", checks.windows},
          {"calls_checked", checks.calls_checked},
          {"calls_failed", checks.calls_failed},
          {"elements_checked", checks.elements_checked},
          {"elements_wrong", checks.elements_wrong},
          {"worst", checks.worst ? to_json(*checks.worst) : Json(nullptr)},
          {"tolerances", list_json(checks.tolerances)},
          {"inputs", checks.inputs},
          {"seeds", checks.seeds},
          {"noise_seed", optional_json(checks.noise_seed)},
          {"final_kill", checks.final_kill},
          {"outputs_poisoned", checks.outputs_poisoned}};
}

Json to_json(const CompileReport& report) {
  return {{"tool", report.tool},
          {"architecture", report.architecture},
          {"seconds", report.seconds},
          {"cache_hit", report.cache_hit},
          {"log", report.log},
          {"way", report.way},
          {"stages", list_json(report.stages)},
          {"kernels", list_json(report.kernels)}};
}

bool is_error(const Evaluation& evaluation) {
  // What used up the time while it compiled did not compile: an ordinary answer.
  const bool ran_out_of_time =
      evaluation.verdict.code == VerdictCode::timed_out && evaluation.compiled.value_or(true);
  return evaluation.no_device || ran_out_of_time ||
         evaluation.verdict.code == VerdictCode::infrastructure_failed;
}

namespace {

Json samples_json(const Timing& timing) {
  Json list = Json::array();
  each_method(timing, [&list](const char* side, const TimingMethod& method) {
    if (!method.stats.samples.empty())
      list.push_back({{"side", side}, {"method", method.method}, {"ms", method.stats.samples}});
  });
  return list;
}

}  // namespace

Json to_json(const Evaluation& evaluation) {
  const bool is_validate = evaluation.kind == JobKind::validate;
  Json json = {
      {"job_id", evaluation.job_id},
      {"status", is_error(evaluation) ? "error" : "success"},
      {"verdict",
       {{"code", verdict_code_name(evaluation.verdict.code)},
        {"summary", evaluation.verdict.summary},
        {"next_step", evaluation.verdict.next_step}}},
      {"kernel_exec_result", kernel_exec_result(evaluation)},
      {"ref_runtime", stats_or_null(evaluation.timing.reference)},
      {"kind", job_kind_name(evaluation.kind)},
      {"timing", to_json(evaluation.timing)},
      {"checks", to_json(evaluation.checks)},
      {"compile", list_json(evaluation.compile)},
      {"device", evaluation.device ? to_json(*evaluation.device) : Json(nullptr)},
      {"tier", evaluation.tier},
      {"tier_reason",
       evaluation.tier_reason.empty() ? Json(nullptr) : Json(evaluation.tier_reason)},
      {"isolation", to_json(evaluation.isolation)},
      {"stages", list_json(evaluation.stages)},
      {"process_ends", list_json(evaluation.process_ends)},
      {"io_contract", evaluation.io_contract ? to_json(*evaluation.io_contract) : Json(nullptr)},
      {"no_device", evaluation.no_device},
      {"warnings", evaluation.warnings},
      {"log_tail", evaluation.log_tail}};
  if (is_error(evaluation) || !evaluation.error.empty()) {
    json["error"] = evaluation.error.empty() ? evaluation.verdict.summary : evaluation.error;
    json["retryable"] = evaluation.retryable;
  }
  if (Json samples = samples_json(evaluation.timing); !samples.empty())
    json["timing_samples"] = std::move(samples);
  if (!evaluation.autotune.empty()) json["autotune"] = list_json(evaluation.autotune);
  if (!evaluation.extra_shapes.empty()) json["extra_shapes"] = list_json(evaluation.extra_shapes);
  if (evaluation.missing_extension) {
    json["missing_extension"] = {{"role", evaluation.missing_extension->role},
                                 {"call", evaluation.missing_extension->call}};
  }
  if (is_validate) {
    json["compiled"] = optional_json(evaluation.compiled);
    json["validated"] = optional_json(evaluation.validated);
    json["compilation_error"] = optional_json(evaluation.compilation_error);
    json["validation_error"] = optional_json(evaluation.validation_error);
    json["compilation_time"] = compile_seconds(evaluation);
  }
  return json;
}

}  // namespace assay::schemas
