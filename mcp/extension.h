// SPDX-License-Identifier: Apache-2.0
// A way to offer more than the server itself does: what it does not know it asks its extension.
#pragma once

#include <optional>

#include "mcp/answer.h"

namespace assay::mcp {

// Immutable: every member may be called by any thread.
class Extension {
 public:
  virtual ~Extension() = default;
  // Merged into the server's own, key by key: {"prompts": {}, "logging": {}, …}.
  virtual Json capabilities(Era era) const = 0;
  // Definitions to append to the lists, each an array.
  virtual Json tools(Era era) const = 0;
  virtual Json prompts() const = 0;
  virtual Json resources() const = 0;
  virtual Json resource_templates() const = 0;
  // The answer to a request (also a tools/call, prompts/get or resources/read of a name that the
  // server does not know), made by answer_with, refuse_with or run_later; nothing when it is not
  // its own either. What a call that runs later needs of `request` it has to copy.
  virtual std::optional<Handled> handle(const Request& request) const = 0;
};

}  // namespace assay::mcp
