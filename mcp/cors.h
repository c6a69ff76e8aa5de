// SPDX-License-Identifier: Apache-2.0
// What browsers ask before a page of another origin may call, and what they are told (the Fetch
// standard's CORS): only pages of the listed origins are told anything. Free of the HTTP library.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "mcp/request_head.h"

namespace assay::mcp {

// A browser's question whether a request may follow. It comes without the token.
bool is_preflight(const RequestHead& head, const std::vector<std::string>& listed_origins);

// What every answer to this request says beside the rest, refusals and streams included. Empty
// unless its origin is listed.
std::vector<std::pair<std::string, std::string>> cors_headers(
    const RequestHead& head, const std::vector<std::string>& listed_origins);

}  // namespace assay::mcp
