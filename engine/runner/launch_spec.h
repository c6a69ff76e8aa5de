// SPDX-License-Identifier: Apache-2.0
// LaunchSpec: how a cubin is launched. From the contract alone, or, where a compiler chose more,
// from its `launch` too (docs/workers.md). Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "schemas/io_contract.h"

namespace assay::engine::runner {

// Memory that a kernel is given by pointer for its own use, as much for every block of the grid.
struct ScratchSpec {
  std::int64_t bytes_per_block = 0;  // 0: the pointer is null
  std::int64_t alignment = 1;
};

struct LaunchSpec {
  schemas::Dim3 grid, block;
  std::int64_t shared_memory_bytes = 0;
  std::vector<std::size_t> arguments;  // the contract's, by position, one per parameter
  std::vector<ScratchSpec> scratch;    // the parameters behind those

  // Of one scratch parameter for the whole grid.
  std::int64_t scratch_bytes(const ScratchSpec& scratch) const;
};

// What cuMemAlloc gives at least.
inline constexpr std::int64_t kMaxScratchAlignment = 256;
inline constexpr std::int64_t kMaxScratchBytes = std::int64_t{1} << 36;

// `launch`: the compiler's words, or an empty object or null. Failures: contract (no grid or
// block), protocol (`launch` makes no sense: it was made from submitted code).
LaunchSpec read_launch_spec(const schemas::IoContract& contract, const schemas::Json& launch);

}  // namespace assay::engine::runner
