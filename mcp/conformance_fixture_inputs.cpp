// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <random>

#include "mcp/conformance_fixture_parts.h"

namespace assay::mcp {
namespace {

constexpr const char* kPrompt = "test_input_required_result_prompt";

Json ask_user(const char* message, const char* field, const char* type = "string") {
  return {{"method", "elicitation/create"},
          {"params",
           {{"message", message},
            {"requestedSchema",
             {{"type", "object"},
              {"properties", {{field, {{"type", type}}}}},
              {"required", Json::array({field})}}}}}};
}

Json ask_model(const char* text) {
  const Json content = {{"type", "text"}, {"text", text}};
  const Json message = {{"role", "user"}, {"content", content}};
  return {{"method", "sampling/createMessage"},
          {"params", {{"messages", Json::array({message})}, {"maxTokens", 100}}}};
}

Json ask_roots() {
  return {{"method", "roots/list"}, {"params", Json::object()}};
}

const char* capability_of(const Json& question) {
  const auto& method = question["method"].get_ref<const std::string&>();
  if (method == "elicitation/create") return "elicitation";
  return method == "roots/list" ? "roots" : "sampling";
}

// Sends the client away for answers. An empty state is left out.
Handled need_input(const Request& request, Json questions, const std::string& state = {}) {
  const Json can = request.client_capabilities();
  for (const Json& question : questions)
    if (!can.contains(capability_of(question)))
      return refuse_for_capability(request, capability_of(question));
  Json answer = {{"resultType", "input_required"}, {"inputRequests", std::move(questions)}};
  if (!state.empty()) answer["requestState"] = state;
  return answer_with(request, std::move(answer));
}

// The client's answer to a question; null where there is none, or none that makes sense.
Json given(const Request& request, const char* question) {
  const auto responses = request.message.params.find("inputResponses");
  if (responses == request.message.params.end() || !responses->is_object()) return nullptr;
  const Json answer = responses->value(question, Json());
  return answer.is_object() ? answer : Json();
}

bool gave(const Request& request, const char* question) {
  return !given(request, question).is_null();
}

// A field that the user filled in, as text.
std::string filled(const Request& request, const char* question, const char* field) {
  const Json content = given(request, question).value("content", Json::object());
  const Json value = content.is_object() ? content.value(field, Json()) : Json();
  return value.is_string() ? value.get<std::string>() : schemas::dump_json(value);
}

// What the state that came back means: empty where none came, nothing where it is none of ours.
std::optional<std::string> returned_state(const Request& request, const FixtureState& state) {
  const auto found = request.message.params.find("requestState");
  if (found == request.message.params.end()) return "";
  if (!found->is_string()) return std::nullopt;
  return state.states.meaning_of(found->get<std::string>());
}

Handled refuse_state(const Request& request) {
  return refuse_with(
      request, {kInvalidParams, "params.requestState is not one that this server issued", {}});
}

Handled greet(const Request& request, FixtureState&) {
  if (gave(request, "user_name"))
    return answer_with_text(request, "Hello, " + filled(request, "user_name", "name") + "!");
  return need_input(request, {{"user_name", ask_user("What is your name?", "name")}});
}

Handled sample(const Request& request, FixtureState&) {
  if (gave(request, "capital_question"))
    return answer_with_text(
        request,
        "The model says " + schemas::dump_json(given(request, "capital_question")["content"]));
  return need_input(request, {{"capital_question", ask_model("What is the capital of France?")}});
}

Handled list_roots(const Request& request, FixtureState&) {
  if (gave(request, "client_roots"))
    return answer_with_text(
        request, "Roots: " + schemas::dump_json(given(request, "client_roots")["roots"]));
  return need_input(request, {{"client_roots", ask_roots()}});
}

// Asks for a confirmation and believes it only together with the state it was asked with.
Handled confirm(const Request& request, FixtureState& state) {
  const auto meaning = returned_state(request, state);
  if (!meaning) return refuse_state(request);
  if (*meaning == "confirm" && gave(request, "confirm"))
    return answer_with_text(request, "state-ok");
  return need_input(request, {{"confirm", ask_user("Please confirm", "ok", "boolean")}},
                    state.states.issue("confirm"));
}

Handled ask_three(const Request& request, FixtureState& state) {
  const auto meaning = returned_state(request, state);
  if (!meaning) return refuse_state(request);
  if (*meaning == "three" && gave(request, "user_name") && gave(request, "greeting") &&
      gave(request, "client_roots"))
    return answer_with_text(request, "All three were answered.");
  return need_input(request,
                    {{"user_name", ask_user("What is your name?", "name")},
                     {"greeting", ask_model("Generate a greeting")},
                     {"client_roots", ask_roots()}},
                    state.states.issue("three"));
}

Handled ask_twice(const Request& request, FixtureState& state) {
  const auto meaning = returned_state(request, state);
  if (!meaning) return refuse_state(request);
  if (*meaning == "step 2" && gave(request, "step2"))
    return answer_with_text(request, "Both steps were answered.");
  if (*meaning == "step 1" && gave(request, "step1"))
    return need_input(request,
                      {{"step2", ask_user("Step 2: What is your favorite color?", "color")}},
                      state.states.issue("step 2"));
  return need_input(request, {{"step1", ask_user("Step 1: What is your name?", "name")}},
                    state.states.issue("step 1"));
}

Handled ask_what_client_can(const Request& request, FixtureState&) {
  const Json can = request.client_capabilities();
  Json questions = Json::object();
  if (can.contains("elicitation")) questions["by_user"] = ask_user("Say something", "value");
  if (can.contains("sampling")) questions["by_model"] = ask_model("Say something");
  if (questions.empty()) return answer_with_text(request, "There is nobody to ask.");
  if (gave(request, "by_user") || gave(request, "by_model"))
    return answer_with_text(request, "Thanks.");
  return need_input(request, std::move(questions));
}

}  // namespace

std::string IssuedStates::issue(std::string meaning) {
  std::random_device random;
  std::string state;
  for (int part = 0; part < 4; ++part) state += std::to_string(random()) + "-";
  const std::lock_guard lock(mutex_);
  if (issued_.size() >= kMost) issued_.pop_front();
  issued_.emplace_back(state, std::move(meaning));
  return state;
}

std::optional<std::string> IssuedStates::meaning_of(const std::string& state) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(issued_.begin(), issued_.end(),
                                  [&](const auto& entry) { return entry.first == state; });
  if (found == issued_.end()) return std::nullopt;
  return found->second;
}

