// SPDX-License-Identifier: Apache-2.0
#include "sandbox/frame.h"

namespace assay::sandbox {

FrameHeader encode_frame_header(std::uint32_t length) {
  return {static_cast<unsigned char>(length), static_cast<unsigned char>(length >> 8),
          static_cast<unsigned char>(length >> 16), static_cast<unsigned char>(length >> 24)};
}

std::uint32_t decode_frame_header(const FrameHeader& header) {
  return static_cast<std::uint32_t>(header[0]) | static_cast<std::uint32_t>(header[1]) << 8 |
         static_cast<std::uint32_t>(header[2]) << 16 | static_cast<std::uint32_t>(header[3]) << 24;
}

}  // namespace assay::sandbox
