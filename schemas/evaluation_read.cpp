// SPDX-License-Identifier: Apache-2.0
// Reading an Evaluation back: from a judge, from the job table, from another executor.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "schemas/evaluation.h"
#include "schemas/evaluation_words.h"
#include "schemas/extra_shapes.h"
#include "schemas/requests.h"

namespace assay::schemas {
namespace {

constexpr std::size_t kMaxText = std::size_t{1} << 20;
constexpr std::size_t kMaxItems = 16384;
constexpr std::size_t kMaxConfigBytes = 1024;

std::string text(ObjectReader& reader, const char* key) {
  return reader.optional_string(key, kMaxText).value_or("");
}

double float_value(ObjectReader& reader, const char* key) {
  const Json* value = reader.raw(key);
  if (value != nullptr && value->is_string()) {
    const std::string word = value->get<std::string>();
    if (word == "NaN") return std::numeric_limits<double>::quiet_NaN();
    if (word == "Infinity") return std::numeric_limits<double>::infinity();
    if (word == "-Infinity") return -std::numeric_limits<double>::infinity();
  }
  return reader.optional_number(key).value_or(0);
}

constexpr std::size_t kMaxIntegerDigits = 20;  // of 2^64, and a sign

bool is_integer_text(const std::string& text) {
  const std::size_t sign = text.starts_with('-') ? 1 : 0;
  return text.size() > sign && text.size() <= sign + kMaxIntegerDigits &&
         text.find_first_not_of("0123456789", sign) == std::string::npos;
}

// A figure and, where it came as a string of digits, those.
void read_figure(ObjectReader& reader, const char* key, double& value, std::string& exact) {
  const Json* json = reader.raw(key);
  if (json != nullptr && json->is_string() && is_integer_text(json->get<std::string>())) {
    exact = json->get<std::string>();
    value = std::strtod(exact.c_str(), nullptr);
  } else {
    value = float_value(reader, key);
  }
}

std::int64_t count(ObjectReader& reader, const char* key) {
  return reader.int_or(key, 0, 0, kNoLimit);
}

std::vector<std::string> texts(ObjectReader& reader, const char* key) {
  std::vector<std::string> list;
  reader.each(key, kMaxItems, false, [&](const Json& item, const std::string&) {
    if (item.is_string()) list.push_back(item.get<std::string>());
  });
  return list;
}

RuntimeStats read_stats(const Json& json, const std::string& path, Diagnostics& diagnostics) {
  ObjectReader reader(json, path, diagnostics);
  RuntimeStats stats;
  const auto number = [&](const char* key) { return reader.optional_number(key).value_or(0); };
  stats.mean = number("mean");
  stats.std = number("std");
  stats.min = number("min");
  stats.max = number("max");
  stats.median = number("median");
  stats.percentile_95 = number("percentile_95");
  stats.percentile_99 = number("percentile_99");
  stats.n = count(reader, "n");
  stats.kind = text(reader, "kind");
  return stats;
}

TimingMethod read_method(const Json& json, const std::string& path, Diagnostics& diagnostics) {
  ObjectReader reader(json, path, diagnostics);
  TimingMethod method;
  method.method = text(reader, "method");
  method.how = text(reader, "how");
  if (const Json* stats = reader.raw("stats"))
    method.stats = read_stats(*stats, path + ".stats", diagnostics);
  method.window_ms_per_call = reader.optional_number("window_ms_per_call");
  method.events_ms_per_call = reader.optional_number("events_ms_per_call");
  method.copy_ms_per_call = reader.optional_number("copy_ms_per_call");
  method.empty_window_ms = reader.optional_number("empty_window_ms");
  return method;
}

TimingMethod* method_named(const std::string& name, std::optional<TimingMethod>& first,
                           std::vector<TimingMethod>& others) {
  if (first && first->method == name) return &*first;
  const auto found = std::find_if(others.begin(), others.end(), [&](const TimingMethod& method) {
    return method.method == name;
  });
  return found == others.end() ? nullptr : &*found;
}

void read_samples(ObjectReader& reader, Timing& timing, Diagnostics& diagnostics) {
  reader.each("timing_samples", 64, false, [&](const Json& item, const std::string& at) {
    ObjectReader fields(item, at, diagnostics);
    const bool candidate = text(fields, "side") == "candidate";
    TimingMethod* method =
        candidate ? method_named(text(fields, "method"), timing.candidate, timing.candidate_other)
                  : method_named(text(fields, "method"), timing.reference, timing.reference_other);
    const Json* list = fields.raw("ms");
    if (method == nullptr || list == nullptr || !list->is_array() ||
        list->size() > static_cast<std::size_t>(kMaxTrials))
      return fields.error("ms", "must be the samples of a method of timing");
    for (const Json& sample : *list)
      if (sample.is_number()) method->stats.samples.push_back(sample.get<double>());
  });
}

Timing read_timing(const Json& json, const std::string& path, Diagnostics& diagnostics) {
  ObjectReader reader(json, path, diagnostics);
  Timing timing;
  if (const Json* method = reader.raw("candidate"))
    timing.candidate = read_method(*method, reader.path_of("candidate"), diagnostics);
  if (const Json* method = reader.raw("reference"))
    timing.reference = read_method(*method, reader.path_of("reference"), diagnostics);
  reader.each("candidate_other", 16, false, [&](const Json& method, const std::string& at) {
    timing.candidate_other.push_back(read_method(method, at, diagnostics));
  });
  reader.each("reference_other", 16, false, [&](const Json& method, const std::string& at) {
    timing.reference_other.push_back(read_method(method, at, diagnostics));
  });
  timing.speedup = reader.optional_number("speedup", 0);
  timing.speedup_low = reader.optional_number("speedup_low", 0);
  timing.speedup_high = reader.optional_number("speedup_high", 0);
  timing.unavailable_reason = text(reader, "unavailable_reason");
  timing.notes = texts(reader, "notes");
  return timing;
}

WorstElement read_worst(const Json& json, const std::string& path, Diagnostics& diagnostics) {
  ObjectReader reader(json, path, diagnostics);
  WorstElement worst;
  worst.output = count(reader, "output");
  worst.output_name = text(reader, "output_name");
  reader.each("index", kMaxTensorRank, false, [&](const Json& position, const std::string&) {
    if (position.is_number_integer()) worst.index.push_back(position.get<std::int64_t>());
  });
  read_figure(reader, "got", worst.got, worst.exact_got);
  read_figure(reader, "want", worst.want, worst.exact_want);
  read_figure(reader, "error", worst.error, worst.exact_error);
  worst.allowed = float_value(reader, "allowed");
  worst.slot = count(reader, "slot");
  worst.window = count(reader, "window");
  return worst;
}

Checks read_checks(const Json& json, const std::string& path, Diagnostics& diagnostics) {
  ObjectReader reader(json, path, diagnostics);
  Checks checks;
  checks.draws = count(reader, "draws");
  checks.slots = count(reader, "slots");
  checks.windows = count(reader, "windows");
  checks.calls_checked = count(reader, "calls_checked");
  checks.calls_failed = count(reader, "calls_failed");
  checks.elements_checked = count(reader, "elements_checked");
  checks.elements_wrong = count(reader, "elements_wrong");
  if (const Json* worst = reader.raw("worst"))
    checks.worst = read_worst(*worst, reader.path_of("worst"), diagnostics);
  reader.each("tolerances", kMaxArguments, false, [&](const Json& element, const std::string& at) {
    ObjectReader rule(element, at, diagnostics);
    checks.tolerances.push_back({text(rule, "rule"), rule.optional_number("atol").value_or(0),
                                 rule.optional_number("rtol").value_or(0), text(rule, "dtype"),
                                 rule.bool_or("from_caller", false)});
  });
  checks.inputs = text(reader, "inputs");
  reader.each("seeds", kMaxItems, false, [&](const Json& seed, const std::string&) {
    if (seed.is_number_integer()) checks.seeds.push_back(seed.get<std::uint64_t>());
  });
  if (const Json* seed = reader.raw("noise_seed"); seed != nullptr && seed->is_number_integer())
    checks.noise_seed = seed->get<std::uint64_t>();
  checks.final_kill = reader.bool_or("final_kill", false);
  checks.outputs_poisoned = reader.bool_or("outputs_poisoned", false);
  return checks;
}

KernelResources read_resources(const Json& json, const std::string& path,
                               Diagnostics& diagnostics) {
  ObjectReader reader(json, path, diagnostics);
  KernelResources kernel;
  kernel.kernel_name = text(reader, "kernel_name");
  read_resource_figures(reader, kernel);
  kernel.occupancy = reader.optional_number("occupancy", 0, 1);
  kernel.occupancy_limiter = text(reader, "occupancy_limiter");
  kernel.occupancy_unavailable_reason = text(reader, "occupancy_unavailable_reason");
  return kernel;
}

void read_result(const Json& json, Evaluation& evaluation, Diagnostics& diagnostics) {
  ObjectReader reader(json, "kernel_exec_result", diagnostics);
  evaluation.compiled = reader.optional_bool("compiled");
  evaluation.correctness = reader.optional_bool("correctness");
  evaluation.compilation_error = reader.optional_string("compilation_error", kMaxText);
  evaluation.validation_error = reader.optional_string("validation_error", kMaxText);
  if (const Json* metadata = reader.raw("metadata")) {
    ObjectReader fields(*metadata, "kernel_exec_result.metadata", diagnostics);
    evaluation.kernel_name = text(fields, "kernel_name");
    if (const auto type = fields.optional_word("kernel_type", kernel_type_names()))
      evaluation.kernel_type = static_cast<KernelType>(*type);
  }
}

void read_stages(ObjectReader& reader, std::vector<StageTime>& stages) {
  reader.each("stages", 64, false, [&](const Json& element, const std::string& at) {
    ObjectReader stage(element, at, reader.diagnostics());
    stages.push_back({text(stage, "name"), stage.optional_number("seconds", 0).value_or(0)});
  });
}

void read_lists(ObjectReader& reader, Evaluation& evaluation) {
  Diagnostics& diagnostics = reader.diagnostics();
  reader.each("compile", 64, false, [&](const Json& report, const std::string& at) {
    evaluation.compile.push_back(read_compile_report(report, at, diagnostics));
  });
  read_stages(reader, evaluation.stages);
  reader.each("process_ends", 16, false, [&](const Json& element, const std::string& at) {
    ObjectReader end(element, at, diagnostics);
    evaluation.process_ends.push_back({text(end, "role"), text(end, "at"), text(end, "kind"),
                                       end.optional_int("code", -kNoLimit, kNoLimit),
                                       end.optional_int("signal", 0, 1024),
                                       text(end, "output_tail")});
  });
}

ShapeCheck read_shape_check(const Json& json, const std::string& path, Diagnostics& diagnostics) {
  ObjectReader reader(json, path, diagnostics);
  ShapeCheck check;
  if (const Json* substitution = reader.raw("substitution")) check.substitution = *substitution;
  if (const auto code = reader.required_word("code", verdict_code_names()))
    check.code = static_cast<VerdictCode>(*code);
  check.summary = text(reader, "summary");
  if (const Json* worst = reader.raw("worst"))
    check.worst = read_worst(*worst, reader.path_of("worst"), diagnostics);
  return check;
}

}  // namespace

std::vector<Tuning> read_autotune(ObjectReader& reader) {
  std::vector<Tuning> tunings;
  reader.each("autotune", kMaxTunings, false, [&](const Json& json, const std::string& path) {
    ObjectReader fields(json, path, reader.diagnostics());
    Tuning tuning;
    tuning.kernel = fields.required_string("kernel", kMaxConfigBytes);
    tuning.chosen = fields.required_string("chosen", kMaxConfigBytes);
    fields.each("trials", kMaxTrialsOfTuning, false, [&](const Json& trial, const std::string& at) {
      ObjectReader one(trial, at, reader.diagnostics());
      tuning.trials.push_back(
          {one.required_string("config", kMaxConfigBytes), one.optional_number("ms", 0)});
    });
    tunings.push_back(std::move(tuning));
  });
  return tunings;
}

CompileReport read_compile_report(const Json& json, const std::string& path,
                                  Diagnostics& diagnostics) {
  ObjectReader reader(json, path, diagnostics);
  CompileReport report;
  report.tool = text(reader, "tool");
  report.architecture = text(reader, "architecture");
  report.seconds = reader.optional_number("seconds", 0).value_or(0);
  report.cache_hit = reader.bool_or("cache_hit", false);
  report.log = text(reader, "log");
  report.way = text(reader, "way");
  read_stages(reader, report.stages);
  reader.each("kernels", 1024, false, [&](const Json& kernel, const std::string& at) {
    report.kernels.push_back(read_resources(kernel, at, diagnostics));
  });
  return report;
}

void read_resource_figures(ObjectReader& reader, KernelResources& kernel) {
  kernel.registers = reader.optional_int("registers", 0, kNoLimit);
  kernel.spill_store_bytes = reader.optional_int("spill_store_bytes", 0, kNoLimit);
  kernel.spill_load_bytes = reader.optional_int("spill_load_bytes", 0, kNoLimit);
  kernel.shared_static_bytes = reader.optional_int("shared_static_bytes", 0, kNoLimit);
  kernel.shared_dynamic_bytes = reader.optional_int("shared_dynamic_bytes", 0, kNoLimit);
  kernel.local_bytes = reader.optional_int("local_bytes", 0, kNoLimit);
  kernel.constant_bytes = reader.optional_int("constant_bytes", 0, kNoLimit);
  kernel.stack_bytes = reader.optional_int("stack_bytes", 0, kNoLimit);
}

Result<Evaluation> read_evaluation(const Json& json) {
  Diagnostics diagnostics;
  ObjectReader reader(json, "", diagnostics);
  Evaluation evaluation;
  evaluation.job_id = text(reader, "job_id");
  if (const auto kind = reader.required_word("kind", job_kind_names()))
    evaluation.kind = static_cast<JobKind>(*kind);
  if (const Json* verdict = reader.raw("verdict")) {
    ObjectReader fields(*verdict, "verdict", diagnostics);
    if (const auto code = fields.required_word("code", verdict_code_names()))
      evaluation.verdict.code = static_cast<VerdictCode>(*code);
    evaluation.verdict.summary = text(fields, "summary");
    evaluation.verdict.next_step = text(fields, "next_step");
  } else {
    reader.error("verdict", "is required");
  }
  if (const Json* result = reader.raw("kernel_exec_result"))
    read_result(*result, evaluation, diagnostics);
  if (evaluation.kind == JobKind::validate)
    evaluation.validated = reader.optional_bool("validated");
  evaluation.error = text(reader, "error");
  evaluation.retryable = reader.bool_or("retryable", false);
  evaluation.no_device = reader.bool_or("no_device", false);
  if (const Json* timing = reader.raw("timing"))
    evaluation.timing = read_timing(*timing, "timing", diagnostics);
  read_samples(reader, evaluation.timing, diagnostics);
  if (const Json* checks = reader.raw("checks"))
    evaluation.checks = read_checks(*checks, "checks", diagnostics);
  if (const Json* device = reader.raw("device"))
    evaluation.device = read_device(*device, "device", diagnostics);
  evaluation.tier = text(reader, "tier");
  evaluation.tier_reason = text(reader, "tier_reason");
  evaluation.autotune = read_autotune(reader);
  reader.each("extra_shapes", kMaxExtraShapes, false,
              [&](const Json& check, const std::string& at) {
                evaluation.extra_shapes.push_back(read_shape_check(check, at, diagnostics));
              });
  if (const Json* isolation = reader.raw("isolation"))
    evaluation.isolation = read_isolation(*isolation, "isolation", diagnostics);
  read_lists(reader, evaluation);
  if (const Json* contract = reader.raw("io_contract"))
    evaluation.io_contract = read_io_contract(*contract, "io_contract", diagnostics);
  evaluation.warnings = texts(reader, "warnings");
  evaluation.log_tail = text(reader, "log_tail");
  if (const Json* missing = reader.raw("missing_extension")) {
    ObjectReader fields(*missing, "missing_extension", diagnostics);
    evaluation.missing_extension.emplace();
    evaluation.missing_extension->role = text(fields, "role");
    if (const Json* call = fields.raw("call")) evaluation.missing_extension->call = *call;
  }
  if (!diagnostics.errors.empty()) return malformed(diagnostics);
  return evaluation;
}

}  // namespace assay::schemas
