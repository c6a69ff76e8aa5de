// SPDX-License-Identifier: Apache-2.0
// The executor of this machine: judges, zygote, warm runners, compilers and the artifact cache hang
// below it. All of them start beside the server; capacity() says what is not ready yet.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/executor.h"
#include "engine/gpu_pool.h"
#include "engine/installation.h"
#include "schemas/result.h"

namespace assay::engine {

struct LocalExecutorOptions {
  std::string cache_directory;
  std::string architecture = "sm_90";     // compiled for where there is no GPU
  std::vector<DeviceId> devices;          // empty: every GPU; the CPU where there is none
  std::int64_t parallel_compiles = 0;     // 0: one per `compiler_cpus` processors
  std::int64_t compiler_cpus = 1;         // processors that one build is reckoned to use
  std::int64_t compile_seconds = 0;       // the longest that one build may take; 0: its job's time
  std::int64_t jobs_per_build = 0;        // compilers at once within one; 0: as the worker chooses
  std::int64_t warm_host_runners = 3;     // per device: one job's inputs, reference and candidate
  std::int64_t warm_device_runners = 2;   // per GPU
  std::uint64_t runner_memory_bytes = 0;  // of host memory, each; 0: 40 % of the machine's
};

// Returns at once, before anything below it is ready. Error: internal when a part of the
// installation is missing.
schemas::Result<std::unique_ptr<Executor>> make_local_executor(const LocalExecutorOptions& options);

}  // namespace assay::engine
