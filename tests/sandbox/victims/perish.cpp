// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <signal.h>
#include <unistd.h>

#include <sys/prctl.h>
#include <sys/wait.h>

#include "victims/victim.h"

namespace victim {
namespace {

// A process that no session, parent or signal ties to us, alive once this returns. It keeps our
// descriptors open.
void leave_behind() {
  if (const pid_t between = ::fork(); between != 0) {
    ::waitpid(between, nullptr, 0);
    return;
  }
  ::setsid();
  if (::fork() != 0) ::_exit(0);
  ::setsid();
  ::signal(SIGTERM, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);
  ::prctl(PR_SET_PDEATHSIG, 0);
  for (;;) ::pause();
}

}  // namespace

int perish(const Arguments& arguments) {
  const std::string& what = arguments[0];
  if (what == "exit") {
    say("bye");
    return std::atoi(arguments[1].c_str());
  }
  if (what == "signal") {
    ::raise(std::atoi(arguments[1].c_str()));
  } else if (what == "abort") {
    std::abort();
  } else if (what == "spin") {
    volatile unsigned turns = 0;
    for (;;) turns = turns + 1;
  } else if (what == "hold") {
    say("holding");
    for (;;) ::pause();
  } else if (what == "stubborn") {
    // Ignores what can be ignored and stops itself.
    for (int signal = 1; signal < 32; ++signal) ::signal(signal, SIG_IGN);
    ::raise(SIGSTOP);
    for (;;) ::pause();
  } else if (what == "leave_and_exit") {
    leave_behind();
    ::usleep(50'000);
  } else if (what == "leave_and_hold") {
    leave_behind();
    say("holding");
    for (;;) ::pause();
  } else {
    return kUnknown;
  }
  return 0;
}

}  // namespace victim
