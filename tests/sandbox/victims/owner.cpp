// SPDX-License-Identifier: Apache-2.0
// An owner to be killed: spawns a confined process that leaves a grandchild behind, tells the
// keeper's pid, waits. owner KEEPER VICTIM UID: descriptor 5 is the lifeline that every process of
// the tree holds.
#include <cstdlib>
#include <filesystem>
#include <unistd.h>

#include "sandbox/process_table.h"
#include "sandbox/spawn.h"
#include "victims/victim.h"

int main(int count, char** values) {
  using namespace assay::sandbox;
  if (count != 4) return 2;
  auto spawner = Spawner::create(values[1]);
  if (!spawner) return 3;
  Policy policy;
  policy.outer_uid = static_cast<std::uint32_t>(std::atoi(values[3]));
  policy.binds = system_binds();
  policy.binds.push_back(
      {std::filesystem::path(values[2]).parent_path().string(), "", true, false});
  auto process = spawner->spawn({{values[2], "leave_and_hold"}, policy, {{5, 5}}},
                                after(std::chrono::seconds(20)));
  if (!process) {
    victim::say(process.error().message);
    return 4;
  }
  ::close(5);
  const auto children = descendants_of(::getpid());
  victim::say("keeper " + std::to_string(children.empty() ? 0 : children.front()));
  for (;;) ::pause();
}
