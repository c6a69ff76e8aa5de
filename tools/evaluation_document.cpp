// SPDX-License-Identifier: Apache-2.0
#include "tools/evaluation_document.h"

#include <fmt/format.h>

#include "tools/summary_text.h"

namespace assay::tools {
namespace {

using schemas::Evaluation;
using schemas::VerdictCode;

}  // namespace

Json evaluation_document(const Evaluation& evaluation) {
  Json document = schemas::to_json(evaluation);
  document.erase("timing_samples");
  document["summary"] = summary_text(evaluation);
  return document;
}

std::string samples_text(const Evaluation& evaluation) {
  std::string text;
  schemas::each_method(
      evaluation.timing, [&text](const char* side, const schemas::TimingMethod& method) {
        for (const double sample : method.stats.samples)
          text += fmt::format("{},{},{},{}\n", side, method.method, method.stats.kind, sample);
      });
  return text.empty() ? text : "side,method,kind,ms\n" + text;
}

Standing standing_of(const Evaluation& evaluation) {
  if (evaluation.verdict.code == VerdictCode::infrastructure_failed) return Standing::failed;
  // A compiler that used up the time did not compile: an ordinary answer.
  if (evaluation.verdict.code == VerdictCode::timed_out && evaluation.compiled.value_or(true))
    return Standing::timed_out;
  if (evaluation.no_device) return Standing::no_device;
  return Standing::answered;
}

}  // namespace assay::tools
