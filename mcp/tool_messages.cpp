// SPDX-License-Identifier: Apache-2.0
#include "mcp/tool_messages.h"

#include "tools/answer_budget.h"
#include "tools/job_document.h"

namespace assay::mcp {

using schemas::Error;
using schemas::ErrorCode;

namespace {

const Json* sent_token(const Json& params) {
  const auto meta = params.find("_meta");
  if (meta == params.end() || !meta->is_object()) return nullptr;
  const auto token = meta->find("progressToken");
  return token == meta->end() ? nullptr : &*token;
}

}  // namespace

Json tool_definition(const tools::Tool& tool) {
  return {{"name", tool.name},
          {"title", tool.title},
          {"description", tool.description},
          {"inputSchema", tool.input_schema},
          {"outputSchema", tool.output_schema},
          {"annotations",
           {{"title", tool.title},
            {"readOnlyHint", tool.annotations.read_only},
            {"destructiveHint", tool.annotations.destructive},
            {"idempotentHint", tool.annotations.idempotent},
            {"openWorldHint", tool.annotations.open_world}}}};
}

std::optional<RpcError> protocol_error(const Error& error) {
  if (error.code != ErrorCode::malformed_call) return std::nullopt;
  const Json document = tools::error_document(error);
  return RpcError{
      kInvalidParams, error.message, {{"validation_errors", document["validation_errors"]}}};
}

Json tool_result(const schemas::Result<tools::Outcome>& outcome) {
  const bool failed = !outcome.ok() || outcome->standing == tools::Standing::failed;
  Json document = outcome.ok() ? outcome->document : tools::error_document(outcome.error());
  std::string text = tools::fit_answer(document);
  Json content = Json::array({{{"type", "text"}, {"text", std::move(text)}}});
  return {{"content", std::move(content)},
          {"structuredContent", std::move(document)},
          {"isError", failed}};
}

std::optional<RpcError> progress_token_error(const Json& params) {
  const Json* token = sent_token(params);
  if (token == nullptr || token->is_number_integer() ||
      (token->is_string() && token->get_ref<const std::string&>().size() <= kMaxProgressTokenBytes))
    return std::nullopt;
  return RpcError{kInvalidParams,
                  "params._meta.progressToken must be a whole number or a text of at most " +
                      std::to_string(kMaxProgressTokenBytes) + " bytes, got " +
                      schemas::shown_value(*token),
                  Json()};
}

Json progress_token(const Json& params) {
  const Json* token = sent_token(params);
  return token != nullptr && (token->is_string() || token->is_number_integer()) ? *token : Json();
}

Json progress_notification(const Json& token, double progress, const std::string& message) {
  return encode_notification(
      "notifications/progress",
      {{"progressToken", token}, {"progress", progress}, {"total", 100}, {"message", message}});
}

}  // namespace assay::mcp
