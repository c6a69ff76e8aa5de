// SPDX-License-Identifier: Apache-2.0
#include "sandbox/probe.h"

#include <utility>

#include "sandbox/system_error.h"

namespace assay::sandbox {

schemas::Result<std::vector<schemas::LayerReport>> probe_isolation(Spawner& spawner, Policy policy,
                                                                   Deadline deadline) {
  policy.working_directory = "/";
  policy.binds = system_binds();
  policy.binds.push_back({spawner.keeper_path(), "", true, false});
  const SpawnRequest request{{spawner.keeper_path(), "--nothing"}, std::move(policy), {}};
  auto child = spawner.spawn(request, deadline);
  if (!child) return std::move(child).error();
  std::vector<schemas::LayerReport> layers = child->isolation();
  auto report = child->wait(deadline);
  if (!report) return std::move(report).error();
  if (!report->clean())
    return make_error(schemas::ErrorCode::internal,
                      std::string("the probe's child did not end well: ") +
                          exit_kind_name(report->kind) + " " + report->detail);
  return layers;
}

}  // namespace assay::sandbox
