// SPDX-License-Identifier: Apache-2.0
// The five tools. Each is made by one function of its own file; the list and its order are in
// all_tools.cpp.
#pragma once

#include "engine/engine.h"
#include "tools/registry.h"

namespace assay::tools {

// `engine` must outlive the tools.
Tool evaluate_kernel_tool(engine::Engine& engine);
Tool compare_kernels_tool(engine::Engine& engine);
Tool validate_kernel_tool(engine::Engine& engine);
Tool get_server_stats_tool(engine::Engine& engine);
Tool get_job_status_tool(engine::Engine& engine);

Registry all_tools(engine::Engine& engine);

}  // namespace assay::tools
