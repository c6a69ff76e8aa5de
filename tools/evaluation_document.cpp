// SPDX-License-Identifier: Apache-2.0
#include "tools/evaluation_document.h"

#include "tools/summary_text.h"

namespace assay::tools {
namespace {

using schemas::Evaluation;
using schemas::VerdictCode;

}  // namespace

Json evaluation_document(const Evaluation& evaluation) {
  Json document = schemas::to_json(evaluation);
  document["summary"] = summary_text(evaluation);
  return document;
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
