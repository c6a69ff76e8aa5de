// SPDX-License-Identifier: Apache-2.0
// Process: a handle on one confined process, its tree and the keeper that watches them. Made by
// Spawner::spawn and ForkServer::fork; both kinds behave alike.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "sandbox/channel.h"
#include "sandbox/clock.h"
#include "sandbox/exit_report.h"
#include "sandbox/fd.h"
#include "schemas/result.h"

namespace assay::schemas {
struct LayerReport;  // schemas/isolation.h
}

namespace assay::sandbox {

// A descriptor to hand over: borrowed until the call returns, and known to the new process as
// number `target`. Targets 0, 1 and 2 may be named; otherwise 0 is /dev/null, and 1 and 2 are
// captured.
struct DescriptorGrant {
  int fd = -1;
  int target = -1;
};

class Process {
 public:
  Process() noexcept;
  Process(Process&&) noexcept;
  Process& operator=(Process&&) noexcept;
  // Kills whatever still runs; does not wait for it.
  ~Process();

  // Kills the whole tree. Returns at once; wait() says when it is dead. May be called while another
  // thread waits.
  void kill() noexcept;

  // The report, once every process of the tree is dead. Errors: timed_out (still running at the
  // deadline; call again). A keeper that died itself makes the report `killed`.
  schemas::Result<ExitReport> wait(Deadline deadline);

  // Readable (POLLIN) when wait() has something to look at. For poll loops.
  int keeper_fd() const;

  // A pidfd whose death is that of the whole tree: of the init of its PID namespace, or of the
  // target alone where no PID namespace could be had (see isolation()). Borrowed; may be sent to a
  // process that is to kill and wait too.
  int pidfd() const;

  // The layers that confine it, applied and missing, in the order in which they were tried.
  const std::vector<schemas::LayerReport>& isolation() const;

  bool valid() const { return state_ != nullptr; }

 private:
  friend class ProcessMaker;
  struct State;
  explicit Process(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace assay::sandbox
