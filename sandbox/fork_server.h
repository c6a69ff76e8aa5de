// SPDX-License-Identifier: Apache-2.0
// Confined processes by fork, from a zygote that has done the slow part of its start (importing
// modules) already. ForkServer is the front's side; serve_next is the zygote's. Frames between
// them: the zygote says that it is ready; then each request is answered by a word that it was
// forked or why not. The keeper that the fork makes talks to the front over a channel of its own,
// so a forked Process behaves like a spawned one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "sandbox/channel.h"
#include "sandbox/clock.h"
#include "sandbox/policy.h"
#include "sandbox/process.h"
#include "schemas/result.h"

namespace assay::sandbox {

inline constexpr std::size_t kMaxForkRequestBytes = std::size_t{4} << 20;

struct ForkRequest {
  Policy policy;
  std::vector<DescriptorGrant> descriptors;
  std::string argument;  // bytes for ChildTask
};

// Thread-safe.
class ForkServer {
 public:
  // `zygote` runs serve_next over the other end of `channel`.
  ForkServer(Process zygote, Channel channel);
  ForkServer(ForkServer&&) noexcept;
  ForkServer& operator=(ForkServer&&) noexcept;
  ~ForkServer();

  // Waits until the zygote serves. Errors: timed_out, interrupted (it ended; see zygote().wait).
  schemas::Status wait_ready(Deadline deadline);

  // Returns once the child is confined and about to return from serve_next. Errors: internal (it
  // could not be confined, or the zygote has more than one thread), timed_out, interrupted (the
  // zygote is gone).
  schemas::Result<Process> fork(const ForkRequest& request, Deadline deadline);

  Process& zygote();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// What the child of a fork is to do. By then it is confined; its environment (`environ`, not
// Python's os.environ) is the policy's, its working directory too, and its descriptors are the
// granted ones.
struct ChildTask {
  std::string argument;
  std::vector<std::string>
      environment;  // as in the policy, for runtimes that keep a copy of their own
};
// The front closed the channel: the zygote is to end.
struct Closed {
  std::string reason;  // empty, or what went wrong
};

// Called round every fork in the zygote, for runtimes with locks and counters of their own
// (PyOS_BeforeFork and its kin). Each may be empty. in_child runs in the final child only.
struct ForkHooks {
  std::function<void()> before;
  std::function<void()> in_zygote;
  std::function<void()> in_child;
};

// Serves fork requests until the front closes the channel (Closed, in the zygote) or this is the
// child of one of them (ChildTask). REQUIRES: called from the only thread; a request that finds
// another thread in the process is refused.
std::variant<ChildTask, Closed> serve_next(int channel_fd, const ForkHooks& hooks = {});

}  // namespace assay::sandbox
