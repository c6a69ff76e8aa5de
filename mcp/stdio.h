// SPDX-License-Identifier: Apache-2.0
// The stdio end: one JSON-RPC message per line in, one per line out, nothing else on the output.
#pragma once

#include <cstdio>

#include "mcp/server.h"

namespace assay::mcp {

inline constexpr std::size_t kMaxLineBytes = std::size_t{8} << 20;
inline constexpr std::size_t kMaxStdioCalls = 64;

// Reads `input` (a descriptor) until its end or until `stop` is readable, then withdraws what still
// runs (after the end of input: a moment later) and returns; after `stop` also when nobody reads
// the output. notifications/cancelled withdraws the call with that id; it then gets no response.
// Blocks.
void serve_stdio(const Server& server, int input, int output, int stop);

}  // namespace assay::mcp
