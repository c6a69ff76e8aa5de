// SPDX-License-Identifier: Apache-2.0
// Becoming the outer uid. Process limits and file modes mean nothing to uid 0, whatever namespace
// it is in.
#include <grp.h>
#include <unistd.h>

#include <sys/prctl.h>

#include "sandbox/layers/capability_sets.h"
#include "sandbox/layers/layers.h"
#include "sandbox/system_error.h"

namespace assay::sandbox::layers {
namespace {

constexpr std::uint32_t kNobody = 65534;

bool become(std::uint32_t id) {
  // Refused in a user namespace of an ordinary user; the keeper has dropped the groups of a root
  // before.
  (void)::setgroups(0, nullptr);
  return ::setresgid(id, id, id) == 0 && ::setresuid(id, id, id) == 0;
}

}  // namespace

StepOutcome own_uid(Confinement& confinement) {
  if (confinement.uid != 0)
    return missing("the server is not root: runs as its uid " + std::to_string(::geteuid()));
  // The steps that follow still need capabilities; the last of them drops them all.
  ::prctl(PR_SET_KEEPCAPS, 1);
  const std::uint32_t wanted = confinement.policy.outer_uid;
  std::string reason = "no uid was set aside";
  bool changed = false;
  if (wanted != 0) {
    changed = confinement.own_uid = become(wanted);
    if (!changed) reason = system_message("uid " + std::to_string(wanted));
  }
  if (!changed) {
    changed = become(kNobody);
    reason += changed ? "; runs as nobody, which others may share" : "; runs as root";
  }
  if (changed) raise_permitted_capabilities();
  return confinement.own_uid ? applied() : missing(reason);
}

}  // namespace assay::sandbox::layers
