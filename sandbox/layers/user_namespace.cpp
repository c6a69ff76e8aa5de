// SPDX-License-Identifier: Apache-2.0
// User namespaces. Ids are mapped to themselves, by the keeper: it stands in the parent namespace,
// where the right to write the maps is.
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <sys/prctl.h>

#include "sandbox/layers/layers.h"
#include "sandbox/system_error.h"

namespace assay::sandbox::layers {
namespace {

constexpr const char* kNamespaceLimit = "/proc/sys/user/max_user_namespaces";

// Empty when they are mapped. A process that changed its uid is not dumpable, and its maps belong
// to root alone then.
std::string map(Confinement& confinement, std::vector<std::uint32_t> uids,
                std::vector<std::uint32_t> gids) {
  ::prctl(PR_SET_DUMPABLE, 1);
  const schemas::Status mapped = confinement.map_ids(std::move(uids), std::move(gids));
  ::prctl(PR_SET_DUMPABLE, 0);
  confinement.in_user_namespace = mapped.ok();
  return mapped ? "" : "ids could not be mapped: " + mapped.error().message;
}

// A namespace without ids only takes rights away: better none.
StepOutcome mapped_or_restart(Confinement& confinement, const std::string& trouble) {
  if (trouble.empty()) return applied();
  return restart_without(confinement, Restart::without_user_namespace, trouble);
}

}  // namespace

StepOutcome user_namespace_first(Confinement& confinement) {
  if (confinement.privileged) return elsewhere();
  const std::string& refused = confinement.refusals.user_namespace;
  if (!refused.empty()) return missing(refused);
  if (!confinement.in_user_namespace && ::unshare(CLONE_NEWUSER) != 0)
    return missing(system_message("unshare"));
  // Root without CAP_SYS_ADMIN keeps its uid 0 for reading the bind sources, and needs the outer
  // uid for later.
  const std::uint32_t later = confinement.policy.outer_uid;
  if (confinement.uid == 0 && later != 0 && map(confinement, {0, later}, {0, later}).empty())
    return applied();
  return mapped_or_restart(confinement, map(confinement, {confinement.uid}, {confinement.gid}));
}

StepOutcome user_namespace_last(Confinement& confinement) {
  if (!confinement.privileged) return elsewhere();
  const std::string& refused = confinement.refusals.user_namespace;
  if (!refused.empty()) return missing(refused);
  const std::uint32_t uid = ::geteuid();
  const std::uint32_t gid = ::getegid();
  if (::unshare(CLONE_NEWUSER) != 0) return missing(system_message("unshare"));
  return mapped_or_restart(confinement, map(confinement, {uid}, {gid}));
}

// A user namespace gives its maker every capability inside it, and with it most of the kernel's
// attack surface.
StepOutcome no_nested_namespaces(Confinement& confinement) {
  if (!confinement.in_user_namespace) return missing("no user namespace of its own to limit");
  const UniqueFd file(::open(kNamespaceLimit, O_WRONLY | O_CLOEXEC));
  if (!file || ::write(file.get(), "0", 1) != 1) return missing(system_message(kNamespaceLimit));
  return applied();
}

}  // namespace assay::sandbox::layers
