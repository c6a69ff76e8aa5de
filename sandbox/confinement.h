// SPDX-License-Identifier: Apache-2.0
// Confinement: the ordered list of steps that turn a fresh process into a confined one
// (confinement.cpp), and what the steps share. Each step does its layer for real and reports
// whether it holds; a layer that cannot be had is reported, never fatal. Runs in the process that
// is being confined, single-threaded.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sandbox/fd.h"
#include "sandbox/policy.h"
#include "schemas/result.h"

namespace assay::schemas {
struct LayerReport;  // schemas/isolation.h
}

namespace assay::sandbox {

// When a step runs. `build` runs where the most power is: in the init of the new PID namespace, or
// in the target itself where there is none. `target` runs in the target, last.
enum class Stage { build, target };

enum class StepState {
  applied,
  missing,
  elsewhere,  // not this step's turn here; another entry of the list reports the layer
  unwanted,   // the policy asks for nothing; not reported
};
struct StepOutcome {
  StepState state = StepState::missing;
  std::string reason;
};
inline StepOutcome applied() {
  return {StepState::applied, {}};
}
inline StepOutcome missing(std::string reason) {
  return {StepState::missing, std::move(reason)};
}
inline StepOutcome elsewhere() {
  return {StepState::elsewhere, {}};
}
inline StepOutcome unwanted() {
  return {StepState::unwanted, {}};
}

struct GrantedFd {
  UniqueFd fd;
  int target = -1;
};

// A layer that turned out impossible half-way: the process gives up and is born again without
// trying it.
enum class Restart : std::uint8_t {
  none,
  without_user_namespace,
  without_pid_namespace,
  without_file_tree,
};

// Why layers are not tried; empty means that they are.
struct Refusals {
  std::string user_namespace;
  std::string pid_namespace;
  std::string file_tree;
};

struct Confinement {
  const Policy& policy;
  std::vector<GrantedFd> descriptors;

  // How the process was born.
  std::uint32_t uid = 0,
                gid = 0;  // effective ones of the keeper; inside an unmapped namespace we see none
  bool privileged =
      false;  // it has CAP_SYS_ADMIN where it stands, so namespaces need no user namespace
  bool in_user_namespace = false;  // born in, or entered since
  bool in_pid_namespace = false;
  Refusals refusals;  // found by an earlier birth

  // What the steps so far have reached.
  bool private_mounts = false;
  bool own_ipc = false;
  bool own_tree = false;
  bool own_uid = false;

  // Asks the keeper, who stayed outside, to map these ids to themselves in our new user namespace.
  std::function<schemas::Status(std::vector<std::uint32_t> uids, std::vector<std::uint32_t> gids)>
      map_ids;
  int keep_open_fd = -1;  // the set-up link: survives the closing of descriptors

  // Set by a step that makes going on pointless.
  Restart restart = Restart::none;
  std::string restart_reason;
  std::string failure;  // the set-up failed: a bind that was not optional is not there
};

inline StepOutcome restart_without(Confinement& confinement, Restart what, std::string reason) {
  confinement.restart = what;
  confinement.restart_reason = reason;
  return missing(std::move(reason));
}

struct Step {
  const char* layer;
  const char* name;
  Stage stage;
  ConfineLevel from;  // trusted: at every level
  StepOutcome (*apply)(Confinement&);
};
const std::vector<Step>& confinement_steps();

// Runs the steps of one stage in order and appends a report for each. Stops early when a step asked
// for a restart or failed the set-up.
void run_stage(Stage stage, Confinement& confinement, std::vector<schemas::LayerReport>& reports);

}  // namespace assay::sandbox
