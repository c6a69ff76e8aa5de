// SPDX-License-Identifier: Apache-2.0
// An executor in a process of its own, for remote_executor_test: serves a FakeExecutor on the
// descriptor in argv[1]. "hold" jobs end when cancelled.
#include <cstdlib>

#include "engine/executor_server.h"
#include "fake_executor.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  auto state = std::make_shared<assay::tests::FakeExecutorState>();
  state->capacity.devices.emplace_back();
  state->capacity.devices.back().name = "far away";
  state->capacity.parallel_jobs = 3;
  assay::tests::FakeExecutor executor(state);
  assay::sandbox::Channel channel(assay::sandbox::UniqueFd(std::atoi(argv[1])));
  return assay::engine::serve_executor(executor, std::move(channel)).ok() ? 0 : 1;
}
