// SPDX-License-Identifier: Apache-2.0
// The parts that ConformanceFixtures is made of. A part knows nothing of the others.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mcp/answer.h"

namespace assay::mcp {

// Which lists have "changed", and how often. Thread-safe.
class ListChanges {
 public:
  struct Counts {
    std::uint64_t tools = 0;
    std::uint64_t prompts = 0;
  };
  Counts now() const;
  void change_tools();
  void change_prompts();
  // The counts, at once when they differ from `seen`, else after a moment.
  Counts after(const Counts& seen);

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Counts counts_;
};

// States that were handed to clients in `requestState`: only what was issued here is accepted back.
// Bounded: the oldest is forgotten first. Thread-safe.
class IssuedStates {
 public:
  static constexpr std::size_t kMost = 256;
  std::string issue(std::string meaning);
  std::optional<std::string> meaning_of(const std::string& state) const;

 private:
  mutable std::mutex mutex_;
  std::deque<std::pair<std::string, std::string>> issued_;  // state, meaning
};

struct FixtureState {
  ListChanges changes;
  IssuedStates states;
};

struct FixtureTool {
  const char* name;
  const char* description;
  bool legacy;
  bool modern;
  const char* input_schema;  // JSON
  Handled (*call)(const Request& request, FixtureState& state);
};

inline constexpr const char* kNoArguments = R"({"type": "object", "properties": {}})";

// Fixed answers.
const std::vector<FixtureTool>& content_tools();
Json content_prompts();
Json content_resources();
Json content_resource_templates();
std::optional<Handled> get_content_prompt(const Request& request, const std::string& name);
// resources/read, resources/subscribe, resources/unsubscribe and completion/complete.
std::optional<Handled> read_content_resource(const Request& request);
Handled change_subscription(const Request& request);
Handled complete_argument(const Request& request);

// Tools that talk to the client while they run, and the level of log messages.
const std::vector<FixtureTool>& talking_tools();
Handled set_log_level(const Request& request);

// Answers that ask the client for more, in the modern era; the client calls again with it.
const std::vector<FixtureTool>& asking_tools();
Json asking_prompt();  // its definition
std::optional<Handled> get_asking_prompt(const Request& request, const std::string& name);

// subscriptions/listen, and the tools that change a list.
const std::vector<FixtureTool>& list_changing_tools();
Handled listen_for_changes(const Request& request, ListChanges& changes);

// {content: [{type: text, text}]}
Json text_content(const std::string& text);
Handled answer_with_text(const Request& request, const std::string& text);
// The refusal of a client that lacks a capability which the answer needs.
Handled refuse_for_capability(const Request& request, const char* capability);

}  // namespace assay::mcp
