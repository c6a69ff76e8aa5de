// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "sandbox/layers/capability_sets.h"
#include "sandbox/layers/layers.h"
#include "sandbox/system_error.h"

namespace assay::sandbox {
namespace {

struct CapabilitySets {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};

  bool read() { return ::syscall(SYS_capget, &header, data) == 0; }
  bool write() { return ::syscall(SYS_capset, &header, data) == 0; }
};

}  // namespace

bool has_effective_capability(int capability) {
  CapabilitySets sets;
  return sets.read() && (sets.data[capability / 32].effective >> (capability % 32) & 1u) != 0;
}

void raise_permitted_capabilities() {
  CapabilitySets sets;
  if (!sets.read()) return;
  for (auto& word : sets.data) word.effective = word.permitted;
  sets.write();
}

bool drop_all_capabilities() {
  for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability) >= 0; ++capability)
    (void)::prctl(PR_CAPBSET_DROP, capability);
  (void)::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  CapabilitySets none;
  none.write();
  CapabilitySets left;
  if (!left.read()) return false;
  for (const auto& word : left.data)
    if (word.effective != 0 || word.permitted != 0) return false;
  return true;
}

namespace layers {

StepOutcome capabilities(Confinement&) {
  return drop_all_capabilities() ? applied() : missing(system_message("capset"));
}

StepOutcome no_new_privileges(Confinement&) {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return missing(system_message("prctl"));
  return applied();
}

}  // namespace layers
}  // namespace assay::sandbox
