// SPDX-License-Identifier: Apache-2.0
#include "engine/runner/bound_memory.h"

#include <cstring>
#include <string>
#include <utility>

#include "engine/control_page.h"
#include "engine/runner/failure.h"

namespace assay::engine::runner {
namespace {

using schemas::Binding;
using schemas::Json;
using schemas::Value;

constexpr std::int64_t kMost = std::int64_t{1} << 62;

std::vector<Binding> read_bindings(const Json& request, const char* key) {
  std::vector<Binding> bindings;
  const auto found = request.find(key);
  if (found == request.end() || found->is_null()) return bindings;
  if (!found->is_array() || found->size() > schemas::kMaxArguments)
    fail_protocol(std::string(key) + " must be an array of bindings");
  for (const Json& item : *found) bindings.push_back(value_or_fail(schemas::read_binding(item)));
  return bindings;
}

ParameterBytes pointer_bytes(CUdeviceptr address) {
  ParameterBytes bytes{};
  static_assert(sizeof address == kPointerBytes);
  std::memcpy(bytes.data(), &address, sizeof address);
  return bytes;
}

std::vector<std::int64_t> contiguous_strides(const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> strides(shape.size());
  std::int64_t step = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    strides[i] = step;
    step *= shape[i] > 0 ? shape[i] : 1;
  }
  return strides;
}

}  // namespace

BindRequest read_bind_request(const Json& request) {
  schemas::Diagnostics diagnostics;
  schemas::ObjectReader reader(request, "bind", diagnostics);
  BindRequest bind;
  bind.slots = reader.int_or("slots", 0, 1, kMaxSlots);
  bind.input_bytes = reader.int_or("input_bytes", 0, 0, kMost);
  bind.output_bytes = reader.int_or("output_bytes", 0, 0, kMost);
  if (bind.slots == 0) reader.error("slots", "is required");
  if (!diagnostics.errors.empty()) fail_protocol(schemas::malformed(diagnostics).message);
  bind.arguments = read_bindings(request, "arguments");
  bind.outputs = read_bindings(request, "outputs");
  for (const Binding& output : bind.outputs)
    if (output.kind != Value::Kind::tensor) fail_protocol("an output is not a tensor");
  return bind;
}

std::int64_t offset_in_arena(const schemas::TensorBinding& tensor, std::int64_t slot,
                             std::int64_t arena_bytes) {
  const auto count = schemas::element_count(tensor.shape);
  std::int64_t size = 0, moved = 0, offset = 0, end = 0;
  const bool absurd = !count ||
                      __builtin_mul_overflow(*count, schemas::dtype_bytes(tensor.dtype), &size) ||
                      __builtin_mul_overflow(slot, tensor.stride, &moved) ||
                      __builtin_add_overflow(tensor.offset, moved, &offset) ||
                      __builtin_add_overflow(offset, size, &end);
  if (absurd || offset < 0 || end > arena_bytes)
    fail_protocol("a tensor of shape " + schemas::shape_text(tensor.shape) + " in slot " +
                  std::to_string(slot) + " does not fit into an arena of " +
                  std::to_string(arena_bytes) + " bytes");
  return offset;
}

BoundMemory::BoundMemory(const Device& device, const LoadedKernel& kernel,
                         const BindRequest& request, std::vector<sandbox::UniqueFd> descriptors) {
  const LaunchSpec& launch = kernel.launch_spec();
  if (request.arguments.size() != kernel.contract().args.size())
    fail_protocol("bind has " + std::to_string(request.arguments.size()) +
                  " arguments, the contract has " + std::to_string(kernel.contract().args.size()));
  map(device, request, std::move(descriptors));
  allocate_scratch(device, launch);
  parameters_.resize(static_cast<std::size_t>(request.slots));
  for (std::int64_t slot = 0; slot < request.slots; ++slot) {
    SlotParameters& parameters = parameters_[static_cast<std::size_t>(slot)];
    for (std::size_t i = 0; i < launch.arguments.size(); ++i)
      parameters.bytes.push_back(parameter(kernel, request, i, slot));
    for (const DeviceBuffer& scratch : scratch_)
      parameters.bytes.push_back(pointer_bytes(scratch.get()));
    for (ParameterBytes& bytes : parameters.bytes) parameters.pointers.push_back(bytes.data());
  }
  outputs_ = Json::array();
  for (const Binding& output : request.outputs)
    outputs_.push_back(schemas::to_json(schemas::OutputShape{
        output.tensor.dtype, output.tensor.shape, contiguous_strides(output.tensor.shape)}));
}

void BoundMemory::map(const Device& device, const BindRequest& request,
                      std::vector<sandbox::UniqueFd> descriptors) {
  const bool all = descriptors.size() == 3;
  const std::size_t wanted =
      1U + (all || request.input_bytes > 0 ? 1U : 0U) + (all || request.output_bytes > 0 ? 1U : 0U);
  if (descriptors.size() != wanted)
    fail_protocol("bind brought " + std::to_string(descriptors.size()) + " descriptors, not " +
                  std::to_string(wanted));
  control_ = value_or_fail(Control::open(std::move(descriptors[0])));
  const auto import = [&](std::size_t index, std::int64_t bytes) {
    return value_or_fail(cuda::MappedMemory::import_from(device.driver_pointer(), device.handle(),
                                                         descriptors[index].get(),
                                                         static_cast<std::size_t>(bytes)));
  };
  if (request.input_bytes > 0) inputs_memory_ = import(1, request.input_bytes);
  if (request.output_bytes > 0) outputs_memory_ = import(wanted - 1, request.output_bytes);
}

void BoundMemory::allocate_scratch(const Device& device, const LaunchSpec& launch) {
  for (const ScratchSpec& scratch : launch.scratch) {
    scratch_.emplace_back();
    const std::int64_t bytes = launch.scratch_bytes(scratch);
    if (bytes == 0) continue;
    CUdeviceptr address = 0;
    check(device.driver(), device.call().mem_alloc(&address, static_cast<std::size_t>(bytes)),
          "allocating scratch memory for the kernel");
    scratch_.back() = DeviceBuffer(device.driver_pointer(), address);
  }
}

ParameterBytes BoundMemory::parameter(const LoadedKernel& kernel, const BindRequest& request,
                                      std::size_t position, std::int64_t slot) const {
  const std::size_t of_contract = kernel.launch_spec().arguments[position];
  const Binding& argument = request.arguments[of_contract];
  const std::size_t size = kernel.parameter_sizes()[position];
  const std::string& name = kernel.contract().args[of_contract].name;
  if (argument.kind != Value::Kind::tensor)
    return scalar_parameter(argument.scalar, size, name, position);
  if (size != kPointerBytes) fail_protocol("a tensor is bound to a parameter that is no pointer");
  const bool in_outputs = argument.tensor.in_output_arena;
  const auto& memory = in_outputs ? outputs_memory_ : inputs_memory_;
  const std::int64_t arena_bytes = in_outputs ? request.output_bytes : request.input_bytes;
  const std::int64_t offset = offset_in_arena(argument.tensor, slot, arena_bytes);
  const CUdeviceptr address =
      (memory ? memory->address() : CUdeviceptr{0}) + static_cast<CUdeviceptr>(offset);
  return pointer_bytes(address);
}

}  // namespace assay::engine::runner
