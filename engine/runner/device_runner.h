// SPDX-License-Identifier: Apache-2.0
// DeviceRunner: the request loop of the device tier (docs/workers.md). One thread; no submitted
// host code.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "engine/runner/blocking_kernel.h"
#include "engine/runner/bound_memory.h"
#include "engine/runner/device.h"
#include "engine/runner/loaded_kernel.h"
#include "sandbox/channel.h"
#include "schemas/json_reader.h"

namespace assay::engine::runner {

class DeviceRunner {
 public:
  explicit DeviceRunner(sandbox::Channel channel) : channel_(std::move(channel)) {}

  // Until `exit` or the end of the channel. Error: the channel broke.
  schemas::Status serve();

 private:
  // In order; a step asked for before its state is a protocol error.
  enum class State { prepared, context, loaded, pass };
  using Descriptors = std::vector<sandbox::UniqueFd>;

  schemas::Json answer(const schemas::Json& request, Descriptors descriptors);
  void demand(State needed, const char* op) const;
  State state() const;
  schemas::Status send(const schemas::Json& frame);

  schemas::Json prepare(const schemas::Json& request);
  schemas::Json load(const schemas::Json& request, const Descriptors& descriptors);
  schemas::Json bind(const schemas::Json& request, Descriptors descriptors);
  schemas::Json probe_slot(const schemas::Json& request);
  schemas::Json pass(const schemas::Json& request);

  sandbox::Channel channel_;
  // Each needs the ones above it and is destroyed before them.
  std::optional<Device> device_;
  std::unique_ptr<BlockingKernel> blocking_;
  std::optional<LoadedKernel> kernel_;
  std::unique_ptr<BoundMemory> memory_;
};

}  // namespace assay::engine::runner
