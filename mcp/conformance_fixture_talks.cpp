// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>
#include <thread>

#include "mcp/conformance_fixture_parts.h"
#include "mcp/tool_messages.h"

namespace assay::mcp {
namespace {

using End = std::variant<Json, RpcError>;

// The suite names these pauses.
constexpr std::chrono::milliseconds kStep{50};
constexpr std::chrono::milliseconds kAbsence{100};  // before the client may come back

constexpr std::array<std::string_view, 8> kLogLevels = {"debug", "info",     "notice", "warning",
                                                        "error", "critical", "alert",  "emergency"};

Json log_message(const char* text) {
  return encode_notification("notifications/message",
                             {{"level", "info"}, {"logger", "conformance"}, {"data", text}});
}

// Whether the client wants what is logged at level info: a legacy session says so once (nothing
// said: yes), a modern request each time (nothing said: no).
bool wants_info(const Request& request) {
  if (request.era == Era::legacy) {
    const std::string level = request.peer.session ? request.peer.session->log_level() : "";
    return level.empty() || level == "info" || level == "debug";
  }
  const Json level =
      request.message.params.at("_meta").value("io.modelcontextprotocol/logLevel", Json());
  return level == "info" || level == "debug";
}

Handled log_in_steps(const Request& request, FixtureState&) {
  return run_later(request, [wanted = wants_info(request)](CallPeer& peer) -> End {
    for (const char* text :
         {"Tool execution started", "Tool processing data", "Tool execution completed"}) {
      if (wanted) peer.notify(log_message(text));
      std::this_thread::sleep_for(kStep);
    }
    return text_content("logged");
  });
}

Handled progress_in_steps(const Request& request, FixtureState&) {
  return run_later(
      request, [token = progress_token(request.message.params)](CallPeer& peer) -> End {
        for (const int percent : {0, 50, 100}) {
          if (!token.is_null())
            peer.notify(progress_notification(token, percent, std::to_string(percent) + " of 100"));
          std::this_thread::sleep_for(kStep);
        }
        return text_content("done");
      });
}

Handled send_client_away(const Request& request, FixtureState&) {
  return run_later(request, [](CallPeer& peer) -> End {
    peer.send_away(kAbsence);
    std::this_thread::sleep_for(3 * kAbsence);
    return text_content("the client came back for this");
  });
}

// Asks the client; `words` makes the tool's text of its result.
Handled ask_client(const Request& request, const char* capability, const char* method, Json params,
                   std::string (*words)(const Json& result)) {
  if (!request.client_capabilities().contains(capability))
    return refuse_for_capability(request, capability);
  return run_later(request, [method, params = std::move(params), words](CallPeer& peer) -> End {
    const auto result = peer.ask(method, params);
    if (result.ok()) return text_content(words(*result));
    Json answer = text_content(result.error().message);
    answer["isError"] = true;
    return answer;
  });
}

std::string text_argument(const Request& request, const char* name) {
  const Json arguments = request.message.params.value("arguments", Json::object());
  const Json value = arguments.is_object() ? arguments.value(name, Json()) : Json();
  return value.is_string() ? value.get<std::string>() : "";
}

Handled ask_for_sample(const Request& request, FixtureState&) {
  const Json content = {{"type", "text"}, {"text", text_argument(request, "prompt")}};
  const Json message = {{"role", "user"}, {"content", content}};
  return ask_client(request, "sampling", "sampling/createMessage",
                    {{"messages", Json::array({message})}, {"maxTokens", 100}},
                    [](const Json& result) {
                      return "LLM response: " + schemas::dump_json(result.value("content", Json()));
                    });
}

Handled elicit(const Request& request, const std::string& message, const char* schema) {
  return ask_client(
      request, "elicitation", "elicitation/create",
      {{"message", message}, {"requestedSchema", Json::parse(schema)}},
      [](const Json& result) { return "User response: " + schemas::dump_json(result); });
}

Handled elicit_contact(const Request& request, FixtureState&) {
  return elicit(request, text_argument(request, "message"), R"({
    "type": "object",
    "properties": {"username": {"type": "string", "description": "User's response"},
                   "email": {"type": "string", "description": "User's email address"}},
    "required": ["username", "email"]
  })");
}

Handled elicit_with_defaults(const Request& request, FixtureState&) {
  return elicit(request, "Each field has a default.", R"({
    "type": "object",
    "properties": {
      "name": {"type": "string", "default": "John Doe"},
      "age": {"type": "integer", "default": 30},
      "score": {"type": "number", "default": 95.5},
      "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
      "verified": {"type": "boolean", "default": true}
    }
  })");
}

Handled elicit_choices(const Request& request, FixtureState&) {
  return elicit(request, "Choose.", R"({
    "type": "object",
    "properties": {
      "untitledSingle": {"type": "string", "enum": ["option1", "option2", "option3"]},
      "titledSingle": {"type": "string", "oneOf": [{"const": "value1", "title": "First Option"},
                                                   {"const": "value2", "title": "Second Option"},
                                                   {"const": "value3", "title": "Third Option"}]},
      "legacyEnum": {"type": "string", "enum": ["opt1", "opt2", "opt3"],
                     "enumNames": ["Option One", "Option Two", "Option Three"]},
      "untitledMulti": {"type": "array",
                        "items": {"type": "string", "enum": ["option1", "option2", "option3"]}},
      "titledMulti": {"type": "array",
                      "items": {"anyOf": [{"const": "value1", "title": "First Choice"},
                                          {"const": "value2", "title": "Second Choice"},
                                          {"const": "value3", "title": "Third Choice"}]}}
    }
  })");
}

}  // namespace

const std::vector<FixtureTool>& talking_tools() {
  static const std::vector<FixtureTool> tools = {
      {"test_tool_with_logging", "Logs three messages.", true, false, kNoArguments, log_in_steps},
      {"test_logging_tool", "Logs, if the request wants that.", false, true, kNoArguments,
       log_in_steps},
      {"test_tool_with_progress", "Reports progress three times.", true, true, kNoArguments,
       progress_in_steps},
      {"test_reconnection", "Ends its stream early: the client has to resume it.", true, false,
       kNoArguments, send_client_away},
      {"test_sampling", "Has the client sample.", true, false,
       R"({"type": "object", "properties": {"prompt": {"type": "string"}}, "required": ["prompt"]})",
       ask_for_sample},
      {"test_elicitation", "Asks the user.", true, false,
       R"({"type": "object", "properties": {"message": {"type": "string"}},
           "required": ["message"]})",
       elicit_contact},
      {"test_elicitation_sep1034_defaults", "Asks the user, with defaults.", true, false,
       kNoArguments, elicit_with_defaults},
      {"test_elicitation_sep1330_enums", "Has the user choose.", true, false, kNoArguments,
       elicit_choices},
  };
  return tools;
}

Handled set_log_level(const Request& request) {
  const Json level = request.message.params.value("level", Json());
  const auto* name = level.get_ptr<const std::string*>();
  if (name == nullptr || std::find(kLogLevels.begin(), kLogLevels.end(), *name) == kLogLevels.end())
    return refuse_with(
        request, {kInvalidParams, "params.level must be a level from debug to emergency", {}});
  if (request.peer.session) request.peer.session->set_log_level(*name);
  return answer_with(request, Json::object());
}

}  // namespace assay::mcp
