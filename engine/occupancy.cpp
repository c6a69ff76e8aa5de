// SPDX-License-Identifier: Apache-2.0
#include "engine/occupancy.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace assay::engine {

namespace {

constexpr std::int64_t kWarpThreads = 32;
constexpr std::int64_t kMaxBlockThreads = 1024;
constexpr std::int64_t kRegisters = 65536;  // per multiprocessor, and at most per block
constexpr std::int64_t kParts = 4;          // of a multiprocessor, each with its own registers
constexpr std::int64_t kRegisterUnit = 256;
constexpr std::int64_t kMaxRegistersPerThread = 255;
constexpr std::int64_t kKibi = 1024;
constexpr std::int64_t kUnlimited = std::numeric_limits<std::int64_t>::max();

struct Chip {
  std::int64_t capability;
  MultiprocessorLimits limits;
};
constexpr std::array kChips = {
    Chip{70, {64, 32, 96 * kKibi, 0, 256}},       Chip{72, {64, 32, 96 * kKibi, 0, 256}},
    Chip{75, {32, 16, 64 * kKibi, 0, 256}},       Chip{80, {64, 32, 164 * kKibi, kKibi, 128}},
    Chip{86, {48, 16, 100 * kKibi, kKibi, 128}},  Chip{87, {48, 16, 164 * kKibi, kKibi, 128}},
    Chip{89, {48, 24, 100 * kKibi, kKibi, 128}},  Chip{90, {64, 32, 228 * kKibi, kKibi, 128}},
    Chip{100, {64, 32, 228 * kKibi, kKibi, 128}}, Chip{103, {64, 32, 228 * kKibi, kKibi, 128}},
    Chip{110, {48, 24, 228 * kKibi, kKibi, 128}}, Chip{120, {48, 24, 100 * kKibi, kKibi, 128}},
    Chip{121, {48, 24, 100 * kKibi, kKibi, 128}},
};

std::int64_t rounded_up(std::int64_t value, std::int64_t unit) {
  return (value + unit - 1) / unit * unit;
}

std::int64_t blocks_by_registers(std::int64_t warps, std::int64_t registers_per_thread) {
  if (registers_per_thread == 0) {
    return kUnlimited;
  }
  const std::int64_t per_warp = rounded_up(registers_per_thread * kWarpThreads, kRegisterUnit);
  // A launch is admitted as if its warps were dealt to all parts evenly.
  if (registers_per_thread > kMaxRegistersPerThread ||
      per_warp * rounded_up(warps, kParts) > kRegisters) {
    return 0;
  }
  return kRegisters / kParts / per_warp * kParts / warps;
}

std::int64_t blocks_by_shared_memory(const MultiprocessorLimits& limits, std::int64_t bytes) {
  const std::int64_t per_block =
      rounded_up(bytes + limits.shared_bytes_per_block_reserved, limits.shared_unit_bytes);
  return per_block == 0 ? kUnlimited : limits.shared_bytes / per_block;
}

}  // namespace

std::optional<MultiprocessorLimits> multiprocessor_limits(const std::string& architecture) {
  std::string number = architecture.starts_with("sm_") ? architecture.substr(3) : "";
  if (number.ends_with('a') || number.ends_with('f')) {
    number.pop_back();
  }
  const auto found = std::find_if(kChips.begin(), kChips.end(), [&](const Chip& chip) {
    return std::to_string(chip.capability) == number;
  });
  return found == kChips.end() ? std::nullopt : std::optional(found->limits);
}

Occupancy occupancy(const MultiprocessorLimits& limits, const BlockNeeds& needs) {
  const std::int64_t warps = rounded_up(needs.threads, kWarpThreads) / kWarpThreads;
  const bool launchable = needs.threads >= 1 && needs.threads <= kMaxBlockThreads;
  const std::array<std::pair<const char*, std::int64_t>, 4> allowed = {{
      {"registers", launchable ? blocks_by_registers(warps, needs.registers_per_thread) : 0},
      {"shared_memory", blocks_by_shared_memory(limits, needs.shared_bytes)},
      {"block_size", launchable ? limits.warps / warps : 0},
      {"blocks", limits.blocks},
  }};
  const auto least = std::min_element(
      allowed.begin(), allowed.end(),
      [](const auto& left, const auto& right) { return left.second < right.second; });
  Occupancy result;
  result.blocks = least->second;
  result.fraction = static_cast<double>(result.blocks * warps) / static_cast<double>(limits.warps);
  result.limiter = result.blocks * warps == limits.warps ? "none" : least->first;
  if (!launchable) {
    result.limiter = "block_size";
  }
  return result;
}

void add_occupancy(schemas::CompileReport& report, const std::optional<LaunchedBlock>& launched) {
  const auto limits = multiprocessor_limits(report.architecture);
  bool first = true;
  for (schemas::KernelResources& kernel : report.kernels) {
    const bool is_launched = std::exchange(first, false) && launched;
    if (!is_launched) {
      kernel.occupancy_unavailable_reason =
          launched ? "it is not the kernel that is launched: its block size is not known"
                   : "the source chooses the block size when it runs";
      continue;
    }
    kernel.shared_dynamic_bytes = launched->shared_dynamic_bytes;
    if (!limits) {
      kernel.occupancy_unavailable_reason =
          "the limits of " + report.architecture + " are not known to this server";
    } else if (!kernel.registers) {
      kernel.occupancy_unavailable_reason = "the compiler did not say how many registers it uses";
    } else {
      const Occupancy found = occupancy(
          *limits, {launched->threads, *kernel.registers,
                    kernel.shared_static_bytes.value_or(0) + launched->shared_dynamic_bytes});
      kernel.occupancy = found.fraction;
      kernel.occupancy_limiter = found.limiter;
    }
  }
}

}  // namespace assay::engine
