// SPDX-License-Identifier: Apache-2.0
// Whether two stretches of memory hold the same bytes, on the device they lie on.
#pragma once

#include "engine/judge/tensor_rows.h"

namespace assay::engine::judge {

// REQUIRES: same dtype, elements and rows.
bool same_bytes(const TensorRows& left, const TensorRows& right, TorchDevice device);

}  // namespace assay::engine::judge
