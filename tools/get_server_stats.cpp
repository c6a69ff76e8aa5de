// SPDX-License-Identifier: Apache-2.0
#include "schemas/tool_schemas.h"
#include "tools/all_tools.h"
#include "tools/stats_document.h"

namespace assay::tools {
namespace {

constexpr const char* kStatsDescription =
    "Says what this server is doing and on what: its GPUs with memory and load, jobs done, failed, "
    "running and queued, "
    "success and cache rates, mean times, isolation in force.\n"
    "Use it before heavy work (is there a GPU, how long is the queue?) or when something looks "
    "slow. Takes no "
    "arguments, runs nothing, answers at once.\n"
    "Returns summary, status (starting or healthy), gpus, job_stats, compilation_metrics, "
    "profiling_metrics, "
    "gpu_utilization, throughput, uptime_s. A figure that is not known is null, with the reason "
    "under `unavailable`.\n"
    "Next: evaluate_kernel or compare_kernels.";

}  // namespace

Tool get_server_stats_tool(engine::Engine& engine) {
  Tool tool;
  tool.name = "get_server_stats";
  tool.title = "Server statistics";
  tool.description = kStatsDescription;
  tool.input_schema = schemas::get_server_stats_input();
  tool.output_schema = schemas::server_stats_output();
  tool.handler = [&engine](const Call& call) -> schemas::Result<Outcome> {
    if (!call.arguments.is_object())
      return schemas::Error{
          schemas::ErrorCode::malformed_call, "arguments must be an object", false, {}};
    // Its schema allows no property, so none is ignored.
    if (!call.arguments.empty())
      return schemas::Error{schemas::ErrorCode::malformed_call,
                            "unknown argument " +
                                schemas::shown_value(call.arguments.items().begin().key()) +
                                ": get_server_stats takes none",
                            false,
                            {}};
    Outcome outcome;
    outcome.document = stats_document(engine.stats());
    return outcome;
  };
  return tool;
}

}  // namespace assay::tools
