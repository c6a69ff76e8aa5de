// SPDX-License-Identifier: Apache-2.0
// Tools in the words of MCP: their definitions, and outcomes as results or errors.
#pragma once

#include <optional>

#include "mcp/jsonrpc.h"
#include "tools/tool.h"

namespace assay::mcp {

// An entry of tools/list.
Json tool_definition(const tools::Tool& tool);

// The JSON-RPC error of a call that no tool could work on (malformed arguments, unknown tool);
// nothing for an error that belongs into a result with isError (our own failure, an expired job).
std::optional<RpcError> protocol_error(const schemas::Error& error);

// {content: [the document as text], structuredContent: the document, isError}; the document within
// the length of an answer (tools/answer_budget.h), which REST and the resources do not have.
Json tool_result(const schemas::Result<tools::Outcome>& outcome);

// Every message of a call carries its token.
inline constexpr std::size_t kMaxProgressTokenBytes = 256;
// What is wrong with the token under which a caller wants progress.
std::optional<RpcError> progress_token_error(const Json& params);
// That token, or null.
Json progress_token(const Json& params);
Json progress_notification(const Json& token, double progress, const std::string& message);

}  // namespace assay::mcp
