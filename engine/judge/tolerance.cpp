// SPDX-License-Identifier: Apache-2.0
#include "engine/judge/tolerance.h"

namespace assay::engine::judge {
namespace {

constexpr double kAllcloseRtol = 1e-5, kAllcloseAtol = 1e-8;

double default_tolerance(schemas::Dtype dtype) {
  switch (dtype) {
    case schemas::Dtype::float64: return 1e-7;
    case schemas::Dtype::float32: return 1e-4;
    default: return 1e-2;
  }
}

}  // namespace

Tolerance tolerance_for(schemas::Dtype dtype, std::optional<double> rtol,
                        std::optional<double> atol) {
  Tolerance tolerance;
  if (!schemas::is_floating(dtype)) {
    tolerance.exact = true;
  } else if (rtol || atol) {
    tolerance.rtol = rtol.value_or(kAllcloseRtol);
    tolerance.atol = atol.value_or(kAllcloseAtol);
  } else {
    tolerance.scaled = true;
    tolerance.rtol = tolerance.atol = default_tolerance(dtype);
  }
  return tolerance;
}

schemas::ToleranceRule rule_of(const Tolerance& tolerance, schemas::Dtype dtype) {
  schemas::ToleranceRule rule;
  rule.dtype = schemas::dtype_name(dtype);
  rule.rtol = tolerance.rtol;
  rule.atol = tolerance.atol;
  rule.from_caller = !tolerance.exact && !tolerance.scaled;
  if (tolerance.exact)
    rule.rule = "got == want";
  else if (tolerance.scaled)
    rule.rule = "|got - want| <= rtol * |want| + atol * rms(want); equal NaN and equal Inf match";
  else
    rule.rule =
        "|got - want| <= rtol * |want| + atol (torch.allclose); equal NaN and equal Inf match";
  return rule;
}

}  // namespace assay::engine::judge
