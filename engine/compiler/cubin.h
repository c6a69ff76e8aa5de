// SPDX-License-Identifier: Apache-2.0
// Reads the kernels out of a cubin, which is a 64-bit ELF image.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace assay::engine {

struct CubinKernel {
  std::string symbol;                          // "_Z3addPfS_"
  std::string readable;                        // "add(float*, float*)"
  std::optional<std::int64_t> constant_bytes;  // its constant bank 0: parameters and constants
};

// Sorted by readable name; empty when it is no ELF image that makes sense.
std::vector<CubinKernel> read_kernels(std::string_view image);

}  // namespace assay::engine
