// SPDX-License-Identifier: Apache-2.0
// components.schemas of the OpenAPI document, and the example bodies.
#pragma once

#include "tools/registry.h"

namespace assay::mcp {

// KernelCode, EvaluateRequest, CompareRequest, LegacyRequest, ScoreForm, CheckForm and the answers'
// schemas, by name.
schemas::Json openapi_schemas(const tools::Registry& registry);

// {name: {summary, value}} of a request body; each is accepted as it stands.
schemas::Json evaluate_examples();
schemas::Json compare_examples();
schemas::Json root_examples();
schemas::Json score_examples();
schemas::Json check_examples();

}  // namespace assay::mcp
