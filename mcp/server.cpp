// SPDX-License-Identifier: Apache-2.0
#include "mcp/server.h"

#include <algorithm>
#include <vector>

#include "mcp/extension.h"
#include "mcp/prompts.h"
#include "mcp/resources.h"
#include "mcp/tool_messages.h"

namespace assay::mcp {

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
    "says whether to retry. Long jobs return {status: \"running\", job_id}: call get_job_status.\n"
    "The resource assay://guide/io-contract explains contracts with examples.";

// How long a host may keep what is listed: it only changes with the server's version.
constexpr std::int64_t kListTtlMs = 3'600'000;
constexpr std::size_t kMaxEchoedBytes = 256;  // of a text that the client sent

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

RpcError invalid(std::string message) {
  return {kInvalidParams, std::move(message), {}};
}

// The string `field` of the params; null where it is absent or no string.
const std::string* text_param(const Request& request, const char* field) {
  const auto found = request.message.params.find(field);
  return found == request.message.params.end() ? nullptr : found->get_ptr<const std::string*>();
}

// What is said where text_param found none.
RpcError wanted_text(const Request& request, const char* field) {
  const auto found = request.message.params.find(field);
  std::string message = std::string("params.") + field + " is required and must be a string";
  if (found != request.message.params.end()) message += ", got " + schemas::shown_value(*found);
  return invalid(std::move(message));
}

// An object of the params; absent and null are an empty one. Nothing where it is something else.
std::optional<Json> object_param(const Request& request, const char* field) {
  Json value = request.message.params.value(field, Json());
  if (value.is_null()) return Json::object();
  return value.is_object() ? std::optional(std::move(value)) : std::nullopt;
}

RpcError wanted_object(const Request& request, const char* field) {
  return invalid(std::string("params.") + field + " must be an object, got " +
                 schemas::shown_value(request.message.params.at(field)));
}

std::variant<Json, RpcError> tool_end(const schemas::Result<Outcome>& outcome) {
  if (!outcome.ok())
    if (auto error = protocol_error(outcome.error())) return std::move(*error);
  return tool_result(outcome);
}

Handled answer_end(const Request& request, std::variant<Json, RpcError> end) {
  if (const auto* error = std::get_if<RpcError>(&end)) return refuse_with(request, *error);
  return answer_with(request, std::move(std::get<Json>(end)));
}

void append(Json& list, const Json& more) {
  list.insert(list.end(), more.begin(), more.end());
}

}  // namespace

struct Server::Method {
  const char* name;
  bool legacy;
  bool modern;
  Handled (Server::*handle)(const Request&) const;
};

const Server::Method* Server::find_method(const std::string& name, Era era) {
  static const std::vector<Method> methods = {
      {"initialize", true, false, &Server::initialize},
      {"ping", true, false, &Server::ping},
      {"server/discover", false, true, &Server::discover},
      {"tools/list", true, true, &Server::list_tools},
      {"tools/call", true, true, &Server::call_tool},
      {"prompts/list", true, true, &Server::list_prompts},
      {"prompts/get", true, true, &Server::get_prompt},
      {"resources/list", true, true, &Server::list_resources},
      {"resources/templates/list", true, true, &Server::list_resource_templates},
      {"resources/read", true, true, &Server::read_resource},
  };
  const auto found = std::find_if(methods.begin(), methods.end(), [&](const Method& method) {
    return name == method.name && (era == Era::legacy ? method.legacy : method.modern);
  });
  return found == methods.end() ? nullptr : &*found;
}

Server::Server(const tools::Registry& registry, std::string version, const Extension* extension)
    : registry_(registry), version_(std::move(version)), extension_(extension) {}

Handled Server::handle(std::string_view text, const Peer& peer) const {
  const Decoded decoded = decode_message(text);
  if (!decoded.message) return {400, encode_error(decoded.id, decoded.error)};
  return handle(*decoded.message, peer);
}

Handled Server::handle(const Message& message, const Peer& peer) const {
  const Era era = era_of(message);
  if (const auto refused = check_version(message, era, peer.headers))
    return {refused->http_status, encode_error(message.id, refused->error)};
  if (message.kind == Message::Kind::response) {
    if (peer.session) peer.session->answer(message);
    return {202, nullptr};
  }
  if (message.kind == Message::Kind::notification) {
    if (message.method == "notifications/cancelled" && peer.session)
      peer.session->withdraw(message.params.value("requestId", Json()));
    return {202, nullptr};
  }

  const Request request{message, era, peer, version_};
  const Method* method = find_method(message.method, era);
  const auto unknown = [&] {
    return refuse_with(
        request, {kMethodNotFound, "unknown method " + schemas::shown_value(message.method), {}});
  };
  if (method == nullptr && extension_ == nullptr) return unknown();
  if (era == Era::modern && peer.headers != nullptr)
    if (const auto refused = check_headers(message, *peer.headers))
      return refuse_with(request, refused->error, refused->http_status);
  if (method != nullptr) return (this->*method->handle)(request);
  if (auto handled = extended(request)) return std::move(*handled);
  return unknown();
}

std::optional<Handled> Server::extended(const Request& request) const {
  return extension_ == nullptr ? std::nullopt : extension_->handle(request);
}

Json Server::server_info() const {
  return {
      {"name", "assay"},
      {"title", "Assay"},
      {"version", version_},
      {"description", "Evaluates GPU kernels: compiles, checks and measures them in isolation."}};
}

Json Server::capabilities(Era era) const {
  Json all = {
      {"tools", Json::object()}, {"prompts", Json::object()}, {"resources", Json::object()}};
  if (extension_ != nullptr) all.merge_patch(extension_->capabilities(era));
  return all;
}

