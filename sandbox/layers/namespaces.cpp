// SPDX-License-Identifier: Apache-2.0
// Mount, PID, network, IPC and UTS namespaces, each tried apart: some systems grant one and refuse
// the next.
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <sys/mount.h>

#include "sandbox/fd.h"
#include "sandbox/layers/layers.h"
#include "sandbox/system_error.h"

namespace assay::sandbox::layers {

StepOutcome mount_namespace(Confinement& confinement) {
  if (::unshare(CLONE_NEWNS) != 0) return missing(system_message("unshare"));
  // Nothing that happens here may reach the machine's own mounts, or come from there later.
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return missing(system_message("unshare was granted, private mounts were not"));
  confinement.private_mounts = true;
  return applied();
}

// We were born in it; what is left to find out is whether it gets a /proc. Without a fresh one,
// /proc/self would name processes of another namespace (CUDA does not start then), so no PID
// namespace is better.
StepOutcome pid_namespace(Confinement& confinement) {
  if (!confinement.in_pid_namespace) return missing(confinement.refusals.pid_namespace);
  std::string reason;
  if (!confinement.private_mounts) {
    reason = "a fresh /proc needs a mount namespace";
  } else if (::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
    reason = system_message("a fresh /proc was refused");
  } else {
    return applied();
  }
  return restart_without(confinement, Restart::without_pid_namespace, reason);
}

// Empty: not even the loopback device is up.
StepOutcome network_namespace(Confinement&) {
  if (::unshare(CLONE_NEWNET) != 0) return missing(system_message("unshare"));
  return applied();
}

StepOutcome ipc_namespace(Confinement& confinement) {
  if (::unshare(CLONE_NEWIPC) != 0) return missing(system_message("unshare"));
  confinement.own_ipc = true;
  return applied();
}

// System V segments belong to no process and no mount, so no memory watchdog sees them: there are
// to be none.
StepOutcome no_system_v_memory(Confinement& confinement) {
  if (!confinement.own_ipc) return missing("needs an IPC namespace");
  constexpr const char* kSegments = "/proc/sys/kernel/shmmni";
  const UniqueFd file(::open(kSegments, O_WRONLY | O_CLOEXEC));
  if (!file.valid() || ::write(file.get(), "0", 1) != 1) return missing(system_message(kSegments));
  return applied();
}

StepOutcome uts_namespace(Confinement& confinement) {
  if (::unshare(CLONE_NEWUTS) != 0) return missing(system_message("unshare"));
  const std::string& name = confinement.policy.host_name;
  if (::sethostname(name.data(), name.size()) != 0) return missing(system_message("sethostname"));
  return applied();
}

}  // namespace assay::sandbox::layers
