// SPDX-License-Identifier: Apache-2.0
#include "mcp/server.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "mcp/tool_messages.h"

namespace assay::mcp {

using schemas::Error;
using schemas::ErrorCode;
using schemas::Result;
using tools::Outcome;

namespace {

constexpr const char* kInstructions =
    "Assay evaluates GPU kernels: it compiles them, runs them in isolated one-shot processes, "
    "checks their values "
    "against a reference and measures them.\n"
    "Usual way: validate_kernel while drafting; compare_kernels (or evaluate_kernel with a "
    "reference) to prove that "
    "it is right and faster. Read `summary` first, then verdict.next_step.\n"
    "A kernel that does not compile, is wrong or crashes is a normal answer; isError means that "
    "the server failed and "
    "says whether to retry. Long jobs return {status: \"running\", job_id}: call get_job_status.";

// How long a host may keep what is listed: it only changes with the server's version.
constexpr std::int64_t kListTtlMs = 3'600'000;

// Progress as MCP wants it: strictly rising, up to 100, whatever the job says.
class RisingProgress {
 public:
  double next(double fraction) {
    const double wanted = std::clamp(fraction, 0.0, 1.0) * 100;
    last_ = std::max(wanted, last_ + (100 - last_) * 0.002);
    return last_;
  }

 private:
  double last_ = 0;
};

}  // namespace

struct Server::Context {
  const Message& message;
  Era era;
  const McpHeaders* headers;
};

struct Server::Method {
  const char* name;
  bool legacy;
  bool modern;
  Handled (Server::*handle)(const Context&) const;
};

const Server::Method* Server::find_method(const std::string& name, Era era) {
  static const std::vector<Method> methods = {
      {"initialize", true, false, &Server::initialize},
      {"ping", true, false, &Server::ping},
      {"server/discover", false, true, &Server::discover},
      {"tools/list", true, true, &Server::list_tools},
      {"tools/call", true, true, &Server::call_tool},
  };
  const auto found = std::find_if(methods.begin(), methods.end(), [&](const Method& method) {
    return name == method.name && (era == Era::legacy ? method.legacy : method.modern);
  });
  return found == methods.end() ? nullptr : &*found;
}

Server::Server(const tools::Registry& registry, std::string version)
    : registry_(registry), version_(std::move(version)) {}

Handled Server::handle(std::string_view text, const McpHeaders* headers) const {
  Decoded decoded = decode_message(text);
  if (!decoded.message) return {400, encode_error(decoded.id, decoded.error), std::nullopt};
  const Message& message = *decoded.message;
  const Era era = era_of(message);
  if (const auto refused = check_version(message, era, headers))
    return {refused->http_status, encode_error(message.id, refused->error), std::nullopt};
  if (message.kind != Message::Kind::request) return {202, nullptr, std::nullopt};

  const Context context{message, era, headers};
  const Method* method = find_method(message.method, era);
  if (method == nullptr)
    return error(context,
                 {kMethodNotFound, "unknown method " + schemas::shown_value(message.method), {}});
  if (era == Era::modern && headers != nullptr)
    if (const auto refused = check_headers(message, *headers))
      return {refused->http_status, encode_error(message.id, refused->error), std::nullopt};
  return (this->*method->handle)(context);
}

Json Server::server_info() const {
  return {
      {"name", "assay"},
      {"title", "Assay"},
      {"version", version_},
      {"description", "Evaluates GPU kernels: compiles, checks and measures them in isolation."}};
}

Handled Server::initialize(const Context& context) const {
  const auto asked = context.message.params.find("protocolVersion");
  if (asked == context.message.params.end() || !asked->is_string())
    return error(context,
                 {kInvalidParams, "params.protocolVersion is required and must be a string", {}});
  return result(context, {{"protocolVersion", negotiated_version(asked->get<std::string>())},
                          {"capabilities", {{"tools", Json::object()}}},
                          {"serverInfo", server_info()},
                          {"instructions", kInstructions}});
}

Handled Server::discover(const Context& context) const {
  return result(context, {{"supportedVersions", modern_versions()},
                          {"capabilities", {{"tools", Json::object()}}},
                          {"instructions", kInstructions},
                          {"ttlMs", kListTtlMs},
                          {"cacheScope", "public"}});
}

Handled Server::ping(const Context& context) const {
  return result(context, Json::object());
}

Handled Server::list_tools(const Context& context) const {
  const auto cursor = context.message.params.find("cursor");
  if (cursor != context.message.params.end() && !cursor->is_null())
    return error(context, {kInvalidParams, "params.cursor is unknown: the list has one page", {}});
  Json list = Json::array();
  for (const tools::Tool& tool : registry_.tools()) list.push_back(tool_definition(tool));
  Json answer = {{"tools", std::move(list)}};
  if (context.era == Era::modern) answer["ttlMs"] = kListTtlMs, answer["cacheScope"] = "public";
  return result(context, std::move(answer));
}

Handled Server::call_tool(const Context& context) const {
  const Json& params = context.message.params;
  const auto name = params.find("name");
  if (name == params.end() || !name->is_string())
    return error(context, {kInvalidParams, "params.name is required and must be a string", {}});
  const tools::Tool* tool = registry_.find(name->get_ref<const std::string&>());
  Json arguments = params.value("arguments", Json());
  if (arguments.is_null()) arguments = Json::object();
  if (!arguments.is_object())
    return error(context, {kInvalidParams, "params.arguments must be an object", {}});

  if (tool == nullptr)
    return error(
        context,
        {kInvalidParams, registry_.unknown_tool(name->get_ref<const std::string&>()).message, {}});
  if (!tool->may_take_long) {
    const auto outcome = registry_.call(tool->name, {arguments, {}, {}});
    return {200, call_response(context.message.id, context.era, outcome), std::nullopt};
  }

  PendingCall call;
  call.id = context.message.id;
  call.closing_cancels = context.era == Era::modern;
  const Json token = progress_token(params);
  call.wants_progress = !token.is_null();
  call.run = [this, id = call.id, era = context.era, name = tool->name,
              arguments = std::move(arguments),
              token](const PendingCall::Notify& notify, const PendingCall::Cancelled& cancelled) {
    tools::Call request{arguments, tools::ArgumentForm::flat, {}};
    request.context.cancelled = cancelled;
    RisingProgress rising;
    if (!token.is_null())
      request.context.progress = [&](double fraction, const std::string& message) {
        notify(progress_notification(token, rising.next(fraction), message));
      };
    return call_response(id, era, registry_.call(name, request));
  };
  call.refuse = [this, id = call.id, era = context.era](const Error& error) {
    return call_response(id, era, error);
  };
  Handled handled;
  handled.call = std::move(call);
  return handled;
}

Handled Server::result(const Context& context, Json result) const {
  return {200, encode_result(context.message.id, finished(context.era, std::move(result))),
          std::nullopt};
}

Handled Server::error(const Context& context, const RpcError& error) const {
  const bool unknown_method = context.era == Era::modern && error.code == kMethodNotFound;
  return {unknown_method ? 404 : 200, encode_error(context.message.id, error), std::nullopt};
}

Json Server::call_response(const Json& id, Era era, const Result<Outcome>& outcome) const {
  if (!outcome.ok())
    if (auto error = protocol_error(outcome.error())) return encode_error(id, *error);
  return encode_result(id, finished(era, tool_result(outcome)));
}

Json Server::finished(Era era, Json result) const {
  if (era == Era::modern) {
    result["resultType"] = "complete";
    result["_meta"][kMetaServerInfo] = {{"name", "assay"}, {"version", version_}};
  }
  return result;
}

}  // namespace assay::mcp
