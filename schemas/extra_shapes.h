// SPDX-License-Identifier: Apache-2.0
// Further shapes of a request: substitutions in its IO contracts, each checked for correctness
// only. On the wire
//   extra_shapes: [{"args": {"x": [1000, 3], "n": 3000}, "launch": {"grid": {"x": 12}},
//                   "ref_launch": {...}}]
// `args` names arguments of either contract: a tensor gets a shape, a scalar a value. `launch`
// replaces fields of the candidate's launch, `ref_launch` of the reference's.
#pragma once

#include "schemas/requests.h"

namespace assay::schemas {

inline constexpr std::size_t kMaxExtraShapes = 16;

// Reads `extra_shapes` into work.extra_shapes. REQUIRES the kernels to be read before. Errors: a
// name that no contract has, a value of the wrong type, a tensor whose values are transferred, no
// contract to substitute in.
void read_extra_shapes(ObjectReader& reader, WorkRequest& work);

// The request with one substitution made in its contracts: untimed, without further shapes.
WorkRequest with_extra_shape(const WorkRequest& work, std::size_t index);

}  // namespace assay::schemas
