// SPDX-License-Identifier: Apache-2.0
#include "engine/runner/parameters.h"

#include <cstring>
#include <limits>
#include <variant>

#include "engine/runner/failure.h"

namespace assay::engine::runner {
namespace {

using schemas::ArgSpec;

std::string bytes_text(std::size_t bytes) {
  return std::to_string(bytes) + (bytes == 1 ? " byte" : " bytes");
}

std::string parameter_text(std::size_t position, std::size_t size) {
  return "parameter " + std::to_string(position) + " of the kernel has " + bytes_text(size);
}

template <typename T>
ParameterBytes bytes_of(T value) {
  static_assert(sizeof value <= sizeof(ParameterBytes));
  ParameterBytes bytes{};
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

// Signed or unsigned is not known: what fits either is taken.
bool fits(std::int64_t value, std::size_t size) {
  if (size == 8) return true;
  const std::int64_t span = std::int64_t{1} << (size * 8);
  return value >= -(span / 2) && value < span;
}

std::string argument_list(const schemas::IoContract& contract, const LaunchSpec& launch) {
  std::string text;
  for (const std::size_t position : launch.arguments)
    text += (text.empty() ? "" : ", ") + contract.args[position].name;
  return text.empty() ? "none" : text;
}

}  // namespace

ParameterBytes scalar_parameter(const schemas::ScalarValue& value, std::size_t size,
                                const std::string& name, std::size_t position) {
  const std::string there = parameter_text(position, size);
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    if (size != 1 && size != 2 && size != 4 && size != 8)
      fail_contract("the contract's int \"" + name + "\" needs 1, 2, 4 or 8 bytes, but " + there);
    if (!fits(*integer, size))
      fail_contract("the contract's int \"" + name + "\" is " + std::to_string(*integer) +
                    ", but " + there);
    return bytes_of(*integer);
  }
  if (const auto* number = std::get_if<double>(&value)) {
    if (size == 8) return bytes_of(*number);
    if (size == 4) return bytes_of(static_cast<float>(*number));
    fail_contract("the contract's float \"" + name +
                  "\" needs 4 bytes (float) or 8 (double), but " + there);
  }
  if (const auto* flag = std::get_if<bool>(&value)) {
    if (size == 1 || size == 4) return bytes_of(static_cast<std::int32_t>(*flag));
    fail_contract("the contract's bool \"" + name + "\" needs 1 byte (bool) or 4 (int), but " +
                  there);
  }
  fail_contract("the contract's \"" + name +
                "\" is neither a tensor nor a number: a kernel cannot take it");
}

void check_parameters(const schemas::IoContract& contract, const LaunchSpec& launch,
                      const std::vector<std::size_t>& sizes, const std::string& kernel_name) {
  const std::size_t count = launch.arguments.size();
  if (count + launch.scratch.size() != sizes.size())
    fail_contract("the kernel \"" + kernel_name + "\" takes " + std::to_string(sizes.size()) +
                  " parameters, the contract has " + std::to_string(count) + " arguments (" +
                  argument_list(contract, launch) + ")" +
                  (launch.scratch.empty()
                       ? ""
                       : ", and there are " + std::to_string(launch.scratch.size()) +
                             " pointers to scratch memory"));
  for (std::size_t i = count; i < sizes.size(); ++i)
    if (sizes[i] != kPointerBytes)
      fail_contract("scratch memory is a pointer of 8 bytes, but " + parameter_text(i, sizes[i]));
  for (std::size_t i = 0; i < count; ++i) {
    const ArgSpec& argument = contract.args[launch.arguments[i]];
    if (argument.type != schemas::ArgType::tensor)
      scalar_parameter(argument.value, sizes[i], argument.name, i);
    else if (sizes[i] != kPointerBytes)
      fail_contract("the contract's tensor \"" + argument.name +
                    "\" is a pointer of 8 bytes, but " + parameter_text(i, sizes[i]));
  }
}

}  // namespace assay::engine::runner
