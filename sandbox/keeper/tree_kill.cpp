// SPDX-License-Identifier: Apache-2.0
#include "sandbox/keeper/tree_kill.h"

#include <cerrno>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <sys/wait.h>

#include "sandbox/process_table.h"

namespace assay::sandbox {
namespace {

constexpr timespec kRoundPause{0, 1'000'000};  // 1 ms
constexpr int kSweepRounds = 200;

// kill(-1) takes every process of the caller's uid but the caller, in one step that no fork can
// slip through. Returns the helper that does it; whoever calls reaps it.
pid_t kill_all_of_uid(std::uint32_t uid) {
  const pid_t helper = ::fork();
  if (helper != 0) return helper;
  if (::setresuid(uid, uid, uid) == 0) ::kill(-1, SIGKILL);
  ::_exit(0);
}

// False when no child is left. As a subreaper we inherit every orphan, so no child means no
// descendant.
bool reap() {
  for (;;) {
    const pid_t pid = ::waitpid(-1, nullptr, WNOHANG);
    if (pid == 0) return true;
    if (pid < 0 && errno != EINTR) return false;
  }
}

}  // namespace

void kill_descendants(std::uint32_t own_uid) {
  while (reap()) {
    for (const pid_t pid : descendants_of(::getpid())) ::kill(pid, SIGKILL);
    if (own_uid != 0) (void)kill_all_of_uid(own_uid);  // reaped with the rest
    ::nanosleep(&kRoundPause, nullptr);
  }
}

void sweep_uid(std::uint32_t own_uid) {
  int empty_rounds = 0;
  for (int round = 0; round < kSweepRounds; ++round) {
    const pid_t helper = kill_all_of_uid(own_uid);
    while (helper > 0 && ::waitpid(helper, nullptr, 0) < 0 && errno == EINTR) {
    }
    // Looking takes time: a process may have forked and ended between the list and the look.
    const std::vector<pid_t> pids = processes_of_uid(own_uid);
    empty_rounds = pids.empty() ? empty_rounds + 1 : 0;
    if (empty_rounds == 2) return;
    for (const pid_t pid : pids) ::kill(pid, SIGKILL);
    ::nanosleep(&kRoundPause, nullptr);
  }
}

}  // namespace assay::sandbox
