// SPDX-License-Identifier: Apache-2.0
// The REST routes as an OpenAPI 3.1 document, made of the schemas of the tools that answer them.
#pragma once

#include <string>

#include "tools/registry.h"

namespace assay::mcp {

schemas::Json openapi_document(const tools::Registry& registry, const std::string& version);

}  // namespace assay::mcp
