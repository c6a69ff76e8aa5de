// SPDX-License-Identifier: Apache-2.0
#include "sandbox/confinement.h"

#include "sandbox/layers/layers.h"
#include "schemas/isolation.h"

namespace assay::sandbox {

// The order matters:
// - without CAP_SYS_ADMIN a user namespace comes first, since it grants every other one; with it,
// the user namespace
//   comes after the uid, so that its owner is the process's own outer uid and not root;
// - a fresh /proc needs private mounts, and a PID namespace without it is worse than none;
// - the file tree is built while we may still read every source;
// - capabilities go last of all that needs them; changing credentials clears the parent-death
// signal, so that comes
//   after; limits come after the uid that they count for;
// - Landlock comes last: it may take /proc away, which limits and descriptors read.
const std::vector<Step>& confinement_steps() {
  using enum Stage;
  using enum ConfineLevel;
  static const std::vector<Step> steps = {
      {"L3", "user_namespace", build, untrusted, layers::user_namespace_first},
      {"L3", "mount_namespace", build, untrusted, layers::mount_namespace},
      {"L3", "pid_namespace", build, untrusted, layers::pid_namespace},
      {"L3", "network_namespace", build, untrusted, layers::network_namespace},
      {"L3", "ipc_namespace", build, untrusted, layers::ipc_namespace},
      {"L1", "no_system_v_memory", build, untrusted, layers::no_system_v_memory},
      {"L3", "uts_namespace", build, untrusted, layers::uts_namespace},
      {"L3", "file_tree", build, untrusted, layers::file_tree},
      {"L2", "own_uid", build, untrusted, layers::own_uid},
      {"L3", "user_namespace", build, untrusted, layers::user_namespace_last},
      {"L3", "no_nested_namespaces", build, untrusted, layers::no_nested_namespaces},
      {"L2", "capabilities", build, untrusted, layers::capabilities},
      {"L2", "no_new_privileges", build, untrusted, layers::no_new_privileges},
      {"L0", "session", target, trusted, layers::session},
      {"L1", "cpu_priority", target, trusted, layers::cpu_priority},
      {"L0", "descriptors", target, trusted, layers::descriptors},
      {"L0", "environment", target, trusted, layers::environment},
      {"L1", "cpu_limit", target, untrusted, layers::cpu_limit},
      {"L1", "file_size_limit", target, untrusted, layers::file_size_limit},
      {"L1", "descriptor_limit", target, untrusted, layers::descriptor_limit},
      {"L1", "task_limit", target, untrusted, layers::task_limit},
      {"L1", "core_dump_limit", target, untrusted, layers::core_dump_limit},
      {"L0", "parent_death_signal", target, trusted, layers::parent_death_signal},
      {"L4", "landlock", target, untrusted, layers::landlock},
  };
  return steps;
}

void run_stage(Stage stage, Confinement& confinement, std::vector<schemas::LayerReport>& reports) {
  for (const Step& step : confinement_steps()) {
    if (step.stage != stage) continue;
    if (step.from == ConfineLevel::untrusted && confinement.policy.level == ConfineLevel::trusted)
      continue;
    StepOutcome outcome = step.apply(confinement);
    if (confinement.restart != Restart::none || !confinement.failure.empty()) return;
    if (outcome.state == StepState::elsewhere || outcome.state == StepState::unwanted) continue;
    reports.push_back(
        {step.layer, step.name, outcome.state == StepState::applied, std::move(outcome.reason)});
  }
}

}  // namespace assay::sandbox
