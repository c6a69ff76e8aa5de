// SPDX-License-Identifier: Apache-2.0
#include "engine/judge/verdict.h"

#include <cstdio>
#include <string>
#include <utility>

#include "engine/judge/statistics.h"

namespace assay::engine::judge {
namespace {

using schemas::Evaluation;
using schemas::RunnerErrorKind;
using schemas::VerdictCode;

std::string factor_text(double factor) {
  char text[32];
  std::snprintf(text, sizeof text, factor >= 0.995 ? "%.2f" : "%.3g", factor);
  return text;
}

// Whose fault a failure is: inputs come from the reference's source where there is one.
schemas::RunnerRole owner_of(const Failure& failure, const Progress& progress) {
  const auto role = failure.role.value_or(schemas::RunnerRole::candidate);
  if (role != schemas::RunnerRole::inputs) return role;
  return progress.has_reference ? schemas::RunnerRole::reference : schemas::RunnerRole::candidate;
}

// A runner that is only being prepared has not seen a submitted line: what happens to it is our
// failure.
bool before_submission(const Failure& failure) {
  const bool its_own = failure.cause == Cause::runner_error ||
                       failure.cause == Cause::runner_gone || failure.cause == Cause::bad_reply;
  return its_own && failure.at == "prepare";
}

std::string doing_text(const std::string& at) {
  if (at == "probe") return "in its first call";
  if (at == "pass") return "during its calls";
  if (at == "prepare") return "while the device was opened";
  return schemas::doing_text(at);
}

std::string error_text(const schemas::RunnerError& error) {
  std::string text = error.type;
  if (!error.message.empty()) text += (text.empty() ? "" : ": ") + error.message;
  if (!error.traceback.empty()) text += (text.empty() ? "" : "\n") + error.traceback;
  return text.empty() ? "an error without a message" : text;
}

std::string headline(const schemas::RunnerError& error) {
  const std::string first_line = error.message.substr(0, error.message.find('\n')).substr(0, 300);
  return error.type.empty() ? first_line
                            : error.type + (first_line.empty() ? "" : ": " + first_line);
}

void set(Evaluation& evaluation, VerdictCode code, std::string summary, std::string next_step) {
  evaluation.verdict = {code, std::move(summary), std::move(next_step)};
}

// The candidate's own failure: its words go into the field that old clients look at.
void blame_candidate(Evaluation& evaluation, std::string message) {
  evaluation.compiled = true;
  evaluation.correctness = false;
  if (evaluation.kind == schemas::JobKind::validate) evaluation.validated = false;
  evaluation.validation_error = std::move(message);
}

void blame_reference(Evaluation& evaluation, const std::string& what, const std::string& message,
                     const Progress& progress) {
  if (progress.candidate_loaded) evaluation.compiled = true;
  evaluation.validation_error = "the reference failed: " + message;
  set(evaluation, VerdictCode::reference_failed,
      "The reference could not be used: " + what + ". Nothing is said about the candidate.",
      "Fix the reference (or its inputs) and send both again; the error is in validation_error.");
}

void conclude_runner_error(Evaluation& evaluation, const Failure& failure, bool candidate,
                           const Progress& progress) {
  const schemas::RunnerError& error = failure.error;
  const std::string text = error_text(error);
  if (!candidate)
    return blame_reference(evaluation, headline(error) + " " + doing_text(failure.at), text,
                           progress);
  if (error.kind == RunnerErrorKind::syntax || error.kind == RunnerErrorKind::import) {
    evaluation.compiled = false;
    evaluation.correctness = false;
    if (evaluation.kind == schemas::JobKind::validate) evaluation.validated = false;
    evaluation.compilation_error = text;
    set(evaluation, VerdictCode::compilation_failed,
        "The source does not load: " + headline(error) + ".",
        "Fix the error shown in compilation_error and send it again.");
    return;
  }
  blame_candidate(evaluation, text);
  if (error.kind == RunnerErrorKind::out_of_memory)
    set(evaluation, VerdictCode::out_of_memory,
        "The kernel ran out of memory " + doing_text(failure.at) + ": " + headline(error) + ".",
        "Use less scratch memory or smaller shapes.");
  else
    set(evaluation, VerdictCode::runtime_failed,
        "The kernel failed " + doing_text(failure.at) + ": " + headline(error) + ".",
        error.kind == RunnerErrorKind::contract
            ? "Make entry, arguments and outputs fit what the message names; see validation_error."
            : "Fix the error shown in validation_error; it has the traceback of the submission's "
              "own frames.");
}

void conclude_gone(Evaluation& evaluation, const Failure& failure, bool candidate,
                   const Progress& progress) {
  schemas::ProcessEnd end;
  end.role = schemas::runner_role_name(failure.role.value_or(schemas::RunnerRole::candidate));
  end.at = failure.at;
  end.kind = "exited";  // until whoever started it says how it ended
  evaluation.process_ends.push_back(end);
  const std::string text =
      "the process of the " + end.role + " ended by itself " + doing_text(failure.at);
  if (!candidate)
    return blame_reference(evaluation, "its process ended " + doing_text(failure.at), text,
                           progress);
  blame_candidate(evaluation, text);
  set(evaluation, VerdictCode::crashed,
      "The kernel's process ended by itself " + doing_text(failure.at) + ".",
      "Look for an exit, a signal or an illegal access; process_ends tells how it ended.");
}

// The judge's own work took most of the time: that says nothing about the kernel.
void conclude_slow_checks(Evaluation& evaluation, const Failure& failure,
                          const Progress& progress) {
  if (progress.candidate_loaded) evaluation.compiled = true;
  const std::string text =
      "the evaluation was not done when the time-out passed: " + failure.message;
  evaluation.validation_error = text;
  evaluation.error = text;
  set(evaluation, VerdictCode::timed_out,
      "Timed out: " + text + "; nothing was found wrong with the kernel.",
      "Use smaller inputs or fewer num_trials, or raise timeout.");
}

void conclude_deadline(Evaluation& evaluation, const Failure& failure, bool candidate,
                       const Progress& progress) {
  if (!failure.role) return conclude_slow_checks(evaluation, failure, progress);
  const std::string who = candidate ? "the kernel" : "the reference";
  if (progress.candidate_loaded || evaluation.compiled.value_or(false)) evaluation.compiled = true;
  if (candidate) {
    evaluation.correctness = progress.check_passed ? std::optional<bool>() : false;
    if (evaluation.kind == schemas::JobKind::validate) evaluation.validated = false;
  }
  const std::string text =
      who + " was still at work (" + doing_text(failure.at) + ") when the time-out passed";
  evaluation.validation_error = text;
  evaluation.error = text;
  set(evaluation, VerdictCode::timed_out,
      "Timed out: " + text +
          (progress.check_passed ? "; its values had been checked and were right." : "."),
      "Make it finish sooner, use smaller inputs or fewer num_trials, or raise timeout.");
}

// What is the own fault of whoever it comes from.
void conclude_own_fault(Evaluation& evaluation, const std::string& text, bool candidate,
                        const Progress& progress, schemas::Verdict verdict) {
  if (!candidate) return blame_reference(evaluation, text, text, progress);
  blame_candidate(evaluation, text);
  evaluation.verdict = std::move(verdict);
}

// An inout tensor holds inputs before the call: that it was written cannot be seen.
std::string ran_text(const CallPlan& call, const std::string& calls) {
  const std::size_t inouts = call.inouts.size();
  if (inouts == 0) return "Ran to the end and wrote every output in all " + calls;
  const std::string unseen = " (what inout tensors held before, they may hold unwritten)";
  if (inouts == call.outputs.tensors().size()) return "Ran to the end in all " + calls + unseen;
  return "Ran to the end and wrote every element of role output in all " + calls + unseen;
}

std::string advice(const schemas::Timing& timing) {
  const double low = timing.speedup_low.value_or(*timing.speedup);
  const double high = timing.speedup_high.value_or(*timing.speedup);
  if (low <= 1 && high >= 1 && low < high)
    return "It is right; no difference in speed was shown (the interval contains 1): try larger "
           "inputs or more num_trials, or a different approach.";
  if (*timing.speedup >= 1) return "It is right and not slower; keep it, or try for more.";
  return "It is right but slower than the reference: look at memory traffic and occupancy.";
}

}  // namespace

void conclude_failure(Evaluation& evaluation, const Failure& failure, const Progress& progress) {
  if (before_submission(failure)) {
    const Failure ours(Cause::internal,
                       "a runner failed before it was given the submission: " + failure.message);
    return conclude_failure(evaluation, ours, progress);
  }
  const bool candidate = owner_of(failure, progress) == schemas::RunnerRole::candidate;
  evaluation.timing = {};
  if (failure.error.call.is_object())
    evaluation.missing_extension = schemas::MissingExtension{
        schemas::runner_role_name(failure.role.value_or(schemas::RunnerRole::candidate)),
        failure.error.call};
  switch (failure.cause) {
    case Cause::runner_error:
      conclude_runner_error(evaluation, failure, candidate, progress);
      break;
    case Cause::runner_gone: conclude_gone(evaluation, failure, candidate, progress); break;
    case Cause::deadline: conclude_deadline(evaluation, failure, candidate, progress); break;
    case Cause::bad_reply:
      conclude_own_fault(
          evaluation, "its runner's answer is not acceptable: " + failure.message, candidate,
          progress,
          {VerdictCode::runtime_failed,
           "The kernel's process broke the protocol " + doing_text(failure.at) + ": " +
               failure.message + ".",
           "Do not touch the process round the kernel; submit only what computes the outputs."});
      break;
    case Cause::mismatch:
      blame_candidate(evaluation, failure.message);
      set(evaluation, VerdictCode::output_mismatch,
          "Candidate and reference do not fit together: " + failure.message + ".",
          "Make count, shapes and dtypes of inputs and outputs equal to the reference's, in the "
          "same order.");
      break;
    case Cause::contract:
      conclude_own_fault(
          evaluation, failure.message, candidate, progress,
          {VerdictCode::output_mismatch,
           "The outputs do not fit the contract: " + failure.message + ".",
           "Return what the contract's outputs say, in their order, or correct the contract."});
      break;
    case Cause::unusable:
      conclude_own_fault(evaluation, failure.message, candidate, progress,
                         {VerdictCode::runtime_failed,
                          "The kernel cannot be run as submitted: " + failure.message + ".",
                          "Correct the contract, or define what the message asks for."});
      break;
    case Cause::memory:
      // Our buffers, not the kernel's: what ran out of memory itself is a runner_error, or its
      // keeper says so.
      if (progress.candidate_loaded) evaluation.compiled = true;
      evaluation.validation_error =
          "the evaluation needs more memory than the job may use: " + failure.message;
      set(evaluation, VerdictCode::out_of_memory,
          "The evaluation needs more memory than the job may use: " + failure.message +
              ". Nothing is said about the kernel.",
          "Use smaller shapes, or a device with more memory.");
      break;
    case Cause::cancelled:
      evaluation.error = failure.message;
      set(evaluation, VerdictCode::infrastructure_failed,
          "The job ended early: " + failure.message + ".", "Send it again if it is still wanted.");
      break;
    case Cause::internal:
      evaluation.error = failure.message;
      evaluation.retryable = true;
      set(evaluation, VerdictCode::infrastructure_failed,
          "The server failed, not the kernel: " + failure.message + ".",
          "Send it again; if it fails again, tell the operator.");
      break;
  }
  evaluation.timing.unavailable_reason = "not timed: " + evaluation.verdict.summary;
}

void conclude_incorrect(Evaluation& evaluation, const Evidence& evidence, bool has_reference,
                        bool timed, const std::string& ignored) {
  const schemas::Checks& checks = evidence.checks();
  std::string text = evidence.fault();
  if (has_reference && checks.worst) text += "; the worst is " + worst_text(*checks.worst);
  if (!ignored.empty()) text += "; " + ignored;
  evaluation.compiled = true;
  evaluation.correctness = false;
  if (evaluation.kind == schemas::JobKind::validate) evaluation.validated = false;
  evaluation.validation_error = text;
  evaluation.timing = {};
  evaluation.timing.unavailable_reason =
      "the outputs are wrong: a wrong kernel's speed says nothing";
  const std::string where = timed ? " (a timed call; the untimed check had passed)" : "";
  set(evaluation, VerdictCode::incorrect, "Incorrect" + where + ": " + text + ".",
      evidence.unwritten() > 0
          ? "Write every element of every output: check grid size, bounds and masks."
          : "Compare the worst element's index, values and allowed error with how it is computed.");
}

void conclude_correct(Evaluation& evaluation, bool has_reference, const CallPlan& call) {
  const schemas::Checks& checks = evaluation.checks;
  evaluation.compiled = true;
  evaluation.correctness = true;
  if (evaluation.kind == schemas::JobKind::validate) evaluation.validated = true;
  std::string speed, next = "Nothing has to be fixed.";
  const schemas::Timing& timing = evaluation.timing;
  if (timing.candidate) {
    speed = " Median " + milliseconds_text(timing.candidate->stats.median);
    if (timing.reference)
      speed += " against the reference's " + milliseconds_text(timing.reference->stats.median);
    if (timing.speedup) {
      speed += ": " + factor_text(*timing.speedup) + " times its speed";
      if (timing.speedup_low)
        speed += " (95 % interval " + factor_text(*timing.speedup_low) + " to " +
                 factor_text(*timing.speedup_high) + ")";
      next = advice(timing);
    }
    speed += ".";
  }
  const std::string calls = std::to_string(checks.calls_checked) + " checked calls";
  if (has_reference)
    set(evaluation, VerdictCode::correct,
        "Correct: all " + calls + " agree with the reference." + speed, next);
  else
    set(evaluation, VerdictCode::ran_unchecked,
        ran_text(call, calls) + "; without a reference the values are not checked." + speed,
        "Give a reference to have the values checked.");
}

}  // namespace assay::engine::judge
