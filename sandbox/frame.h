// SPDX-License-Identifier: Apache-2.0
// A frame on the wire: `u32 length (little endian) | bytes`, at most kMaxFrameDescriptors
// descriptors beside it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "sandbox/fd.h"

namespace assay::sandbox {

inline constexpr std::size_t kFrameHeaderBytes = 4;
inline constexpr std::size_t kMaxFrameDescriptors = 32;

struct Frame {
  std::string bytes;
  std::vector<UniqueFd> descriptors;
};

using FrameHeader = std::array<unsigned char, kFrameHeaderBytes>;
FrameHeader encode_frame_header(std::uint32_t length);
std::uint32_t decode_frame_header(const FrameHeader& header);

}  // namespace assay::sandbox
