// SPDX-License-Identifier: Apache-2.0
// Kernel parameters: whether a contract's arguments fit them, and their bytes. Pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/runner/launch_spec.h"
#include "schemas/io_contract.h"

namespace assay::engine::runner {

// Room for the widest parameter that a contract can give.
using ParameterBytes = std::array<std::byte, 8>;

inline constexpr std::size_t kPointerBytes = 8;

// A scalar as a parameter of `size` bytes, little endian. `name` and `position` (from 0) tell which
// in the error. Failure: contract, when a value of this type cannot be given to a parameter of this
// size, or does not fit.
ParameterBytes scalar_parameter(const schemas::ScalarValue& value, std::size_t size,
                                const std::string& name, std::size_t position);

// Compares the arguments of a launch, and its scratch pointers, with the parameter sizes of a
// kernel. Failure: contract, naming what differs.
void check_parameters(const schemas::IoContract& contract, const LaunchSpec& launch,
                      const std::vector<std::size_t>& sizes, const std::string& kernel_name);

}  // namespace assay::engine::runner
