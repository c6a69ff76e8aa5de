// SPDX-License-Identifier: Apache-2.0
#include "engine/outcome.h"

#include <algorithm>
#include <utility>

#include "engine/exit_words.h"
#include "schemas/worker_message.h"

namespace assay::engine {

using sandbox::ExitKind;
using schemas::Evaluation;
using schemas::RunnerRole;
using schemas::VerdictCode;

namespace {

constexpr std::size_t kMaxHeadlineCharacters = 300;
constexpr int kRunnerBroken = 70;  // as zygote.py and the device tier's runner end then

std::string moment(const std::string& at) {
  if (at == "prepare") {
    return "before it was given the kernel";
  }
  return at == "probe" || at == "pass" ? "during its call" : schemas::doing_text(at);
}

// The line that says what is wrong: a compiler's log begins with it, a Python traceback ends so.
std::string headline(const std::string& why) {
  const std::size_t end = why.find_last_not_of(" \n");
  const std::size_t begin = why.find_first_not_of(' ');
  if (end == std::string::npos) return "";
  const bool traceback = why.compare(begin, 6, "File \"") == 0 || why.starts_with("Traceback (");
  const std::string line = traceback
                               ? why.substr(why.rfind('\n', end) + 1, end - why.rfind('\n', end))
                               : why.substr(0, why.find('\n'));
  return line.substr(0, kMaxHeadlineCharacters);
}

bool leaves_by_itself(const sandbox::ExitReport& report) {
  return report.kind == ExitKind::exited;
}

VerdictCode verdict_for(const sandbox::ExitReport& report) {
  switch (report.kind) {
    case ExitKind::out_of_memory: return VerdictCode::out_of_memory;
    case ExitKind::timed_out: return VerdictCode::timed_out;
    default: return VerdictCode::crashed;
  }
}

std::string next_step_for(const sandbox::ExitReport& report) {
  switch (report.kind) {
    case ExitKind::out_of_memory: return "Use less memory: smaller shapes, fewer temporaries.";
    case ExitKind::timed_out: return "Make it finish sooner, or raise timeout.";
    case ExitKind::exited:
      if (report.code == kRunnerBroken)
        return "See what it printed in process_ends; leave Python's and torch's own functions as "
               "they are.";
      return "Return from the kernel instead of ending the process; process_ends has its output.";
    default: return "Look for an illegal access or an abort; process_ends has its output.";
  }
}

bool by_its_end(VerdictCode code) {
  return code == VerdictCode::crashed || code == VerdictCode::reference_failed;
}

std::string registers_text(const schemas::CompileReport& report) {
  if (report.kernels.empty() || !report.kernels.front().registers) return "";
  const schemas::KernelResources& kernel = report.kernels.front();
  const std::int64_t spilled =
      kernel.spill_store_bytes.value_or(0) + kernel.spill_load_bytes.value_or(0);
  return ": " + std::to_string(*kernel.registers) + " registers, " +
         (spilled == 0 ? "no spills" : std::to_string(spilled) + " bytes spilled");
}

}  // namespace

void add_exit_reports(Evaluation& evaluation, const schemas::WorkRequest& work,
                      const ExitReports& reports) {
  for (schemas::ProcessEnd& end : evaluation.process_ends) {
    const auto role = schemas::runner_role_from_name(end.role);
    const auto found = role ? reports.find(*role) : reports.end();
    if (found == reports.end()) {
      continue;
    }
    const sandbox::ExitReport& report = found->second;
    const std::string at = end.at;
    end = process_end(end.role, at, report);
    if (!by_its_end(evaluation.verdict.code)) {
      continue;
    }
    std::string what = exit_words(report) + " " + moment(at);
    if (leaves_by_itself(report)) {
      what += report.code == kRunnerBroken
                  ? ", before it answered: that is how the runner ends when its own code fails, "
                    "as where a submission replaces what it uses (or it was os._exit)"
                  : ", before it answered (os._exit, SystemExit or the like)";
    }
    // Inputs come from the reference's source where there is one.
    const bool candidates =
        *role == RunnerRole::candidate || (*role == RunnerRole::inputs && !work.reference);
    if (candidates) {
      evaluation.verdict.code = verdict_for(report);
      evaluation.validation_error = "the kernel's process " + what;
      evaluation.verdict.summary = "The kernel's process " + what + ".";
      evaluation.verdict.next_step = next_step_for(report);
    } else {
      evaluation.validation_error = "the reference failed: its process " + what;
      evaluation.verdict.summary =
          "The reference's process " + what + ". Nothing is said about the candidate.";
    }
    evaluation.timing.unavailable_reason = "not timed: " + evaluation.verdict.summary;
  }
  const auto candidate = reports.find(RunnerRole::candidate);
  if (evaluation.log_tail.empty() && candidate != reports.end()) {
    evaluation.log_tail = sandbox::output_text(candidate->second);
  }
}

Evaluation blank_evaluation(const schemas::JobSpec& spec) {
  Evaluation evaluation;
  const schemas::KernelMetadata& metadata = spec.work.candidate.metadata;
  evaluation.job_id = spec.job_id;
  evaluation.kind = spec.work.kind;
  evaluation.kernel_type = spec.work.candidate.type;
  evaluation.kernel_name = metadata.kernel_name.value_or(metadata.entry_point.value_or(
      metadata.function_name.value_or(metadata.class_name.value_or(""))));
  return evaluation;
}

Evaluation compilation_failed(const schemas::JobSpec& spec, const BuildResult& build,
                              bool of_reference) {
  Evaluation evaluation = blank_evaluation(spec);
  if (build.process_end) {
    evaluation.process_ends.push_back(*build.process_end);
  }
  const std::string why = build.timed_out ? "compiling took longer than timeout allows (" +
                                                std::to_string(spec.work.timeout_seconds) + " s)" +
                                                build.so_far_text()
                                          : build.failure;
  evaluation.timing.unavailable_reason = "not timed: it does not compile";
  if (of_reference) {
    evaluation.validation_error = "the reference failed: it does not compile: " + why;
    evaluation.verdict = {
        VerdictCode::reference_failed,
        "The reference does not compile. Nothing is said about the candidate.",
        "Fix the reference and send both again; the error is in validation_error."};
    return evaluation;
  }
  evaluation.compiled = false;
  evaluation.correctness = false;
  if (spec.work.kind == schemas::JobKind::validate) {
    evaluation.validated = false;
  }
  evaluation.compilation_error = why;
  evaluation.verdict = {
      VerdictCode::compilation_failed, "It does not compile: " + headline(why),
      !build.so_far.empty() ? "Fix the error shown in compilation_error: the build ran out of time "
                              "before every way of building it had failed."
      : build.timed_out     ? "Make it compile faster (fewer instantiations), or raise timeout."
                            : "Fix the error shown in compilation_error and send it again."};
  return evaluation;
}

Evaluation compiled_only(const schemas::JobSpec& spec, const schemas::CompileReport& report) {
  Evaluation evaluation = blank_evaluation(spec);
  evaluation.no_device = true;
  const schemas::KernelType type = spec.work.candidate.type;
  if (type != schemas::KernelType::torch && type != schemas::KernelType::multi_kernel) {
    evaluation.compiled = true;
  }
  evaluation.error = "no GPU is available on this server";
  evaluation.timing.unavailable_reason = "no GPU is available to run it";
  evaluation.verdict = {
      VerdictCode::compiled_only,
      "It compiles for " + report.architecture + registers_text(report) +
          ". There is no GPU here to run it: nothing is said about its results or "
          "its speed.",
      "Send it to a server with a GPU to have it run and timed."};
  return evaluation;
}

}  // namespace assay::engine
