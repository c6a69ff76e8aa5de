// SPDX-License-Identifier: Apache-2.0
#include "engine/runner/launch_spec.h"

#include <numeric>
#include <string>

#include "engine/runner/failure.h"
#include "schemas/json_reader.h"

namespace assay::engine::runner {
namespace {

using schemas::Dim3;
using schemas::Json;
using schemas::ObjectReader;

constexpr std::int64_t kMaxThreads = 1024;
constexpr std::int64_t kMaxSharedBytes = std::int64_t{1} << 20;
constexpr std::size_t kMaxScratchParameters = 16;

std::vector<std::size_t> read_arguments(const Json& launch, std::size_t count,
                                        schemas::Diagnostics& diagnostics) {
  std::vector<std::size_t> arguments;
  const auto found = launch.find("parameters");
  const bool is_array = found != launch.end() && found->is_array();
  if (!is_array || found->size() > schemas::kMaxArguments) {
    diagnostics.errors.push_back({"launch.parameters", "must be an array of positions"});
    return arguments;
  }
  for (const Json& position : *found) {
    const bool names_one = position.is_number_integer() && position.get<std::int64_t>() >= 0 &&
                           position.get<std::uint64_t>() < count;
    if (!names_one) {
      diagnostics.errors.push_back(
          {"launch.parameters", "names an argument that the contract has not"});
      return arguments;
    }
    arguments.push_back(position.get<std::size_t>());
  }
  return arguments;
}

std::vector<ScratchSpec> read_scratch(const Json& launch, schemas::Diagnostics& diagnostics) {
  std::vector<ScratchSpec> scratch;
  const auto found = launch.find("scratch");
  if (found == launch.end()) return scratch;
  if (!found->is_array() || found->size() > kMaxScratchParameters) {
    diagnostics.errors.push_back({"launch.scratch", "must be a short array"});
    return scratch;
  }
  for (const Json& entry : *found) {
    ObjectReader reader(entry, "launch.scratch", diagnostics);
    scratch.push_back({reader.int_or("bytes", 0, 0, kMaxScratchBytes),
                       reader.int_or("alignment", 1, 1, kMaxScratchAlignment)});
  }
  return scratch;
}

Dim3 read_block(const Json& launch, schemas::Diagnostics& diagnostics) {
  static const Json nothing = Json::object();
  const auto found = launch.find("block");
  ObjectReader reader(found == launch.end() ? nothing : *found, "launch.block", diagnostics);
  return {reader.int_or("x", 1, 1, kMaxThreads), reader.int_or("y", 1, 1, kMaxThreads),
          reader.int_or("z", 1, 1, kMaxThreads)};
}

}  // namespace

std::int64_t LaunchSpec::scratch_bytes(const ScratchSpec& scratch) const {
  std::int64_t bytes = scratch.bytes_per_block;
  for (const std::int64_t size : {grid.x, grid.y, grid.z})
    if (__builtin_mul_overflow(bytes, size, &bytes) || bytes > kMaxScratchBytes)
      fail_contract("the kernel needs " + std::to_string(scratch.bytes_per_block) +
                    " bytes of scratch memory for each block of launch.grid, which is more than " +
                    std::to_string(kMaxScratchBytes) + " in all");
  return bytes;
}

LaunchSpec read_launch_spec(const schemas::IoContract& contract, const Json& launch) {
  const bool compiled = launch.is_object() && !launch.empty();
  const auto& given = contract.launch;
  if (compiled) {
    if (!given || !given->grid)
      fail_contract("IOContract is required for this kernel, with launch.grid");
  } else if (!given || !given->grid || !given->block) {
    fail_contract("IOContract is required for cuda kernels, with launch.grid and launch.block");
  }
  LaunchSpec spec;
  spec.grid = *given->grid;
  if (!compiled) {
    spec.block = *given->block;
    spec.shared_memory_bytes = given->shared_memory_bytes;
    spec.arguments.resize(contract.args.size());
    std::iota(spec.arguments.begin(), spec.arguments.end(), std::size_t{0});
    return spec;
  }
  schemas::Diagnostics diagnostics;
  ObjectReader reader(launch, "launch", diagnostics);
  spec.shared_memory_bytes = reader.int_or("shared_mem", 0, 0, kMaxSharedBytes);
  spec.block = read_block(launch, diagnostics);
  spec.arguments = read_arguments(launch, contract.args.size(), diagnostics);
  spec.scratch = read_scratch(launch, diagnostics);
  if (!diagnostics.errors.empty()) fail_protocol(schemas::malformed(diagnostics).message);
  return spec;
}

}  // namespace assay::engine::runner
