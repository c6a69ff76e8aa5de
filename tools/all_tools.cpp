// SPDX-License-Identifier: Apache-2.0
#include "tools/all_tools.h"

namespace assay::tools {

Registry all_tools(engine::Engine& engine) {
  const auto join = std::make_shared<JobJoin>(engine);
  std::vector<Tool> tools;
  tools.push_back(evaluate_kernel_tool(engine, join));
  tools.push_back(compare_kernels_tool(engine, join));
  tools.push_back(validate_kernel_tool(engine, join));
  tools.push_back(get_server_stats_tool(engine));
  tools.push_back(get_job_status_tool(engine, join));
  return Registry(std::move(tools));
}

}  // namespace assay::tools
