// SPDX-License-Identifier: Apache-2.0
// The part of DLPack's public binary interface that we speak: a tensor over memory of ours, handed
// to torch in a capsule named "dltensor". Layouts as in the DLPack 0.x C ABI ("unversioned"), which
// every torch still accepts.
#pragma once

#include <cstdint>
#include <type_traits>

namespace assay::engine::python::dlpack {

inline constexpr const char* kCapsuleName = "dltensor";
inline constexpr const char* kUsedCapsuleName = "used_dltensor";

inline constexpr std::int32_t kDeviceCpu = 1;
inline constexpr std::int32_t kDeviceCuda = 2;

inline constexpr std::uint8_t kCodeInt = 0;
inline constexpr std::uint8_t kCodeUint = 1;
inline constexpr std::uint8_t kCodeFloat = 2;
inline constexpr std::uint8_t kCodeBfloat = 4;
inline constexpr std::uint8_t kCodeBool = 6;

struct Device {
  std::int32_t type;
  std::int32_t index;
};

struct DataType {
  std::uint8_t code;
  std::uint8_t bits;
  std::uint16_t lanes;
};

struct Tensor {
  void* data;
  Device device;
  std::int32_t rank;
  DataType dtype;
  std::int64_t* shape;    // elements
  std::int64_t* strides;  // elements
  std::uint64_t byte_offset;
};

struct ManagedTensor {
  Tensor tensor;
  void* manager;
  void (*deleter)(ManagedTensor* self);
};

static_assert(std::is_standard_layout_v<ManagedTensor>);
static_assert(sizeof(void*) == 8 && sizeof(Tensor) == 48 && sizeof(ManagedTensor) == 64);

}  // namespace assay::engine::python::dlpack
