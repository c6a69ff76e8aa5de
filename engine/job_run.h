// SPDX-License-Identifier: Apache-2.0
// One job on this machine, from its specification to its evaluation. JobRun::take_steps is the list
// of its steps.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/artifact_cache.h"
#include "engine/budget.h"
#include "engine/compile_service.h"
#include "engine/device_station.h"
#include "engine/executor.h"
#include "engine/farewell.h"
#include "engine/outcome.h"
#include "engine/toolchain.h"
#include "sandbox/shared_memory.h"

namespace assay::engine {

// What runs share; outlives them.
struct JobParts {
  const Toolchain& toolchain;
  ArtifactCache& cache;
  CompileService& compilers;
  GpuPool& pool;
  Farewell& farewell;
  const std::vector<std::unique_ptr<DeviceStation>>& stations;
  const std::string& fallback_architecture;  // compiled for where there is no GPU
};

class JobRun {
 public:
  JobRun(JobParts parts, const schemas::JobSpec& spec, const EventSink& events,
         Cancellation& cancellation);
  schemas::Result<schemas::Evaluation> run();
  // Of its time-out.
  std::chrono::nanoseconds time_left() const { return budget_.left(); }

 private:
  // Who takes part: one per runner, in the order in which the judge is told.
  struct Actor {
    schemas::RunnerRole role = schemas::RunnerRole::candidate;
    RunnerTier tier = RunnerTier::host;
    const Artifact* artifact = nullptr;  // null: nothing was compiled for it
  };
  // Nothing: go on. An evaluation: the job has ended.
  using Step = schemas::Result<std::optional<schemas::Evaluation>>;

  schemas::Result<schemas::Evaluation> take_steps();
  Step compile();
  Step compile_one(const schemas::Kernel& kernel, bool of_reference);
  Step stop_without_gpu();
  Step compile_missing(const schemas::MissingExtension& missing);
  schemas::Result<std::string> architecture();
  schemas::Result<GpuPool::Lease> lease();
  std::vector<Actor> actors() const;
  schemas::Result<schemas::Evaluation> measure(DeviceStation& station);
  schemas::Result<schemas::Evaluation> attempt(DeviceStation& station);
  schemas::Result<schemas::Evaluation> finished(schemas::Evaluation evaluation);

  void note_tier(const Artifact& artifact, bool of_reference);
  bool can_run() const;
  DeviceStation* station_of(const DeviceId& device) const;
  bool has_gpu() const;
  bool on_cpu() const;
  bool interpreted(bool of_reference) const;
  void tell(schemas::JobEvent::Kind kind, schemas::Stage stage, double progress,
            const std::string& message) const;

  const JobParts parts_;
  const schemas::JobSpec& spec_;
  const EventSink& events_;
  Cancellation& cancellation_;
  Budget budget_;
  std::map<bool, Artifact> artifacts_;  // of the reference (true), of the candidate (false)
  // What they asked for when they ran, and had not been built.
  std::map<bool, std::vector<schemas::Json>> extensions_;
  std::vector<schemas::CompileReport> reports_;
  std::vector<RunnerProcess> leaving_;  // killed by the judge, their ends not seen yet
  std::vector<std::string> notes_;      // become warnings of the answer
  std::string tier_reason_;             // of the candidate
  schemas::IsolationReport isolation_;
};

}  // namespace assay::engine
