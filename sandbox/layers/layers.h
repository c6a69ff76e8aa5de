// SPDX-License-Identifier: Apache-2.0
// The steps of confinement.cpp, one per kernel facility; each is in the file of its name or of its
// group.
#pragma once

#include "sandbox/confinement.h"

namespace assay::sandbox::layers {

// user_namespace.cpp. The first is for a process without CAP_SYS_ADMIN, which needs one to get any
// other namespace; the second for one that had it and has by now become its outer uid.
StepOutcome user_namespace_first(Confinement& confinement);
StepOutcome user_namespace_last(Confinement& confinement);
StepOutcome no_nested_namespaces(Confinement& confinement);

// namespaces.cpp
StepOutcome mount_namespace(Confinement& confinement);
StepOutcome pid_namespace(Confinement& confinement);
StepOutcome network_namespace(Confinement& confinement);
StepOutcome ipc_namespace(Confinement& confinement);
StepOutcome no_system_v_memory(Confinement& confinement);
StepOutcome uts_namespace(Confinement& confinement);

StepOutcome file_tree(Confinement& confinement);          // file_tree.cpp
StepOutcome own_uid(Confinement& confinement);            // own_uid.cpp
StepOutcome capabilities(Confinement& confinement);       // capabilities.cpp
StepOutcome no_new_privileges(Confinement& confinement);  // capabilities.cpp

// session.cpp
StepOutcome session(Confinement& confinement);
StepOutcome environment(Confinement& confinement);
StepOutcome parent_death_signal(Confinement& confinement);

StepOutcome descriptors(Confinement& confinement);  // descriptors.cpp

StepOutcome landlock(Confinement& confinement);  // landlock.cpp

// limits.cpp
StepOutcome cpu_priority(Confinement& confinement);
StepOutcome cpu_limit(Confinement& confinement);
StepOutcome file_size_limit(Confinement& confinement);
StepOutcome descriptor_limit(Confinement& confinement);
StepOutcome task_limit(Confinement& confinement);
StepOutcome core_dump_limit(Confinement& confinement);

}  // namespace assay::sandbox::layers
