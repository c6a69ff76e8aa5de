// SPDX-License-Identifier: Apache-2.0
// How far a value may be from the one wanted, by dtype and by what the caller gave.
#pragma once

#include <optional>

#include "schemas/evaluation.h"
#include "schemas/io_contract.h"

namespace assay::engine::judge {

struct Tolerance {
  bool exact = false;   // integers and booleans
  bool scaled = false;  // atol is multiplied by rms(want) of the same tensor of the same call
  double rtol = 0, atol = 0;
};

// Neither given: |got - want| <= rtol*|want| + atol*rms(want) with rtol = atol = 1e-7 (float64),
// 1e-4 (float32), 1e-2 (float16, bfloat16). Either given: |got - want| <= rtol*|want| + atol as in
// torch.allclose, whose defaults (rtol 1e-5, atol 1e-8) fill the other. Integers and booleans are
// always exact.
Tolerance tolerance_for(schemas::Dtype dtype, std::optional<double> rtol,
                        std::optional<double> atol);
schemas::ToleranceRule rule_of(const Tolerance& tolerance, schemas::Dtype dtype);

}  // namespace assay::engine::judge
