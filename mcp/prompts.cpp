// SPDX-License-Identifier: Apache-2.0
#include "mcp/prompts.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace assay::mcp {

using schemas::Error;
using schemas::ErrorCode;

namespace {

struct Argument {
  const char* name;
  const char* description;
  bool required;
};

struct Prompt {
  const char* name;
  const char* title;
  const char* description;
  std::vector<Argument> arguments;
  // "{name}" stands for an argument; a paragraph whose argument was not given is left out.
  std::vector<const char*> paragraphs;
};

const std::vector<Prompt>& all_prompts() {
  static const std::vector<Prompt> prompts = {
      {"optimize_kernel",
       "Write a faster kernel, proven right",
       "The loop from a reference to a kernel that is right and faster: draft, validate, compare, "
       "read what limits it, improve.",
       {{"reference_source", "torch source of the reference", true},
        {"kernel_type", "torch_cuda, triton, cuda or multi_kernel; default: your choice", false},
        {"goal", "what to reach, as \"twice as fast\"", false}},
       {"Write a GPU kernel that computes what this reference computes, and faster:\n\n"
        "{reference_source}",
        "Kernel type: {kernel_type}.", "Goal: {goal}.",
        "Work in rounds. 1: call validate_kernel until it compiles; read registers, spills and "
        "occupancy. 2: call compare_kernels with the reference. A wrong result names the worst "
        "element: find its cause before you tune. 3: once it is correct, read timing and "
        "verdict.next_step, change one thing, compare again. Trust the ratio and its interval, not "
        "single times. Stop when two rounds bring nothing, and give the best kernel with its "
        "verdict."}},
      {"find_fault",
       "Find out why a kernel is wrong",
       "A plan for a kernel that compiles and gives wrong values or crashes.",
       {{"kernel_source", "the kernel's source", true},
        {"job_id", "of the evaluation that showed the fault", false}},
       {"This kernel is wrong or fails:\n\n{kernel_source}",
        "Its evaluation is job {job_id}: fetch it with get_job_status.",
        "Read in the answer: verdict.code and summary, the worst element with its index, both "
        "values and the allowed error, validation_error. Map the index to a block, a thread and a "
        "boundary. Form one hypothesis (index, boundary, missing synchronisation, precision, stale "
        "state), choose the smallest shape that shows it, and prove it with evaluate_kernel before "
        "you change the kernel. Then mend it and compare again with the original shapes."}},
  };
  return prompts;
}

const Prompt* find_prompt(const std::string& name) {
  const auto& prompts = all_prompts();
  const auto found = std::find_if(prompts.begin(), prompts.end(),
                                  [&](const Prompt& prompt) { return name == prompt.name; });
  return found == prompts.end() ? nullptr : &*found;
}

Error fault(std::string message) {
  return {ErrorCode::malformed_call, std::move(message), false, {}};
}

// The paragraph with its arguments; empty when one of them was not given.
std::string filled(std::string paragraph, const Prompt& prompt, const Json& arguments) {
  for (const Argument& argument : prompt.arguments) {
    const std::string place = std::string("{") + argument.name + "}";
    const auto at = paragraph.find(place);
    if (at == std::string::npos) continue;
    if (!arguments.contains(argument.name)) return {};
    return paragraph.replace(at, place.size(), arguments[argument.name].get<std::string>());
  }
  return paragraph;
}

}  // namespace

Json prompt_definitions() {
  Json definitions = Json::array();
  for (const Prompt& prompt : all_prompts()) {
    Json arguments = Json::array();
    for (const Argument& argument : prompt.arguments)
      arguments.push_back({{"name", argument.name},
                           {"description", argument.description},
                           {"required", argument.required}});
    definitions.push_back({{"name", prompt.name},
                           {"title", prompt.title},
                           {"description", prompt.description},
                           {"arguments", std::move(arguments)}});
  }
  return definitions;
}

bool has_prompt(const std::string& name) {
  return find_prompt(name) != nullptr;
}

std::string unknown_prompt(const std::string& name) {
  std::string words = "there is no prompt " + schemas::shown_value(name) + ": there are";
  for (const Prompt& prompt : all_prompts()) words.append(" ").append(prompt.name);
  return words;
}

schemas::Result<Json> render_prompt(const std::string& name, const Json& given) {
  const Prompt& prompt = *find_prompt(name);
  Json arguments = Json::object();  // without those that are null: as good as absent
  for (const auto& [key, value] : given.items())
    if (!value.is_null()) arguments[key] = value;
  for (const auto& [key, value] : arguments.items()) {
    const bool known =
        std::any_of(prompt.arguments.begin(), prompt.arguments.end(),
                    [&key = key](const Argument& argument) { return key == argument.name; });
    if (!known)
      return fault("params.arguments: " + schemas::shown_value(key) + " is unknown to prompt " +
                   name);
    if (!value.is_string())
      return fault("params.arguments." + key + " must be a string, got " +
                   schemas::shown_value(value));
  }
  for (const Argument& argument : prompt.arguments)
    if (argument.required && !arguments.contains(argument.name))
      return fault(std::string("params.arguments.") + argument.name + " is required");
  std::string text;
  for (const char* paragraph : prompt.paragraphs) {
    const std::string part = filled(paragraph, prompt, arguments);
    if (part.empty()) continue;
    if (!text.empty()) text += "\n\n";
    text += part;
  }
  Json content = {{"type", "text"}, {"text", std::move(text)}};
  return Json{{"description", prompt.description},
              {"messages", Json::array({{{"role", "user"}, {"content", std::move(content)}}})}};
}

}  // namespace assay::mcp
