// SPDX-License-Identifier: Apache-2.0
// A first look at many slots of one floating output: a few passes over the data in its own type,
// where compare.h needs dozens in float64. It can only say "right": everything that is not plainly
// within its tolerance is left to compare.h.
#pragma once

#include "engine/judge/poison.h"
#include "engine/judge/tensor_rows.h"
#include "engine/judge/tolerance.h"

namespace assay::engine::judge {

// True: every element is finite and within its tolerance by a margin that covers the rounding of
// this look, and none holds the poison. False: nothing is known; compare() decides. REQUIRES: as
// compare().
bool plainly_right(const TensorRows& got, const TensorRows& want, const Tolerance& tolerance,
                   const Poison& poison, TorchDevice device);

}  // namespace assay::engine::judge
