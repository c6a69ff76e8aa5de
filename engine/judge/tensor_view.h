// SPDX-License-Identifier: Apache-2.0
// Our memory as ATen tensors. Included by the few files that use ATen (inputs, noise, compare,
// quick_compare, same_bytes, torch_runtime) and by nothing else: these headers cost ten seconds
// each.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/InferenceMode.h>

#include "engine/judge/tensor_rows.h"

namespace assay::engine::judge {

inline c10::ScalarType scalar_type(schemas::Dtype dtype) {
  switch (dtype) {
    case schemas::Dtype::float32: return c10::kFloat;
    case schemas::Dtype::float64: return c10::kDouble;
    case schemas::Dtype::float16: return c10::kHalf;
    case schemas::Dtype::bfloat16: return c10::kBFloat16;
    case schemas::Dtype::int32: return c10::kInt;
    case schemas::Dtype::int64: return c10::kLong;
    case schemas::Dtype::int8: return c10::kChar;
    case schemas::Dtype::uint8: return c10::kByte;
    case schemas::Dtype::boolean: return c10::kBool;
  }
  return c10::kFloat;
}

// The integer type of the same width.
inline c10::ScalarType word_type(schemas::Dtype dtype) {
  switch (schemas::dtype_bytes(dtype)) {
    case 1: return c10::kChar;
    case 2: return c10::kShort;
    case 4: return c10::kInt;
    default: return c10::kLong;
  }
}

// [rows, elements] over `rows`, as `type` of the same width. REQUIRES: the stride is a multiple of
// the element size.
inline at::Tensor view_as(const TensorRows& rows, c10::ScalarType type, c10::Device device) {
  const std::int64_t size = schemas::dtype_bytes(rows.dtype);
  const std::int64_t row_stride = rows.rows > 1 ? rows.stride_bytes / size : rows.elements;
  return at::for_blob(rows.data, {rows.rows, rows.elements})
      .strides(at::IntArrayRef({row_stride, 1}))
      .options(c10::TensorOptions().dtype(type).device(device))
      .target_device(device)
      .make_tensor();
}

inline at::Tensor view(const TensorRows& rows, c10::Device device) {
  return view_as(rows, scalar_type(rows.dtype), device);
}

inline c10::Device torch_device(const TorchDevice& device) {
  if (device.kind == schemas::DeviceKind::cpu) return c10::Device(c10::kCPU);
  return c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(device.index));
}

}  // namespace assay::engine::judge
