// SPDX-License-Identifier: Apache-2.0
// The engine of this process: which executor it has and where it keeps its jobs.
#pragma once

#include <memory>

#include "engine/engine.h"
#include "mcp/options.h"

namespace assay::mcp {

// Where compiled kernels are kept.
std::string cache_directory(const Options& options);

// Returns at once; devices may still be starting. Errors: internal, naming what is missing.
schemas::Result<std::unique_ptr<engine::Engine>> start_engine(const Options& options);

// Waits until the layers were probed. Error: internal, naming the required ones (by name or as
// "L3") that do not hold and why.
schemas::Status check_isolation(engine::Engine& engine, const std::vector<std::string>& required);

}  // namespace assay::mcp
