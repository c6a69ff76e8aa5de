// SPDX-License-Identifier: Apache-2.0
// One self-contained page that shows the routes of /openapi.json and lets a person try them. It
// loads nothing from anywhere else.
#pragma once

#include <string>

namespace assay::mcp {

const std::string& docs_page();

// What the page may do: its own script and style, requests to this server.
inline constexpr const char* kDocsPolicy =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

}  // namespace assay::mcp
