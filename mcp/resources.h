// SPDX-License-Identifier: Apache-2.0
// What a client may read: the guide to contracts, and of each finished job the report and the
// compilers' whole log. Jobs are not listed: whoever knows an id may read, nobody learns one here.
#pragma once

#include <string>

#include "mcp/jsonrpc.h"
#include "tools/registry.h"

namespace assay::mcp {

Json resource_definitions();
Json resource_template_definitions();

struct ReadResource {
  Json content;          // {uri, mimeType, text}
  bool lasting = false;  // the same until the server's next version
};
// Error: not_found, with the next step in words; also for a job that has not finished.
schemas::Result<ReadResource> read_resource_at(const std::string& uri,
                                               const tools::Registry& registry);

}  // namespace assay::mcp
