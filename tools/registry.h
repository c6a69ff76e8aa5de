// SPDX-License-Identifier: Apache-2.0
// The tools by name, in a fixed order. Immutable after construction, so every member may be called
// by any thread.
#pragma once

#include <string_view>
#include <vector>

#include "tools/tool.h"

namespace assay::tools {

class Registry {
 public:
  explicit Registry(std::vector<Tool> tools);

  const std::vector<Tool>& tools() const { return tools_; }
  const Tool* find(std::string_view name) const;

  // Runs a tool on the calling thread. Errors: not_found for an unknown name, and the tool's own.
  // An exception of a handler is a defect of ours and becomes an `internal` error without its text;
  // `what` goes to `on_defect`.
  schemas::Result<Outcome> call(std::string_view name, const Call& call) const;

  // The error of a name that no tool has; it lists those there are.
  schemas::Error unknown_tool(std::string_view name) const;

  // Told about defects, for the log. Set before the first call.
  std::function<void(std::string_view tool, std::string_view what)> on_defect;

 private:
  std::vector<Tool> tools_;
};

}  // namespace assay::tools
