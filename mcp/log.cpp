// SPDX-License-Identifier: Apache-2.0
#include "mcp/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace assay::mcp {

void start_log(const std::string& level) {
  spdlog::set_default_logger(spdlog::stderr_logger_mt("assay"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
  spdlog::set_level(spdlog::level::from_str(level));
  spdlog::flush_on(spdlog::level::trace);
}

}  // namespace assay::mcp
