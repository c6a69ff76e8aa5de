// SPDX-License-Identifier: Apache-2.0
// The text of the resource assay://guide/io-contract. A test sends every request in it.
#pragma once

#include <string>

namespace assay::mcp {

// Markdown; each fenced block of JSON is the whole arguments of one tool call.
const std::string& io_contract_guide();

}  // namespace assay::mcp
