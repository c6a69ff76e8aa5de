// SPDX-License-Identifier: Apache-2.0
// The zygote, as the executor sees it: a Python that has imported torch, from which confined
// runners are forked. Started and restarted beside the server. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "engine/installation.h"
#include "engine/supervisor.h"
#include "sandbox/fork_server.h"
#include "sandbox/spawn.h"

namespace assay::engine {

class ZygoteProcess {
 public:
  // `came_up` is called on another thread whenever it is ready (again).
  ZygoteProcess(const Installation& installation, sandbox::Spawner& spawner,
                std::function<void()> came_up);
  ~ZygoteProcess();

  bool up() const;
  std::string trouble() const;
  // Errors: interrupted (retryable) when it is not up or dies; those of ForkServer::fork.
  schemas::Result<sandbox::Process> fork(const sandbox::ForkRequest& request,
                                         sandbox::Deadline deadline);

 private:
  schemas::Result<int> start();
  std::string ended();
  std::shared_ptr<sandbox::ForkServer> server() const;

  const Installation& installation_;
  sandbox::Spawner& spawner_;
  const std::function<void()> came_up_;
  mutable std::mutex mutex_;
  std::shared_ptr<sandbox::ForkServer> server_;
  std::shared_ptr<sandbox::ForkServer> starting_;  // not ready yet
  bool stopping_ = false;
  std::shared_ptr<sandbox::ForkServer> dying_;  // killed, its end not seen yet
  std::unique_ptr<Supervisor> supervisor_;
};

}  // namespace assay::engine
