// SPDX-License-Identifier: Apache-2.0
#include <chrono>

#include "mcp/conformance_fixture_parts.h"

namespace assay::mcp {
namespace {

constexpr const char* kSubscription = "io.modelcontextprotocol/subscriptionId";
constexpr std::chrono::milliseconds kMoment{100};  // a client that has gone is noticed within this

// What a client asked to hear of, and what of that it will hear of.
struct Filter {
  bool tools = false;
  bool prompts = false;

  Json honoured() const {
    Json notifications = Json::object();
    if (tools) notifications["toolsListChanged"] = true;
    if (prompts) notifications["promptsListChanged"] = true;
    return notifications;
  }
};

void tell(CallPeer& peer, const Json& subscription, const char* method,
          Json params = Json::object()) {
  params["_meta"] = {{kSubscription, subscription}};
  peer.notify(encode_notification(method, std::move(params)));
}

}  // namespace

ListChanges::Counts ListChanges::now() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

void ListChanges::change_tools() {
  {
    const std::lock_guard lock(mutex_);
    ++counts_.tools;
  }
  changed_.notify_all();
}

void ListChanges::change_prompts() {
  {
    const std::lock_guard lock(mutex_);
    ++counts_.prompts;
  }
  changed_.notify_all();
}

ListChanges::Counts ListChanges::after(const Counts& seen) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kMoment,
                    [&] { return counts_.tools != seen.tools || counts_.prompts != seen.prompts; });
  return counts_;
}

const std::vector<FixtureTool>& list_changing_tools() {
  static const std::vector<FixtureTool> tools = {
      {"test_trigger_tool_change", "As if the list of tools had changed.", false, true,
       kNoArguments,
       [](const Request& request, FixtureState& state) {
         state.changes.change_tools();
         return answer_with_text(request, "changed");
       }},
      {"test_trigger_prompt_change", "As if the list of prompts had changed.", false, true,
       kNoArguments,
       [](const Request& request, FixtureState& state) {
         state.changes.change_prompts();
         return answer_with_text(request, "changed");
       }},
  };
  return tools;
}

Handled listen_for_changes(const Request& request, ListChanges& changes) {
  const auto wanted = request.message.params.find("notifications");
  if (wanted == request.message.params.end() || !wanted->is_object())
    return refuse_with(
        request, {kInvalidParams, "params.notifications is required and must be an object", {}});
  const Filter filter{wanted->value("toolsListChanged", Json()) == true,
                      wanted->value("promptsListChanged", Json()) == true};
  return run_later(request,
                   [subscription = request.message.id, filter, seen = changes.now(),
                    &changes](CallPeer& peer) mutable -> std::variant<Json, RpcError> {
                     tell(peer, subscription, "notifications/subscriptions/acknowledged",
                          {{"notifications", filter.honoured()}});
                     while (!peer.cancelled()) {
                       const ListChanges::Counts counts = changes.after(seen);
                       if (filter.tools && counts.tools != seen.tools)
                         tell(peer, subscription, "notifications/tools/list_changed");
                       if (filter.prompts && counts.prompts != seen.prompts)
                         tell(peer, subscription, "notifications/prompts/list_changed");
                       seen = counts;
                     }
                     return Json{{"_meta", {{kSubscription, subscription}}}};
                   });
}

}  // namespace assay::mcp
