// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <string_view>

#include "mcp/conformance_fixture_parts.h"

namespace assay::mcp {
namespace {

// One grey pixel, and one silent sample.
constexpr const char* kImage =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNoAAAAggCB2kUIOwAAAABJRU5ErkJggg==";
constexpr const char* kSound = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQIAAAAAAA==";

constexpr const char* kText = "test://static-text";
constexpr const char* kBinary = "test://static-binary";
constexpr const char* kWatched = "test://watched-resource";
constexpr std::string_view kTemplateStart = "test://template/";
constexpr std::string_view kTemplateEnd = "/data";

Json image() {
  return {{"type", "image"}, {"data", kImage}, {"mimeType", "image/png"}};
}

Json embedded(const std::string& uri, const char* mime_type, const std::string& text) {
  return {{"type", "resource"},
          {"resource", {{"uri", uri}, {"mimeType", mime_type}, {"text", text}}}};
}

Handled answer_with_content(const Request& request, Json content) {
  return answer_with(request, {{"content", std::move(content)}});
}

constexpr const char* kWholeVocabulary = R"({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "$defs": {
    "address": {
      "$anchor": "addressDef",
      "type": "object",
      "properties": {"street": {"type": "string"}, "city": {"type": "string"}}
    }
  },
  "properties": {
    "name": {"type": "string"},
    "address": {"$ref": "#/$defs/address"},
    "contactMethod": {"type": "string", "enum": ["phone", "email"]},
    "phone": {"type": "string"},
    "email": {"type": "string"}
  },
  "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
  "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
  "then": {"required": ["phone"]},
  "else": {"required": ["email"]},
  "additionalProperties": false
})";

// A string among the params' arguments; empty where there is none.
std::string argument(const Request& request, const char* name) {
  const auto arguments = request.message.params.find("arguments");
  if (arguments == request.message.params.end() || !arguments->is_object()) return {};
  const auto found = arguments->find(name);
  return found != arguments->end() && found->is_string() ? found->get<std::string>() : "";
}

Json said(Json content) {
  return {{"role", "user"}, {"content", std::move(content)}};
}

Json said_text(const std::string& text) {
  return said(Json{{"type", "text"}, {"text", text}});
}

Handled answer_with_messages(const Request& request, Json messages) {
  return answer_with(request, {{"messages", std::move(messages)}});
}

std::optional<Handled> lacking_argument(const Request& request,
                                        const std::vector<const char*>& names) {
  for (const char* name : names)
    if (argument(request, name).empty())
      return refuse_with(
          request, {kInvalidParams,
                    std::string("params.arguments.") + name + " is required and must be a string",
                    {}});
  return std::nullopt;
}

Handled answer_with_resource(const Request& request, Json content) {
  Json answer = {{"contents", Json::array({std::move(content)})}};
  if (request.era == Era::modern) answer["ttlMs"] = 0, answer["cacheScope"] = "private";
  return answer_with(request, std::move(answer));
}

}  // namespace

const std::vector<FixtureTool>& content_tools() {
  static const std::vector<FixtureTool> tools = {
      {"test_simple_text", "Answers with a text.", true, true, kNoArguments,
       [](const Request& request, FixtureState&) {
         return answer_with_text(request, "This is a simple text response for testing.");
       }},
      {"test_image_content", "Answers with an image.", true, true, kNoArguments,
       [](const Request& request, FixtureState&) {
         return answer_with_content(request, Json::array({image()}));
       }},
      {"test_audio_content", "Answers with a sound.", true, true, kNoArguments,
       [](const Request& request, FixtureState&) {
         return answer_with_content(
             request,
             Json::array({{{"type", "audio"}, {"data", kSound}, {"mimeType", "audio/wav"}}}));
       }},
      {"test_embedded_resource", "Answers with a resource.", true, true, kNoArguments,
       [](const Request& request, FixtureState&) {
         return answer_with_content(
             request, Json::array({embedded("test://embedded-resource", "text/plain",
                                            "This is an embedded resource content.")}));
       }},
      {"test_multiple_content_types", "Answers with a text, an image and a resource.", true, true,
       kNoArguments,
       [](const Request& request, FixtureState&) {
         const Json text = {{"type", "text"}, {"text", "Multiple content types test:"}};
         return answer_with_content(
             request, Json::array({text, image(),
                                   embedded("test://mixed-content-resource", "application/json",
                                            R"({"test":"data","value":123})")}));
       }},
      {"test_error_handling", "Always fails.", true, true, kNoArguments,
       [](const Request& request, FixtureState&) {
         Json answer = text_content("This tool intentionally returns an error for testing");
         answer["isError"] = true;
         return answer_with(request, std::move(answer));
       }},
      {"json_schema_2020_12_tool", "Its input schema uses the whole vocabulary.", true, true,
       kWholeVocabulary,
       [](const Request& request, FixtureState&) { return answer_with_text(request, "called"); }},
      {"test_missing_capability", "Needs a client that samples.", false, true, kNoArguments,
       [](const Request& request, FixtureState&) {
         return request.client_capabilities().contains("sampling")
                    ? answer_with_text(request, "the client can sample")
                    : refuse_for_capability(request, "sampling");
       }},
  };
  return tools;
}

