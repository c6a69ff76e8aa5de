// SPDX-License-Identifier: Apache-2.0
#include "mcp/start_engine.h"

#include <chrono>
#include <thread>

#include "engine/local_executor.h"

namespace assay::mcp {
namespace {

using schemas::Error;
using schemas::ErrorCode;
using schemas::Status;

constexpr std::chrono::seconds kProbeLimit{30};
constexpr std::chrono::milliseconds kProbePoll{20};

}  // namespace

std::string cache_directory(const Options& options) {
  return options.data_directory + "/cache";
}

schemas::Result<std::unique_ptr<engine::Engine>> start_engine(const Options& options) {
  engine::LocalExecutorOptions local;
  local.cache_directory = cache_directory(options);
  local.compile_seconds = options.compile_timeout_seconds;
  if (options.compiler_cpus > 0) local.compiler_cpus = options.compiler_cpus;
  local.jobs_per_build = options.max_jobs;
  if (!options.architecture.empty()) local.architecture = options.architecture;
  auto executor = engine::make_local_executor(local);
  if (!executor.ok()) return executor.error();
  engine::EngineOptions engine_options;
  engine_options.data_directory = options.data_directory;
  return engine::Engine::open(std::move(engine_options), std::move(*executor));
}

Status check_isolation(engine::Engine& engine, const std::vector<std::string>& required) {
  if (required.empty()) return schemas::success();
  const auto deadline = std::chrono::steady_clock::now() + kProbeLimit;
  engine::Capacity capacity = engine.capacity();
  while (capacity.isolation.empty() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(kProbePoll);
    capacity = engine.capacity();
  }
  std::string missing;
  const auto add = [&missing](const std::string& text) {
    missing += (missing.empty() ? "" : "; ") + text;
  };
  for (const std::string& name : required) {
    bool known = false;
    for (const schemas::LayerReport& layer : capacity.isolation) {
      if (layer.name != name && layer.layer != name) continue;  // "L3" stands for several
      known = true;
      if (!layer.applied) add(layer.name + " (" + layer.reason + ")");
    }
    if (!known) add(name + " (no such layer)");
  }
  if (missing.empty()) return schemas::success();
  return Error{ErrorCode::internal, "required isolation is missing: " + missing, false, {}};
}

}  // namespace assay::mcp
