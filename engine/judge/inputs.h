// SPDX-License-Identifier: Apache-2.0
// The values of an IO contract's tensors, drawn as torch's CPU generator draws them, whatever the
// device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "schemas/io_contract.h"

namespace assay::engine::judge {

// Fills `bytes` (exactly the tensor's, host memory) with the values of `init` for `seed`, in
// torch's words, with g = torch.Generator().manual_seed(seed):
//   randn    floating: torch.randn(shape, dtype=dtype, generator=g) * std + mean
//            integers: torch.randint over the dtype's whole range (int64: ±1,000,000); bool:
//            torch.randint(0, 2)
//   uniform  floating: low + (high - low) * torch.rand(...); integers: torch.randint(int(low),
//   int(high) + 1) zeros, ones, full(fill_value) arange   torch.arange(start, start + step * n,
//   step) over the last dimension, repeated along the others
// Failure: unusable, with torch's own words, when torch cannot make it (an empty range, a step of
// 0).
void draw_values(const schemas::Init& init, schemas::Dtype dtype,
                 const std::vector<std::int64_t>& shape, std::uint64_t seed,
                 std::span<std::byte> bytes);

// Inclusive bounds of the integers (and booleans) that a random `init` draws.
std::pair<std::int64_t, std::int64_t> integer_range(const schemas::Init& init,
                                                    schemas::Dtype dtype);

// Whether two seeds give two contents.
bool is_random(const schemas::Init& init);

}  // namespace assay::engine::judge
