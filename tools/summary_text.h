// SPDX-License-Identifier: Apache-2.0
// An evaluation in a few sentences for an agent: verdict, worst element, speed, what limits the
// statement, what next.
#pragma once

#include <string>

#include "schemas/evaluation.h"

namespace assay::tools {

// At most kMaxSummaryBytes, valid UTF-8 as long as the evaluation's own texts are.
inline constexpr std::size_t kMaxSummaryBytes = 2'000;
std::string summary_text(const schemas::Evaluation& evaluation);

// "12.3 µs", "1.25 ms", "2.10 s".
std::string duration_text(double milliseconds);

}  // namespace assay::tools
