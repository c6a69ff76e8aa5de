// SPDX-License-Identifier: Apache-2.0
// LoadedKernel: a cubin in the driver, the function to launch, its launch configuration and what it
// uses.
#pragma once

#include <string>
#include <vector>

#include "engine/runner/device.h"
#include "engine/runner/launch_spec.h"
#include "schemas/json_reader.h"
#include "schemas/kernel.h"

namespace assay::engine::runner {

class LoadedKernel {
 public:
  // `name`: the lowered symbol; `launch`: the compiler's words on launching it, or an empty object.
  // Failures: contract (no such symbol, parameters or launch that do not fit), protocol, cuda.
  LoadedKernel(const Device& device, const schemas::Kernel& kernel, const std::string& name,
               const schemas::Json& launch, const std::vector<char>& cubin);

  const schemas::IoContract& contract() const { return contract_; }
  const LaunchSpec& launch_spec() const { return launch_; }
  const std::vector<std::size_t>& parameter_sizes() const { return parameter_sizes_; }
  // KernelResources on the wire, and the most threads that a block of it may have.
  schemas::Json resources() const;
  // Puts one launch on the device's stream. `parameters`: one pointer per parameter.
  void launch(const Device& device, void** parameters) const;

 private:
  std::int64_t attribute(const Device& device, CUfunction_attribute which) const;
  void read_parameter_sizes(const Device& device);
  void configure_launch(const Device& device);

  schemas::IoContract contract_;
  LaunchSpec launch_;
  std::string name_;
  Module module_;
  CUfunction function_ = nullptr;
  std::vector<std::size_t> parameter_sizes_;
  std::int64_t registers_ = 0, shared_static_bytes_ = 0, local_bytes_ = 0, constant_bytes_ = 0,
               max_threads_ = 0;
};

}  // namespace assay::engine::runner
