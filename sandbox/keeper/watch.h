// SPDX-License-Identifier: Apache-2.0
// Keeper's working state and loop; see keeper.h. Split from it so that the loop can be read on its
// own.
#pragma once

#include <memory>
#include <optional>
#include <signal.h>
#include <string>
#include <vector>

#include <sys/types.h>

#include "sandbox/channel.h"
#include "sandbox/clock.h"
#include "sandbox/exit_report.h"
#include "sandbox/keeper/keeper.h"
#include "sandbox/keeper/memory_watchdog.h"
#include "sandbox/keeper/newborn.h"
#include "sandbox/keeper/output_capture.h"
#include "schemas/isolation.h"

namespace assay::sandbox {

class Watch {
 public:
  Watch(Job job, Channel owner);

  // True in the target of a job without arguments. The keeper itself does not return.
  bool run();

 private:
  enum class Phase { confining, released, running };

  // Set-up.
  void become_keeper();
  bool give_birth();  // true in the target
  bool drain_link();  // likewise, after a restart
  bool on_link();
  void note_refusal(Restart what, std::string reason);
  void on_confined();
  void announce_start();
  std::vector<schemas::LayerReport> own_layers() const;

  // While it runs. Each may set the cause of the end.
  void on_signal();
  void on_owner();
  void look_at_limits();
  void on_child_end(int status, double cpu_seconds);
  void judge_end(int status, double cpu_seconds);
  std::optional<TargetEnd> target_end(int child_status, double cpu_seconds) const;
  bool asked_to_kill();
  void kill_child();
  int wait_ms() const;

  void end(ExitKind kind, std::string detail);  // the first cause wins
  [[noreturn]] void finish();

  Job job_;
  Channel owner_;
  sigset_t original_mask_{};
  UniqueFd signals_;
  OutputCapture output_;
  bool capturing_ = false;

  Refusals refusals_;
  bool privileged_ = false;
  Channel link_;
  UniqueFd end_pipe_;
  pid_t child_ = -1;  // init of the PID namespace, or the target
  UniqueFd child_pidfd_;
  bool in_pid_namespace_ = false;
  bool child_reaped_ = false;
  bool own_uid_ = false;
  UniqueFd proc_, tmp_, shm_;
  std::vector<schemas::LayerReport> layers_;

  Phase phase_ = Phase::confining;
  Deadline setup_deadline_;
  Deadline wall_deadline_ = no_deadline();
  Clock::time_point start_;
  MemoryWatchdog memory_;
  Clock::time_point next_memory_look_;
  std::uint64_t host_kills_before_ = 0;
  std::optional<ExitReport> cause_;
};

}  // namespace assay::sandbox