const std::vector<FixtureTool>& asking_tools() {
  static const std::vector<FixtureTool> tools = {
      {"test_input_required_result_elicitation", "Asks for a name.", false, true, kNoArguments,
       greet},
      {"test_input_required_result_sampling", "Asks a model.", false, true, kNoArguments, sample},
      {"test_input_required_result_list_roots", "Asks for roots.", false, true, kNoArguments,
       list_roots},
      {"test_input_required_result_request_state", "Asks, and wants its state back.", false, true,
       kNoArguments, confirm},
      {"test_input_required_result_multiple_inputs", "Asks three things.", false, true,
       kNoArguments, ask_three},
      {"test_input_required_result_multi_round", "Asks twice.", false, true, kNoArguments,
       ask_twice},
      {"test_input_required_result_tampered_state", "Wants its very state back.", false, true,
       kNoArguments, confirm},
      {"test_input_required_result_capabilities", "Asks what the client can answer.", false, true,
       kNoArguments, ask_what_client_can},
      {"test_streaming_elicitation", "Asks where older servers would have asked on the stream.",
       false, true, kNoArguments, greet},
  };
  return tools;
}

Json asking_prompt() {
  return {{"name", kPrompt}, {"description", "A prompt that asks for its context first."}};
}

std::optional<Handled> get_asking_prompt(const Request& request, const std::string& name) {
  if (name != kPrompt) return std::nullopt;
  if (request.era == Era::legacy)
    return refuse_with(
        request,
        {kInvalidParams, std::string(kPrompt) + " needs protocol version " + kModernVersion, {}});
  if (!gave(request, "user_context"))
    return need_input(
        request, {{"user_context", ask_user("What context should the prompt use?", "context")}});
  const Json content = {{"type", "text"},
                        {"text", "Context: " + filled(request, "user_context", "context")}};
  const Json message = {{"role", "user"}, {"content", content}};
  return answer_with(request, {{"messages", Json::array({message})}});
}

}  // namespace assay::mcp
