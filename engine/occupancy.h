// SPDX-License-Identifier: Apache-2.0
// Theoretical occupancy: which share of a multiprocessor's warps a kernel's resources let be active
// at once, and which resource sets the limit. Pure functions.
//
// Source: CUDA C++ Programming Guide, "Technical Specifications per Compute Capability" (warps,
// blocks, registers and shared memory per multiprocessor; 1 KiB of shared memory per block is the
// system's from 8.0 on) and the allocation units of the toolkit's cuda_occupancy.h: registers per
// warp in units of 256, in each of the multiprocessor's four parts; shared memory in units of 128
// bytes (256 on 7.x). Shared memory is taken to be configured at its largest.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "schemas/evaluation.h"

namespace assay::engine {

struct MultiprocessorLimits {
  std::int64_t warps = 0, blocks = 0;
  std::int64_t shared_bytes = 0, shared_bytes_per_block_reserved = 0, shared_unit_bytes = 0;
};
// Of "sm_90" or "sm_90a"; nothing where it is not known.
std::optional<MultiprocessorLimits> multiprocessor_limits(const std::string& architecture);

struct BlockNeeds {
  std::int64_t threads = 0;
  std::int64_t registers_per_thread = 0;
  std::int64_t shared_bytes = 0;  // static and dynamic
};

struct Occupancy {
  double fraction = 0;  // of the multiprocessor's warps
  // "none", or what allows the fewest blocks: "registers", "shared_memory", "block_size" (whole
  // blocks do not fill the warps), "blocks" (their number); the first of these where several do.
  std::string limiter;
  std::int64_t blocks = 0;  // per multiprocessor; 0: not even one fits
};
Occupancy occupancy(const MultiprocessorLimits& limits, const BlockNeeds& needs);

// Fills occupancy and shared_dynamic_bytes of the kernels of a report: of the first one, which is
// launched, where `launched` says how. Elsewhere the reason why there is none.
struct LaunchedBlock {
  std::int64_t threads = 0, shared_dynamic_bytes = 0;
};
void add_occupancy(schemas::CompileReport& report, const std::optional<LaunchedBlock>& launched);

}  // namespace assay::engine
