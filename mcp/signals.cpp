// SPDX-License-Identifier: Apache-2.0
#include "mcp/signals.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <poll.h>
#include <unistd.h>

#include <sys/signalfd.h>

namespace assay::mcp {

int watch_stop_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t stops;
  ::sigemptyset(&stops);
  ::sigaddset(&stops, SIGTERM);
  ::sigaddset(&stops, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &stops, nullptr);
  return ::signalfd(-1, &stops, SFD_CLOEXEC);
}

int read_stop_signal(int descriptor, int also) {
  std::array<pollfd, 2> waits = {pollfd{descriptor, POLLIN, 0}, pollfd{also, POLLIN, 0}};
  for (;;) {
    if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) return 0;
    if (waits[1].revents != 0) return 0;
    signalfd_siginfo info{};
    if (waits[0].revents != 0 && ::read(descriptor, &info, sizeof info) == sizeof info)
      return static_cast<int>(info.ssi_signo);
  }
}

}  // namespace assay::mcp
