// SPDX-License-Identifier: Apache-2.0
#include "tools/summary_text.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace assay::tools {
namespace {

using schemas::Evaluation;
using schemas::KernelResources;
using schemas::TimingMethod;
using schemas::VerdictCode;

constexpr std::size_t kShownErrorBytes = 600;

// The first `most` bytes, cut between characters.
std::string shortened(const std::string& text, std::size_t most) {
  if (text.size() <= most) return text;
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end) + "…";
}

// The verdict's sentence has the medians and their ratio; this says what they are worth.
std::string timing(const Evaluation& evaluation) {
  if (!evaluation.timing.candidate) return "";
  const TimingMethod& candidate = *evaluation.timing.candidate;
  return fmt::format("Timing: {} {} by {}, 95th percentile {}{}.", candidate.stats.n,
                     candidate.stats.kind, candidate.method,
                     duration_text(candidate.stats.percentile_95),
                     evaluation.tier == "cpu" ? ", on the CPU and not on a GPU" : "");
}

std::string limiter_words(std::string limiter) {
  std::replace(limiter.begin(), limiter.end(), '_', ' ');
  return limiter == "blocks" ? "the number of blocks" : limiter;
}

std::string resources(const Evaluation& evaluation) {
  std::string text;
  for (const auto& report : evaluation.compile) {
    for (const KernelResources& kernel : report.kernels) {
      if (!kernel.registers) continue;
      const std::int64_t spills =
          kernel.spill_store_bytes.value_or(0) + kernel.spill_load_bytes.value_or(0);
      text += fmt::format("{}{} uses {} registers, {} bytes of spills",
                          text.empty() ? "Compiled: " : "; ", kernel.kernel_name, *kernel.registers,
                          spills);
      if (kernel.shared_static_bytes)
        text += fmt::format(", {} bytes of shared memory", *kernel.shared_static_bytes);
      if (kernel.occupancy)
        text += fmt::format(", {:.0f} % theoretical occupancy{}", *kernel.occupancy * 100,
                            kernel.occupancy_limiter == "none"
                                ? ""
                                : " (limited by " + limiter_words(kernel.occupancy_limiter) + ")");
    }
  }
  return text.empty() ? text : text + ".";
}

std::string limits(const Evaluation& evaluation) {
  std::string text;
  const auto add = [&text](const std::string& sentence) {
    text += (text.empty() ? "" : " ") + sentence;
  };
  const bool ran = evaluation.verdict.code == VerdictCode::correct ||
                   evaluation.verdict.code == VerdictCode::ran_unchecked;
  if (ran && !evaluation.timing.unavailable_reason.empty())
    add("Not timed: " + evaluation.timing.unavailable_reason + ".");
  for (const auto& note : evaluation.timing.notes) add("Note: " + note + ".");
  const auto missing =
      std::count_if(evaluation.isolation.layers.begin(), evaluation.isolation.layers.end(),
                    [](const auto& layer) { return !layer.applied; });
  if (missing > 0)
    add(fmt::format("{} isolation layer{} missing (see isolation.missing).", missing,
                    missing == 1 ? " was" : "s were"));
  return text;
}

// Errors that the verdict's own sentence may not hold.
std::string error_excerpt(const Evaluation& evaluation) {
  for (const auto* error : {&evaluation.compilation_error, &evaluation.validation_error})
    if (*error && !(*error)->empty() &&
        evaluation.verdict.summary.find(**error) == std::string::npos)
      return "Error: " + shortened(**error, kShownErrorBytes);
  if (!evaluation.error.empty() &&
      evaluation.verdict.summary.find(evaluation.error) == std::string::npos)
    return "Error: " + shortened(evaluation.error, kShownErrorBytes);
  return "";
}

}  // namespace

std::string duration_text(double milliseconds) {
  if (!std::isfinite(milliseconds)) return "unknown";
  if (milliseconds < 1) return fmt::format("{:.3g} µs", milliseconds * 1000);
  if (milliseconds < 1000) return fmt::format("{:.3g} ms", milliseconds);
  return fmt::format("{:.2f} s", milliseconds / 1000);
}

std::string summary_text(const Evaluation& evaluation) {
  std::string text;
  for (const std::string& part :
       {evaluation.verdict.summary, error_excerpt(evaluation), timing(evaluation),
        resources(evaluation), limits(evaluation),
        evaluation.verdict.next_step.empty() ? std::string()
                                             : "Next: " + evaluation.verdict.next_step})
    if (!part.empty()) text += (text.empty() ? "" : "\n") + part;
  return shortened(text, kMaxSummaryBytes);
}

}  // namespace assay::tools
