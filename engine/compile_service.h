// SPDX-License-Identifier: Apache-2.0
// Compiles kernels in confined one-shot processes (assay-compiler, or a fork of the zygote for what
// is written in Python), a few at once, never holding a GPU. Their answers are hostile input.
// Thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "engine/artifact_cache.h"
#include "engine/budget.h"
#include "engine/executor.h"
#include "engine/installation.h"
#include "engine/zygote_process.h"
#include "sandbox/clock.h"
#include "sandbox/spawn.h"
#include "sandbox/uid_pool.h"
#include "schemas/isolation.h"
#include "schemas/kernel.h"

namespace assay::engine {

struct CompileLimits {
  std::int64_t parallel = 1;        // builds at once
  std::chrono::seconds longest{0};  // of one build, besides its job's own time; 0: none
  std::int64_t jobs_per_build = 0;  // compilers at once within one build; 0: as the worker chooses
};

class CompileService {
 public:
  // The references must outlive the service.
  CompileService(const Installation& installation, sandbox::Spawner& spawner, ZygoteProcess& zygote,
                 sandbox::UidPool& uids, const CompileLimits& limits);

  // Waits for a turn (the budget stands still) and compiles. A source that does not compile, a
  // compiler that crashed on it or that ran out of time is a BuildResult without an artifact.
  // Errors: cancelled; internal; interrupted (retryable): the zygote is not up. `isolation` gets
  // the compiler's layers merged in. `extensions`: torch extensions that the kernel asked for when
  // it ran, to be built besides those that the compiler finds.
  schemas::Result<BuildResult> compile(const schemas::Kernel& kernel,
                                       const std::string& architecture, Budget& budget,
                                       Cancellation& cancellation,
                                       schemas::IsolationReport& isolation,
                                       const std::vector<schemas::Json>& extensions = {});

 private:
  schemas::Result<BuildResult> compile_now(const schemas::Kernel& kernel,
                                           const std::string& architecture,
                                           sandbox::Deadline deadline, Cancellation& cancellation,
                                           schemas::IsolationReport& isolation,
                                           const std::vector<schemas::Json>& extensions);
  schemas::Result<sandbox::Process> start(schemas::KernelType type, std::uint32_t uid,
                                          int channel_fd);
  bool take_turn(Cancellation& cancellation);
  void give_turn_back();

  const Installation& installation_;
  sandbox::Spawner& spawner_;
  ZygoteProcess& zygote_;
  sandbox::UidPool& uids_;
  const CompileLimits limits_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::int64_t free_turns_;
};

}  // namespace assay::engine
