// SPDX-License-Identifier: Apache-2.0
// The command line and the environment, read once. Flags and variables of the older servers are
// accepted.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "mcp/door_options.h"
#include "schemas/result.h"

namespace assay::mcp {

enum class Command { serve, stdio, doctor, cache, version, help };
enum class CacheAction { list, clear, verify };

struct Options {
  Command command = Command::help;
  std::string host = "127.0.0.1";
  int port = 8000;                         // 0: a free one
  std::string data_directory;              // job table and caches; default: $XDG_STATE_HOME/assay
  bool data_directory_is_default = false;  // neither --data-dir nor ASSAY_DATA_DIR was given
  std::string log_level = "info";          // trace debug info warning error critical
  std::string port_file;                   // the port is written here once the server listens
  std::string gpu_type;                    // what X-GPU-Type says instead of the GPU's name
  std::vector<std::string> required_isolation;  // layers without which the server refuses to start
  DoorOptions door;                             // who may come in
  CacheAction cache_action = CacheAction::list;
  // Compiling; 0: the default of the executor.
  std::int64_t compile_timeout_seconds = 0;  // COMPILE_TIMEOUT: of one build
  std::int64_t run_timeout_seconds = 0;      // EXEC_TIMEOUT: of one run on Keck's routes
  std::int64_t compiler_cpus = 0;            // COMPILER_CPUS: processors reckoned for one build
  std::int64_t max_jobs = 0;                 // MAX_JOBS: compilers at once within one build
  std::string architecture;  // TORCH_CUDA_ARCH_LIST: "sm_90"; compiled for where there is no GPU
  bool conformance_fixtures = false;  // for tests, on loopback only: conformance_fixtures.h
  std::vector<std::string> ignored;   // flags and variables that mean nothing here, for a warning
};

using Environment = std::function<std::optional<std::string>(const char* name)>;
Environment process_environment();

// `arguments` without the program's name. Errors are for the person who typed them.
schemas::Result<Options> parse_options(const std::vector<std::string>& arguments,
                                       const Environment& environment);

std::string help_text();

}  // namespace assay::mcp
