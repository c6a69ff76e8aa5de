// SPDX-License-Identifier: Apache-2.0
// The answer: verdict, evidence, timing. Times are milliseconds; unknown is absent (null on the
// wire) with a reason beside it, never 0. The wire keeps the old servers' fields and adds ours
// beside them (seed shape: {job_id, status, kernel_exec_result{...}, ref_runtime}).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "schemas/device.h"
#include "schemas/io_contract.h"
#include "schemas/isolation.h"
#include "schemas/requests.h"

namespace assay::schemas {

enum class VerdictCode {
  correct,                // every checked call agreed with the reference
  ran_unchecked,          // no reference: ran to the end and wrote every output
  compiled_only,          // compiled; nothing here can run it (no GPU)
  incorrect,              // values differ, or an output was not written
  output_mismatch,        // count, shape or dtype of inputs or outputs differ
  compilation_failed,     // compiler error, syntax error, import error
  runtime_failed,         // exception, CUDA error, launch refused
  crashed,                // a signal, or the process ended by itself
  timed_out,              // the kernel used up `timeout`
  out_of_memory,          // host or device memory ran out
  reference_failed,       // the reference could not be used; nothing is said about the candidate
  infrastructure_failed,  // our failure; `error` says more, retryable
};
const std::string& verdict_code_name(VerdictCode code);
std::optional<VerdictCode> verdict_code_from_name(const std::string& name);

struct Verdict {
  VerdictCode code = VerdictCode::infrastructure_failed;
  std::string summary;    // one or two sentences for a person or an agent
  std::string next_step;  // what to do now
};

// Statistics over n samples; `kind` says what a sample is: a call (event-timed, confirmed by the
// window) or a window's mean per call.
struct RuntimeStats {
  double mean = 0, std = 0, min = 0, max = 0, median = 0, percentile_95 = 0,
         percentile_99 = 0;  // ms
  std::int64_t n = 0;
  std::string kind;  // "calls" | "windows"
  // ms, in the order in which they were taken. Not beside the figures in JSON, but in the
  // evaluation's `timing_samples`, which answers leave out and get_job_status hands out.
  std::vector<double> samples = {};
};
enum class PercentileRule { nearest_rank };

// One way of timing one kernel. `method` is a stable word: "window_stream", "window_graph",
// "device_events".
struct TimingMethod {
  std::string method;
  std::string how;  // a sentence: clock, cache state, what is subtracted
  RuntimeStats stats;
  std::optional<double> window_ms_per_call;  // the judge's outer bound
  std::optional<double> events_ms_per_call;  // the runner's own figure inside it
  std::optional<double>
      copy_ms_per_call;  // a copy of outputs that was timed; absent when there was none
  std::optional<double> empty_window_ms;  // subtracted constant
};

struct Timing {
  std::optional<TimingMethod> candidate,
      reference;  // same method, mode and cache state on both sides
  std::vector<TimingMethod> candidate_other, reference_other;
  std::optional<double> speedup;  // reference median / candidate median
  // 95 % interval, reaching further where windows were left out (engine/judge/timing_report.h).
  std::optional<double> speedup_low, speedup_high;
  std::string unavailable_reason;  // why there is no timing, or not of both sides
  std::vector<std::string> notes;  // "events and window disagree by 12 %"
};

// Calls take(side, method) for every method: the candidate's first, "candidate" or "reference".
template <typename Take>
void each_method(const Timing& timing, const Take& take) {
  if (timing.candidate) take("candidate", *timing.candidate);
  for (const TimingMethod& method : timing.candidate_other) take("candidate", method);
  if (timing.reference) take("reference", *timing.reference);
  for (const TimingMethod& method : timing.reference_other) take("reference", method);
}

struct WorstElement {
  std::int64_t output = 0;  // position among the flattened outputs
  std::string output_name;
  std::vector<std::int64_t> index;  // into that output
  double got = 0, want = 0;         // NaN and infinities are written as strings on the wire
  double error = 0, allowed = 0;    // |got - want| and its bound
  std::int64_t slot = 0, window = 0;
  // Decimal digits of what a double does not hold: integers beyond 2^53. Where not empty, the wire
  // has this string in place of the number, and the double beside it is the nearest one.
  std::string exact_got = {}, exact_want = {}, exact_error = {};
};

struct ToleranceRule {
  std::string rule;  // formula in words
  double atol = 0, rtol = 0;
  std::string dtype;
  bool from_caller = false;
};

struct Checks {
  std::int64_t draws = 0, slots = 0, windows = 0, calls_checked = 0, calls_failed = 0;
  std::int64_t elements_checked = 0, elements_wrong = 0;
  std::optional<WorstElement> worst;
  std::vector<ToleranceRule> tolerances;  // one per output
  std::string inputs;                     // how inputs were made and varied
  std::vector<std::uint64_t> seeds;       // of the draws, to replay them
  std::optional<std::uint64_t> noise_seed;
  bool final_kill = false;  // the last window ended with a kill
  bool outputs_poisoned = false;
};

struct KernelResources {
  std::string kernel_name;
  std::optional<std::int64_t> registers, spill_store_bytes, spill_load_bytes, shared_static_bytes,
      shared_dynamic_bytes, local_bytes, constant_bytes, stack_bytes;
  // Theoretical: the share of a multiprocessor's warps that can be active at once, and what limits
  // it: registers, shared_memory, block_size, blocks or none.
  std::optional<double> occupancy = {};  // 0..1
  std::string occupancy_limiter = {};
  std::string occupancy_unavailable_reason = {};
};

struct StageTime {
  std::string name;
  double seconds = 0;
};

struct CompileReport {
  std::string tool;  // "nvrtc 13.0", "python"
  std::string architecture;
  double seconds = 0;
  bool cache_hit = false;
  std::string log;  // capped
  std::string way;  // which of several ways of compiling it took: "slim headers"
  std::vector<StageTime> stages;
  std::vector<KernelResources> kernels;
};

// How one untrusted process ended, when it did so by itself.
struct ProcessEnd {
  std::string role;  // "candidate", "reference", "inputs", "compiler"
  std::string at;    // runner state or op: "load", "pass"
  std::string kind;  // exited | signaled | timed_out | out_of_memory | killed | setup_failed
  std::optional<std::int64_t> code, signal;
  std::string output_tail;
};

// A torch extension that a kernel asked for when it ran and that had not been built. The executor
// builds it and runs again; clients never see it.
struct MissingExtension {
  std::string role;  // as ProcessEnd's
  Json call;         // the runner's description, for the compiler
};

// What Triton's autotuner found, in the kernel's own process: a report, not a measurement of ours.
struct Tuning {
  struct Trial {
    std::string config;
    std::optional<double> ms;  // absent: the configuration did not run
  };
  std::string kernel;
  std::string chosen;  // configuration
  std::vector<Trial> trials;
};

// One of the request's extra_shapes.
struct ShapeCheck {
  Json substitution;  // as sent
  VerdictCode code = VerdictCode::infrastructure_failed;
  std::string summary;
  std::optional<WorstElement> worst;
};

struct Evaluation {
  std::string job_id;
  JobKind kind = JobKind::evaluate;
  KernelType kernel_type = KernelType::torch;
  std::string kernel_name;
  Verdict verdict;
  std::optional<bool> compiled;  // absent: not known
  std::optional<bool> correctness;
  std::optional<bool> validated;  // validate_kernel
  std::optional<std::string> compilation_error, validation_error;
  std::string error;  // ours, with infrastructure_failed, timed_out on REST, no device
  bool retryable = false;
  bool no_device = false;  // compiled, but no device to run on: REST 500
  Timing timing;
  Checks checks;
  std::vector<CompileReport> compile;
  std::optional<DeviceInfo> device;
  std::string tier;         // "device", "host", "cpu"
  std::string tier_reason;  // why a kernel that could be launched by our own C++ is not
  std::vector<Tuning> autotune;
  std::vector<ShapeCheck> extra_shapes;  // empty: none were asked for, or the kernel failed before
  IsolationReport isolation;
  std::vector<StageTime> stages;
  std::vector<ProcessEnd> process_ends;
  std::optional<IoContract> io_contract;  // made from get_inputs, for reuse
  std::vector<std::string> warnings;
  std::string log_tail;
  std::optional<MissingExtension> missing_extension;
};

// Whether the wire calls it an error (status "error", REST 500) instead of an answer about the
// kernel: a time-out, our own failure, no device to run on. Its job counts as failed.
bool is_error(const Evaluation& evaluation);

// The whole document as clients get it (old fields first). Round-trips through read_evaluation.
Json to_json(const Evaluation& evaluation);
Result<Evaluation> read_evaluation(const Json& json);
// The figures of one kernel, as whoever compiled it tells them; not its name and its occupancy.
void read_resource_figures(ObjectReader& reader, KernelResources& kernel);

// The parts that travel between processes on their own. `autotune` of a runner's answer and of an
// evaluation is the same list; what is beyond kMaxTunings or a text's cap is an error.
inline constexpr std::size_t kMaxTunings = 16, kMaxTrialsOfTuning = 256;
Json to_json(const Tuning& tuning);
std::vector<Tuning> read_autotune(ObjectReader& reader);
Json to_json(const Timing& timing);
Json to_json(const Checks& checks);
Json to_json(const CompileReport& report);
CompileReport read_compile_report(const Json& json, const std::string& path,
                                  Diagnostics& diagnostics);

}  // namespace assay::schemas
