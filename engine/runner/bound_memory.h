// SPDX-License-Identifier: Apache-2.0
// BoundMemory: what `bind` fixed. The judge's arenas mapped, the parameters of every slot's launch,
// the outputs.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/cuda/memory.h"
#include "engine/runner/control.h"
#include "engine/runner/loaded_kernel.h"
#include "engine/runner/parameters.h"
#include "sandbox/fd.h"
#include "schemas/json_reader.h"
#include "schemas/worker_message.h"

namespace assay::engine::runner {

// A `bind` request, decoded.
struct BindRequest {
  std::int64_t slots = 0;
  std::vector<schemas::Binding> arguments, outputs;
  std::int64_t input_bytes = 0, output_bytes = 0;
};
// Failure: protocol.
BindRequest read_bind_request(const schemas::Json& request);

// Bytes from an arena's start where a tensor of a slot begins. Failure: protocol, when it does not
// lie inside.
std::int64_t offset_in_arena(const schemas::TensorBinding& tensor, std::int64_t slot,
                             std::int64_t arena_bytes);

// The pointers that cuLaunchKernel takes, to bytes of its own. Stays where it is.
struct SlotParameters {
  std::vector<ParameterBytes> bytes;
  std::vector<void*> pointers;
};

class BoundMemory {
 public:
  // Descriptors: control page, then one for each arena that has bytes (or all three). Failures:
  // protocol, contract, cuda.
  BoundMemory(const Device& device, const LoadedKernel& kernel, const BindRequest& request,
              std::vector<sandbox::UniqueFd> descriptors);

  std::int64_t slots() const { return static_cast<std::int64_t>(parameters_.size()); }
  void** parameters(std::int64_t slot) {
    return parameters_[static_cast<std::size_t>(slot)].pointers.data();
  }
  Control& control() { return *control_; }
  // dtype, shape and strides of the outputs, as `probe` reports them.
  schemas::Json outputs() const { return outputs_; }

 private:
  void map(const Device& device, const BindRequest& request,
           std::vector<sandbox::UniqueFd> descriptors);
  void allocate_scratch(const Device& device, const LaunchSpec& launch);
  // `position`: among the kernel's parameters.
  ParameterBytes parameter(const LoadedKernel& kernel, const BindRequest& request,
                           std::size_t position, std::int64_t slot) const;

  std::optional<Control> control_;
  std::optional<cuda::MappedMemory> inputs_memory_, outputs_memory_;
  // One for every launch: launches follow each other on one stream. Empty where a kernel needs
  // none.
  std::vector<DeviceBuffer> scratch_;
  std::vector<SlotParameters> parameters_;
  schemas::Json outputs_;
};

}  // namespace assay::engine::runner
