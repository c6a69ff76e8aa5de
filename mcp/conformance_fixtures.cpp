// SPDX-License-Identifier: Apache-2.0
#include "mcp/conformance_fixtures.h"

#include <string>

#include "mcp/conformance_fixture_parts.h"

namespace assay::mcp {
namespace {

bool lives_in(const FixtureTool& tool, Era era) {
  return era == Era::legacy ? tool.legacy : tool.modern;
}

template <typename Use>
void for_each_tool(Era era, const Use& use) {
  for (const auto* tools :
       {&content_tools(), &talking_tools(), &asking_tools(), &list_changing_tools()})
    for (const FixtureTool& tool : *tools)
      if (lives_in(tool, era)) use(tool);
}

std::string name_of(const Request& request) {
  const auto name = request.message.params.find("name");
  return name != request.message.params.end() && name->is_string() ? name->get<std::string>() : "";
}

}  // namespace

ConformanceFixtures::ConformanceFixtures() : state_(std::make_unique<FixtureState>()) {}
ConformanceFixtures::~ConformanceFixtures() = default;

Json ConformanceFixtures::capabilities(Era era) const {
  if (era == Era::legacy)
    return {{"logging", Json::object()},
            {"completions", Json::object()},
            {"resources", {{"subscribe", true}}}};
  return {{"completions", Json::object()},
          {"tools", {{"listChanged", true}}},
          {"prompts", {{"listChanged", true}}}};
}

Json ConformanceFixtures::tools(Era era) const {
  Json definitions = Json::array();
  for_each_tool(era, [&](const FixtureTool& tool) {
    definitions.push_back({{"name", tool.name},
                           {"description", tool.description},
                           {"inputSchema", Json::parse(tool.input_schema)}});
  });
  return definitions;
}

Json ConformanceFixtures::prompts() const {
  Json definitions = content_prompts();
  definitions.push_back(asking_prompt());
  return definitions;
}

Json ConformanceFixtures::resources() const {
  return content_resources();
}

Json ConformanceFixtures::resource_templates() const {
  return content_resource_templates();
}

std::optional<Handled> ConformanceFixtures::handle(const Request& request) const {
  const std::string& method = request.message.method;
  if (method == "tools/call") return call_tool(request);
  if (method == "prompts/get") return get_prompt(request);
  if (method == "resources/read") return read_content_resource(request);
  if (method == "completion/complete") return complete_argument(request);
  if (request.era == Era::legacy) {
    if (method == "logging/setLevel") return set_log_level(request);
    if (method == "resources/subscribe" || method == "resources/unsubscribe")
      return change_subscription(request);
  } else if (method == "subscriptions/listen") {
    return listen_for_changes(request, state_->changes);
  }
  return std::nullopt;
}

std::optional<Handled> ConformanceFixtures::call_tool(const Request& request) const {
  const std::string name = name_of(request);
  std::optional<Handled> handled;
  for_each_tool(request.era, [&](const FixtureTool& tool) {
    if (name == tool.name) handled = tool.call(request, *state_);
  });
  return handled;
}

std::optional<Handled> ConformanceFixtures::get_prompt(const Request& request) const {
  const std::string name = name_of(request);
  if (auto handled = get_content_prompt(request, name)) return handled;
  return get_asking_prompt(request, name);
}

Json text_content(const std::string& text) {
  return {{"content", Json::array({{{"type", "text"}, {"text", text}}})}};
}

Handled answer_with_text(const Request& request, const std::string& text) {
  return answer_with(request, text_content(text));
}

Handled refuse_for_capability(const Request& request, const char* capability) {
  const std::string words =
      std::string("this needs the client capability ") + capability + ", which was not declared";
  if (request.era == Era::modern)
    return refuse_with(
        request,
        {kMissingCapability, words, {{"requiredCapabilities", {{capability, Json::object()}}}}},
        400);
  Json answer = text_content(words);
  answer["isError"] = true;
  return answer_with(request, std::move(answer));
}

}  // namespace assay::mcp
