// SPDX-License-Identifier: Apache-2.0
// Session, environment and the signal at the parent's death.
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <sys/prctl.h>

#include "sandbox/layers/layers.h"
#include "sandbox/system_error.h"

namespace assay::sandbox::layers {

// No terminal, and no signal meant for the server's process group.
StepOutcome session(Confinement&) {
  if (::setsid() < 0) return missing(system_message("setsid"));
  return applied();
}

StepOutcome environment(Confinement& confinement) {
  ::clearenv();
  for (const std::string& entry : confinement.policy.environment) {
    const std::size_t equals = entry.find('=');
    if (equals == std::string::npos ||
        ::setenv(entry.substr(0, equals).c_str(), entry.c_str() + equals + 1, 1) != 0)
      return missing("'" + entry + "' cannot be set");
  }
  return applied();
}

// The race with a parent that died just before is closed by what follows: the target waits for its
// keeper's word.
StepOutcome parent_death_signal(Confinement&) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return missing(system_message("prctl"));
  return applied();
}

}  // namespace assay::sandbox::layers
