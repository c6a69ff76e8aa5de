// SPDX-License-Identifier: Apache-2.0
#include "tools/registry.h"

#include <algorithm>
#include <exception>

namespace assay::tools {

using schemas::Error;
using schemas::ErrorCode;

Registry::Registry(std::vector<Tool> tools) : tools_(std::move(tools)) {}

const Tool* Registry::find(std::string_view name) const {
  const auto found = std::find_if(tools_.begin(), tools_.end(),
                                  [&](const Tool& tool) { return tool.name == name; });
  return found == tools_.end() ? nullptr : &*found;
}

Error Registry::unknown_tool(std::string_view name) const {
  std::string known;
  for (const Tool& each : tools_) known += (known.empty() ? "" : ", ") + each.name;
  return {ErrorCode::not_found,
          "there is no tool " + schemas::shown_value(Json(name)) + "; the tools are " + known,
          false,
          {}};
}

schemas::Result<Outcome> Registry::call(std::string_view name, const Call& call) const {
  const Tool* tool = find(name);
  if (tool == nullptr) return unknown_tool(name);
  try {
    return tool->handler(call);
  } catch (const std::exception& defect) {
    if (on_defect) on_defect(name, defect.what());
    return Error{ErrorCode::internal, "internal error in " + tool->name, true, {}};
  }
}

}  // namespace assay::tools
