// SPDX-License-Identifier: Apache-2.0
#include "engine/judge/contract_outputs.h"

#include <algorithm>

#include "engine/judge/arguments.h"
#include "engine/judge/failure.h"

namespace assay::engine::judge {
namespace {

using schemas::ArgRole;
using schemas::ArgSpec;

std::vector<const ArgSpec*> tensors_of(const schemas::IoContract& contract, bool outputs,
                                       bool inouts) {
  std::vector<const ArgSpec*> found;
  for (const ArgSpec& argument : contract.args)
    if (argument.tensor && ((outputs && argument.role == ArgRole::output) ||
                            (inouts && argument.role == ArgRole::inout)))
      found.push_back(&argument);
  return found;
}

bool fits(const std::vector<const ArgSpec*>& specs, const std::vector<TensorPlace>& returned) {
  return std::equal(specs.begin(), specs.end(), returned.begin(), returned.end(),
                    [](const ArgSpec* spec, const TensorPlace& place) {
                      return spec->tensor->shape == place.shape &&
                             spec->tensor->dtype == place.dtype;
                    });
}

// "float32[2, 3], int64[4]"
template <typename Items, typename Text>
std::string listed(const Items& items, const Text& text) {
  std::string list;
  for (const auto& item : items) list += (list.empty() ? "" : ", ") + text(item);
  return list;
}

std::string kind_text(schemas::Dtype dtype, const std::vector<std::int64_t>& shape) {
  return schemas::dtype_name(dtype) + schemas::shape_text(shape);
}

std::string place_text(const TensorPlace& place) {
  return tensor_text(place.name, place.dtype, place.shape);
}

}  // namespace

void demand_contract_outputs(const schemas::Kernel& kernel, const SlotLayout& returned) {
  if (!kernel.io || writes_into_arguments(kernel.type)) return;
  const auto all = tensors_of(*kernel.io, true, true);
  const auto outputs = tensors_of(*kernel.io, true, false);
  const auto inouts = tensors_of(*kernel.io, false, true);
  for (const auto* specs : {&all, &outputs, &inouts})
    if (specs->empty() ? all.empty() : fits(*specs, returned.tensors())) return;
  const auto spec_text = [](const ArgSpec* spec) {
    return tensor_text(spec->name, spec->tensor->dtype, spec->tensor->shape);
  };
  throw Failure(Cause::contract, "the contract's outputs are " + listed(all, spec_text) +
                                     ", the call returned " +
                                     listed(returned.tensors(), place_text));
}

std::string hint_of_outputs(const schemas::Kernel& kernel) {
  if (!kernel.io || writes_into_arguments(kernel.type)) return "";
  const auto outputs = tensors_of(*kernel.io, true, false);
  if (outputs.empty()) return "";
  return "; arguments of role output (" +
         listed(outputs, [](const ArgSpec* spec) { return spec->name; }) +
         ") are not passed to it: return them, or give them the role inout";
}

std::string ignored_text(const SlotLayout& outputs,
                         const std::vector<schemas::OutputShape>& ignored) {
  const auto text = [](const schemas::OutputShape& shape) {
    return kind_text(shape.dtype, shape.shape);
  };
  return "it returned " + listed(ignored, text) +
         ", which does not count, since its outputs are the arguments " +
         listed(outputs.tensors(), place_text) +
         ": write into them, or return as many tensors of their shapes and dtypes";
}

}  // namespace assay::engine::judge
