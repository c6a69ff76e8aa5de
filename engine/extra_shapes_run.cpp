// SPDX-License-Identifier: Apache-2.0
#include "engine/extra_shapes_run.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "schemas/extra_shapes.h"

namespace assay::engine {

using schemas::Evaluation;
using schemas::JobEvent;
using schemas::Result;
using schemas::ShapeCheck;
using schemas::VerdictCode;

namespace {

constexpr std::size_t kShownBytes = 200;
constexpr double kProgress = 0.95;

bool is_right(VerdictCode code) {
  return code == VerdictCode::correct || code == VerdictCode::ran_unchecked;
}

std::string name_of(std::size_t index, const schemas::Json& substitution) {
  std::string text = schemas::dump_json(substitution);
  if (text.size() > kShownBytes) text = text.substr(0, kShownBytes) + "...";
  return "extra_shapes[" + std::to_string(index) + "] " + text;
}

// What is wrong with one shape is wrong with the kernel.
void adopt_failure(Evaluation& whole, const Evaluation& part, const std::string& name) {
  whole.verdict = part.verdict;
  whole.verdict.summary = "Right for its own shapes, not for " + name + ": " + part.verdict.summary;
  whole.correctness = part.correctness;
  if (part.validation_error) whole.validation_error = name + ": " + *part.validation_error;
  if (part.compilation_error) whole.compilation_error = name + ": " + *part.compilation_error;
  if (!part.error.empty()) whole.error = name + ": " + part.error;
  whole.retryable = part.retryable;
  whole.process_ends = part.process_ends;
  whole.timing = {};
  whole.timing.unavailable_reason = "not timed: " + whole.verdict.summary;
}

}  // namespace

Result<Evaluation> run_with_extra_shapes(const JobParts& parts, const schemas::JobSpec& spec,
                                         const EventSink& events, Cancellation& cancellation) {
  JobRun own_shapes(parts, spec, events, cancellation);
  auto whole = own_shapes.run();
  if (!whole || spec.work.extra_shapes.empty()) return whole;
  if (!is_right(whole->verdict.code)) {
    whole->warnings.push_back("extra_shapes were not checked: its own shapes are not right");
    return whole;
  }
  auto left = own_shapes.time_left();
  for (std::size_t i = 0; i < spec.work.extra_shapes.size(); ++i) {
    const schemas::Json& substitution = spec.work.extra_shapes[i];
    const std::string name = name_of(i, substitution);
    events({JobEvent::Kind::log, schemas::Stage::validating, kProgress, "checking " + name});
    schemas::JobSpec part_spec = spec;
    part_spec.work = schemas::with_extra_shape(spec.work, i);
    part_spec.work.timeout_seconds =
        std::clamp<std::int64_t>(std::chrono::duration_cast<std::chrono::seconds>(left).count(),
                                 schemas::kMinTimeoutSeconds, spec.work.timeout_seconds);
    const auto quietly = [](const JobEvent&) {};
    JobRun run(parts, part_spec, quietly, cancellation);
    const auto begin = run.time_left();
    auto part = run.run();
    if (!part) return part.error();
    left -= begin - run.time_left();
    ShapeCheck check{substitution, part->verdict.code, part->verdict.summary, part->checks.worst};
    whole->extra_shapes.push_back(std::move(check));
    if (!is_right(part->verdict.code) && is_right(whole->verdict.code))
      adopt_failure(*whole, *part, name);
    if (schemas::is_error(*part)) break;  // out of time, or ours: the others would say no more
  }
  return whole;
}

}  // namespace assay::engine
