// SPDX-License-Identifier: Apache-2.0
// Spawner: starts every child of this process, each under a keeper of its own (assay-keeper).
// Children come from one long-lived thread, because the signal that a child gets at its parent's
// death follows the *thread* that made it. Thread-safe.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sandbox/clock.h"
#include "sandbox/policy.h"
#include "sandbox/process.h"
#include "schemas/result.h"

namespace assay::sandbox {

struct SpawnRequest {
  std::vector<std::string>
      arguments;  // [0] is the absolute path of the program, as the process sees it
  Policy policy;
  std::vector<DescriptorGrant> descriptors;  // nothing else survives
};

class Spawner {
 public:
  // `keeper_path`: absolute path of assay-keeper. Error: internal when it is no executable file.
  static schemas::Result<Spawner> create(std::string keeper_path);
  Spawner(Spawner&&) noexcept;
  Spawner& operator=(Spawner&&) noexcept;
  // Ends the thread; with it die the keepers that it started, and their trees.
  ~Spawner();

  // Returns once the program runs (it was exec'd). Errors: internal (it could not be confined or
  // exec'd; the message says which step), timed_out. On an error nothing is left running.
  schemas::Result<Process> spawn(const SpawnRequest& request, Deadline deadline);

  const std::string& keeper_path() const;

 private:
  struct State;
  explicit Spawner(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// assay-keeper beside the running executable.
std::string default_keeper_path();

}  // namespace assay::sandbox
