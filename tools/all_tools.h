// SPDX-License-Identifier: Apache-2.0
// The five tools. Each is made by one function of its own file; the list and its order are in
// all_tools.cpp.
#pragma once

#include <memory>

#include "engine/engine.h"
#include "tools/job_join.h"
#include "tools/registry.h"

namespace assay::tools {

// `engine` must outlive the tools; those that make jobs and wait for them share `join`.
Tool evaluate_kernel_tool(engine::Engine& engine, std::shared_ptr<JobJoin> join);
Tool compare_kernels_tool(engine::Engine& engine, std::shared_ptr<JobJoin> join);
Tool validate_kernel_tool(engine::Engine& engine, std::shared_ptr<JobJoin> join);
Tool get_server_stats_tool(engine::Engine& engine);
Tool get_job_status_tool(engine::Engine& engine, std::shared_ptr<JobJoin> join);

Registry all_tools(engine::Engine& engine);

}  // namespace assay::tools
