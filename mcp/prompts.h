// SPDX-License-Identifier: Apache-2.0
// Prompts: ways of working with the tools that an agent, or the person before it, starts by name.
#pragma once

#include <string>

#include "mcp/jsonrpc.h"
#include "schemas/result.h"

namespace assay::mcp {

Json prompt_definitions();
bool has_prompt(const std::string& name);
std::string unknown_prompt(const std::string& name);  // words that name those there are
// {description, messages}. `given`: an object; its nulls count as absent. Error: malformed_call, an
// argument that is missing, unknown or no string. REQUIRES: has_prompt(name).
schemas::Result<Json> render_prompt(const std::string& name, const Json& given);

}  // namespace assay::mcp