Handled Server::initialize(const Request& request) const {
  const std::string* asked = text_param(request, "protocolVersion");
  if (asked == nullptr) return refuse_with(request, wanted_text(request, "protocolVersion"));
  SessionStart start;
  start.version = negotiated_version(*asked);
  const auto can = request.message.params.find("capabilities");
  if (can != request.message.params.end() && can->is_object()) start.client_capabilities = *can;
  Handled handled = answer_with(request, {{"protocolVersion", start.version},
                                          {"capabilities", capabilities(request.era)},
                                          {"serverInfo", server_info()},
                                          {"instructions", kInstructions}});
  handled.opens = std::move(start);
  return handled;
}

Handled Server::discover(const Request& request) const {
  return answer_with(request, {{"supportedVersions", all_versions()},
                               {"capabilities", capabilities(request.era)},
                               {"instructions", kInstructions},
                               {"ttlMs", kListTtlMs},
                               {"cacheScope", "public"}});
}

Handled Server::ping(const Request& request) const {
  return answer_with(request, Json::object());
}

Handled Server::list(const Request& request, const char* field, Json items) const {
  const auto cursor = request.message.params.find("cursor");
  if (cursor != request.message.params.end() && !cursor->is_null())
    return refuse_with(request, invalid("params.cursor " + schemas::shown_value(*cursor) +
                                        " is unknown: the list has one page"));
  Json answer = {{field, std::move(items)}};
  if (request.era == Era::modern) answer["ttlMs"] = kListTtlMs, answer["cacheScope"] = "public";
  return answer_with(request, std::move(answer));
}

Handled Server::list_tools(const Request& request) const {
  Json definitions = Json::array();
  for (const tools::Tool& tool : registry_.tools()) definitions.push_back(tool_definition(tool));
  if (extension_ != nullptr) append(definitions, extension_->tools(request.era));
  return list(request, "tools", std::move(definitions));
}

Handled Server::call_tool(const Request& request) const {
  const Json& params = request.message.params;
  const std::string* name = text_param(request, "name");
  if (name == nullptr) return refuse_with(request, wanted_text(request, "name"));
  auto arguments = object_param(request, "arguments");
  if (!arguments) return refuse_with(request, wanted_object(request, "arguments"));
  if (const auto error = progress_token_error(params)) return refuse_with(request, *error);

  const tools::Tool* tool = registry_.find(*name);
  if (tool == nullptr) {
    if (auto handled = extended(request)) return std::move(*handled);
    return refuse_with(request, invalid(registry_.unknown_tool(*name).message));
  }
  if (!tool->may_take_long)
    return answer_end(request, tool_end(registry_.call(tool->name, {*arguments, {}, {}})));

  return run_later(request, [this, name = tool->name, arguments = std::move(*arguments),
                             token = progress_token(params)](CallPeer& peer) {
    tools::Call call{arguments, tools::ArgumentForm::flat, {}};
    call.context.cancelled = [&peer] { return peer.cancelled(); };
    RisingProgress rising;
    if (!token.is_null())
      call.context.progress = [&](double fraction, const std::string& message) {
        peer.notify(progress_notification(token, rising.next(fraction), message));
      };
    return tool_end(registry_.call(name, call));
  });
}

Handled Server::list_prompts(const Request& request) const {
  Json definitions = prompt_definitions();
  if (extension_ != nullptr) append(definitions, extension_->prompts());
  return list(request, "prompts", std::move(definitions));
}

Handled Server::get_prompt(const Request& request) const {
  const std::string* name = text_param(request, "name");
  if (name == nullptr) return refuse_with(request, wanted_text(request, "name"));
  if (!has_prompt(*name)) {
    if (auto handled = extended(request)) return std::move(*handled);
    return refuse_with(request, invalid(unknown_prompt(*name)));
  }
  const auto arguments = object_param(request, "arguments");
  if (!arguments) return refuse_with(request, wanted_object(request, "arguments"));
  auto prompt = render_prompt(*name, *arguments);
  if (!prompt.ok()) return refuse_with(request, invalid(prompt.error().message));
  return answer_with(request, std::move(*prompt));
}

Handled Server::list_resources(const Request& request) const {
  Json definitions = resource_definitions();
  if (extension_ != nullptr) append(definitions, extension_->resources());
  return list(request, "resources", std::move(definitions));
}

Handled Server::list_resource_templates(const Request& request) const {
  Json definitions = resource_template_definitions();
  if (extension_ != nullptr) append(definitions, extension_->resource_templates());
  return list(request, "resourceTemplates", std::move(definitions));
}

Handled Server::read_resource(const Request& request) const {
  const std::string* uri = text_param(request, "uri");
  if (uri == nullptr) return refuse_with(request, wanted_text(request, "uri"));
  auto read = read_resource_at(*uri, registry_);
  if (read.ok()) {
    Json answer = {{"contents", Json::array({std::move(read->content)})}};
    if (request.era == Era::modern) {
      answer["ttlMs"] = read->lasting ? kListTtlMs : 0;
      answer["cacheScope"] = read->lasting ? "public" : "private";
    }
    return answer_with(request, std::move(answer));
  }
  if (auto handled = extended(request)) return std::move(*handled);
  const int code = request.era == Era::modern ? kInvalidParams : kLegacyNotFound;
  Json data;
  if (uri->size() <= kMaxEchoedBytes) data["uri"] = *uri;
  return refuse_with(request, {code, read.error().message, std::move(data)});
}

}  // namespace assay::mcp