Json content_prompts() {
  return Json::parse(R"([
    {"name": "test_simple_prompt", "description": "A prompt without arguments."},
    {"name": "test_prompt_with_arguments", "description": "A prompt of two arguments.",
     "arguments": [{"name": "arg1", "description": "The first.", "required": true},
                   {"name": "arg2", "description": "The second.", "required": true}]},
    {"name": "test_prompt_with_embedded_resource", "description": "A prompt with a resource in it.",
     "arguments": [{"name": "resourceUri", "description": "Its URI.", "required": true}]},
    {"name": "test_prompt_with_image", "description": "A prompt with an image in it."}
  ])");
}

std::optional<Handled> get_content_prompt(const Request& request, const std::string& name) {
  if (name == "test_simple_prompt")
    return answer_with_messages(request,
                                Json::array({said_text("This is a simple prompt for testing.")}));
  if (name == "test_prompt_with_arguments") {
    if (auto refused = lacking_argument(request, {"arg1", "arg2"})) return refused;
    return answer_with_messages(
        request,
        Json::array({said_text("Prompt with arguments: arg1='" + argument(request, "arg1") +
                               "', arg2='" + argument(request, "arg2") + "'")}));
  }
  if (name == "test_prompt_with_embedded_resource") {
    if (auto refused = lacking_argument(request, {"resourceUri"})) return refused;
    return answer_with_messages(
        request, Json::array({said(embedded(argument(request, "resourceUri"), "text/plain",
                                            "Embedded resource content for testing.")),
                              said_text("Please process the embedded resource above.")}));
  }
  if (name == "test_prompt_with_image")
    return answer_with_messages(
        request, Json::array({said(image()), said_text("Please analyze the image above.")}));
  return std::nullopt;
}

Json content_resources() {
  const auto resource = [](const char* uri, const char* name, const char* mime_type) {
    return Json{{"uri", uri}, {"name", name}, {"mimeType", mime_type}};
  };
  return Json::array({resource(kText, "static-text", "text/plain"),
                      resource(kBinary, "static-binary", "image/png"),
                      resource(kWatched, "watched-resource", "text/plain")});
}

Json content_resource_templates() {
  return Json::parse(R"([{"uriTemplate": "test://template/{id}/data", "name": "template",
                          "mimeType": "application/json"}])");
}

std::optional<Handled> read_content_resource(const Request& request) {
  const std::string uri = request.message.params.value("uri", "");
  if (uri == kText)
    return answer_with_resource(request,
                                {{"uri", uri},
                                 {"mimeType", "text/plain"},
                                 {"text", "This is the content of the static text resource."}});
  if (uri == kBinary)
    return answer_with_resource(request,
                                {{"uri", uri}, {"mimeType", "image/png"}, {"blob", kImage}});
  if (uri == kWatched)
    return answer_with_resource(
        request, {{"uri", uri}, {"mimeType", "text/plain"}, {"text", "Watched resource content"}});
  if (uri.size() <= kTemplateStart.size() + kTemplateEnd.size() ||
      !uri.starts_with(kTemplateStart) || !uri.ends_with(kTemplateEnd))
    return std::nullopt;
  const std::string id =
      uri.substr(kTemplateStart.size(), uri.size() - kTemplateStart.size() - kTemplateEnd.size());
  const Json document = {{"id", id}, {"templateTest", true}, {"data", "Data for ID: " + id}};
  return answer_with_resource(
      request,
      {{"uri", uri}, {"mimeType", "application/json"}, {"text", schemas::dump_json(document)}});
}

Handled change_subscription(const Request& request) {
  const Json uri = request.message.params.value("uri", Json());
  if (uri == kWatched) return answer_with(request, Json::object());
  return refuse_with(
      request,
      {kLegacyNotFound, std::string("there is nothing to watch but ") + kWatched, {{"uri", uri}}});
}

Handled complete_argument(const Request& request) {
  const Json& params = request.message.params;
  const Json reference = params.value("ref", Json::object());
  const Json argument = params.value("argument", Json::object());
  if (!reference.is_object() || !argument.is_object() ||
      !argument.value("value", Json()).is_string() ||
      reference.value("name", Json()) != "test_prompt_with_arguments")
    return refuse_with(request, {kInvalidParams,
                                 "params.ref must name the prompt test_prompt_with_arguments and "
                                 "params.argument must have a name and a value",
                                 {}});
  constexpr std::array<std::string_view, 3> candidates = {"paris", "park", "party"};
  const auto start = argument["value"].get<std::string>();
  Json values = Json::array();
  for (const std::string_view candidate : candidates)
    if (candidate.starts_with(start)) values.push_back(candidate);
  const std::size_t count = values.size();
  return answer_with(
      request,
      {{"completion", {{"values", std::move(values)}, {"total", count}, {"hasMore", false}}}});
}

}  // namespace assay::mcp
