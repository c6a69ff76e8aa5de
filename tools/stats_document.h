// SPDX-License-Identifier: Apache-2.0
// The statistics as clients get them; the same document for the tool and for every other door.
#pragma once

#include "engine/engine.h"
#include "tools/tool.h"

namespace assay::tools {

// job_stats, compilation_metrics, profiling_metrics, gpu_utilization, throughput, uptime_s,
// timestamp, summary and more beside. An unknown figure is null and has its reason under
// `unavailable`.
Json stats_document(const engine::EngineStats& stats);

// {status: "starting" | "healthy", compilation_service, profiling_service, gpu_available,
// gpu_count, devices, backends, isolation}. Healthy once nothing is starting any more.
Json health_document(const engine::Capacity& capacity);

}  // namespace assay::tools
