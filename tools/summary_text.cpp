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

std::string index_text(const std::vector<std::int64_t>& index) {
  return fmt::format("[{}]", fmt::join(index, ", "));
}

std::string headline(const Evaluation& evaluation) {
  std::string code = schemas::verdict_code_name(evaluation.verdict.code);
  std::transform(code.begin(), code.end(), code.begin(), [](char character) {
    return character >= 'a' && character <= 'z' ? static_cast<char>(character - 'a' + 'A')
                                                : character;
  });
  return code + ": " + evaluation.verdict.summary;
}

std::string worst_element(const Evaluation& evaluation) {
  if (!evaluation.checks.worst) return "";
  const auto& worst = *evaluation.checks.worst;
  const std::string output = worst.output_name.empty() ? fmt::format("output {}", worst.output)
                                                       : "output " + worst.output_name;
  return fmt::format(
      "Worst element: {}{} is {:.9g}, expected {:.9g} (off by {:.3g}, allowed {:.3g}); {} of {} "
      "elements are wrong.",
      output, index_text(worst.index), worst.got, worst.want, worst.error, worst.allowed,
      evaluation.checks.elements_wrong, evaluation.checks.elements_checked);
}

std::string speed(const Evaluation& evaluation) {
  const auto& timing = evaluation.timing;
  if (!timing.candidate) return "";
  const TimingMethod& candidate = *timing.candidate;
  const std::string samples =
      fmt::format("{} {}, {}", candidate.stats.n, candidate.stats.kind, candidate.method);
  if (!timing.reference || !timing.speedup)
    return fmt::format("Runtime: median {} (mean {}, p95 {}; {}).",
                       duration_text(candidate.stats.median), duration_text(candidate.stats.mean),
                       duration_text(candidate.stats.percentile_95), samples);
  const bool faster = *timing.speedup >= 1;
  const double ratio = faster || *timing.speedup <= 0 ? *timing.speedup : 1 / *timing.speedup;
  std::string text = fmt::format("Speed: {:.2f}x {} than the reference (speedup {:.3g}", ratio,
                                 faster ? "faster" : "slower", *timing.speedup);
  if (timing.speedup_low && timing.speedup_high)
    text +=
        fmt::format(", 95 % interval {:.3g} to {:.3g}", *timing.speedup_low, *timing.speedup_high);
  return text + fmt::format("); median {} against {} ({}).", duration_text(candidate.stats.median),
                            duration_text(timing.reference->stats.median), samples);
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
    }
  }
  return text.empty() ? text : text + ".";
}

std::string limits(const Evaluation& evaluation) {
  std::string text;
  const auto add = [&text](const std::string& sentence) {
    text += (text.empty() ? "" : " ") + sentence;
  };
  if (!evaluation.timing.unavailable_reason.empty() && !evaluation.timing.candidate)
    add("Not timed: " + evaluation.timing.unavailable_reason + ".");
  for (const auto& note : evaluation.timing.notes) add("Note: " + note + ".");
  if (evaluation.tier == "cpu" && evaluation.timing.candidate)
    add("Measured on the CPU, not on a GPU.");
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
  const bool bad = evaluation.verdict.code != VerdictCode::correct;
  for (const std::string& part :
       {headline(evaluation), bad ? error_excerpt(evaluation) : std::string(),
        bad ? worst_element(evaluation) : std::string(), speed(evaluation), resources(evaluation),
        limits(evaluation),
        evaluation.verdict.next_step.empty() ? std::string()
                                             : "Next: " + evaluation.verdict.next_step})
    if (!part.empty()) text += (text.empty() ? "" : "\n") + part;
  return shortened(text, kMaxSummaryBytes);
}

}  // namespace assay::tools
