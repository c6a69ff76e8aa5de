// SPDX-License-Identifier: Apache-2.0
// rlimits. A hard limit is only ever lowered. RLIMIT_AS is absent on purpose: CUDA reserves address
// space by the terabyte.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include <sys/resource.h>
#include <sys/utsname.h>

#include "sandbox/fd.h"
#include "sandbox/layers/layers.h"
#include "sandbox/process_table.h"
#include "sandbox/system_error.h"

namespace assay::sandbox::layers {
namespace {

// Between the signal that says the CPU time is used up and the one that cannot be caught.
constexpr rlim_t kCpuGraceSeconds = 1;
constexpr int kAutogroupTries = 4;
constexpr useconds_t kAutogroupPauseMicroseconds = 60'000;

StepOutcome limit(__rlimit_resource resource, rlim_t soft, rlim_t hard) {
  rlimit current{};
  if (::getrlimit(resource, &current) != 0) return missing(system_message("getrlimit"));
  rlimit wanted{};
  wanted.rlim_max = std::min(hard, current.rlim_max);
  wanted.rlim_cur = std::min(soft, wanted.rlim_max);
  if (::setrlimit(resource, &wanted) != 0) return missing(system_message("setrlimit"));
  return applied();
}

StepOutcome limit(__rlimit_resource resource, rlim_t value) {
  if (value == 0) return unwanted();
  return limit(resource, value, value);
}

// Since Linux 5.14 processes are counted per user namespace, before only per uid.
bool counts_per_user_namespace() {
  utsname name{};
  int major = 0, minor = 0;
  if (::uname(&name) != 0 || std::sscanf(name.release, "%d.%d", &major, &minor) != 2) return false;
  return major > 5 || (major == 5 && minor >= 14);
}

}  // namespace

// A session is a group of its own to the scheduler where it groups them (sched(7), autogroup):
// niceness then counts within the group only, and the group has one of its own.
StepOutcome cpu_priority(Confinement& confinement) {
  const int niceness = confinement.policy.limits.niceness;
  if (niceness <= 0) return unwanted();
  if (::setpriority(PRIO_PROCESS, 0, niceness) != 0) return missing(system_message("setpriority"));
  const UniqueFd group(::open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC));
  if (!group) return errno == ENOENT ? applied() : missing(system_message("autogroup"));
  const std::string text = std::to_string(niceness);
  for (int tries = 0; tries < kAutogroupTries; ++tries) {
    if (::write(group.get(), text.data(), text.size()) > 0) return applied();
    if (errno != EAGAIN) break;  // without privilege one change in 100 ms is allowed
    ::usleep(kAutogroupPauseMicroseconds);
  }
  return missing(system_message("autogroup"));
}

StepOutcome cpu_limit(Confinement& confinement) {
  const rlim_t seconds = confinement.policy.limits.cpu_seconds;
  if (seconds == 0) return unwanted();
  return limit(RLIMIT_CPU, seconds, seconds + kCpuGraceSeconds);
}

StepOutcome file_size_limit(Confinement& confinement) {
  return limit(RLIMIT_FSIZE, confinement.policy.limits.file_size_bytes);
}

StepOutcome descriptor_limit(Confinement& confinement) {
  return limit(RLIMIT_NOFILE, confinement.policy.limits.descriptors);
}

StepOutcome task_limit(Confinement& confinement) {
  rlim_t tasks = confinement.policy.limits.tasks;
  if (tasks == 0) return unwanted();
  if (::geteuid() == 0) return missing("means nothing to uid 0");
  if (confinement.in_pid_namespace) ++tasks;  // the namespace's init
  const bool counted_apart =
      confinement.own_uid || (confinement.in_user_namespace && counts_per_user_namespace());
  if (counted_apart) return limit(RLIMIT_NPROC, tasks);
  const std::uint64_t counted = count_tasks_of_uid(::geteuid());
  const std::uint64_t others = counted > 0 ? counted - 1 : 0;  // without ourselves
  StepOutcome outcome = limit(RLIMIT_NPROC, others + tasks);
  if (outcome.state == StepState::missing) return outcome;
  return missing("uid " + std::to_string(::geteuid()) + " is shared: limited to " +
                 std::to_string(tasks) + " above the tasks it had");
}

StepOutcome core_dump_limit(Confinement&) {
  return limit(RLIMIT_CORE, 0, 0);
}

}  // namespace assay::sandbox::layers
