// SPDX-License-Identifier: Apache-2.0
// The server's figures as Prometheus text, format 0.0.4.
#pragma once

#include <string>
#include <vector>

#include "engine/engine.h"
#include "mcp/request_counters.h"

namespace assay::mcp {

inline constexpr const char* kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

// A figure that is not known has no line.
std::string metrics_text(const engine::EngineStats& stats,
                         const std::vector<RequestCount>& requests, const std::string& version);

}  // namespace assay::mcp
