// SPDX-License-Identifier: Apache-2.0
// The one document of a finished evaluation, as every client gets it.
#pragma once

#include "schemas/evaluation.h"
#include "tools/tool.h"

namespace assay::tools {

// The evaluation's own JSON with `summary` beside it, without the timing's samples.
Json evaluation_document(const schemas::Evaluation& evaluation);
// Those samples, as lines "side,method,kind,ms" under a head; empty where there are none.
std::string samples_text(const schemas::Evaluation& evaluation);

// How a caller is to understand it.
Standing standing_of(const schemas::Evaluation& evaluation);

}  // namespace assay::tools
