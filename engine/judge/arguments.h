// SPDX-License-Identifier: Apache-2.0
// What each side is called with. Inputs are the reference's; the candidate's input and inout
// tensors bind to them in order, and it contributes only its scalars. Outputs pair in order.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "engine/judge/slot_layout.h"
#include "schemas/kernel.h"
#include "schemas/worker_message.h"

namespace assay::engine::judge {

// The inputs of one call, as their owner (the reference, else the candidate) is called with them.
struct InputSet {
  SlotLayout layout;  // its tensors in the order of the flattened arguments
  std::vector<schemas::Value>
      arguments;  // tensors, scalars, nests; tensors by position in `layout`
  bool from_contract = false;
};
// From values of a draw: lays the tensors out.
InputSet input_set_of(std::vector<schemas::Value> arguments);
// From a contract's input and inout tensors and its scalars (not those marked is_meta).
InputSet input_set_of(const schemas::IoContract& contract);
// Whether two draws have the same nest of the same shapes and dtypes.
bool same_structure(const std::vector<schemas::Value>& left,
                    const std::vector<schemas::Value>& right);

// The contract that describes inputs made by get_inputs, for reuse; nothing when an argument is a
// nest.
std::optional<schemas::IoContract> contract_of(const InputSet& inputs);

// One side's call.
struct CallPlan {
  std::vector<schemas::Binding> arguments;
  SlotLayout outputs;
  bool outputs_known = false;  // false until a probe has told what the call returns
  // Of returned outputs: where each lies in what was returned, in the order of `outputs`; and in
  // which position the call returns each, empty: in that of `outputs`.
  std::vector<std::string> paths;
  std::vector<std::size_t> returned_at;
  // Inputs that the call overwrites in the output arena: position among inputs, position among
  // outputs.
  std::vector<std::pair<std::size_t, std::size_t>> inouts;
  bool has_scalars = false;  // from a contract
};

// Types whose call writes into tensors of its contract, instead of returning new ones.
bool writes_into_arguments(schemas::KernelType type);

enum class ScalarUse { all, none };
// How `kernel` is called on `inputs`. `scalars`: none leaves a contract's scalars out of a torch
// kernel's call (a contract shared with a cuda kernel has sizes that a torch function does not
// take). Failure: mismatch, naming both sides, when tensors do not fit in count, shape or dtype.
CallPlan plan_call(const schemas::Kernel& kernel, const InputSet& inputs, ScalarUse scalars);

// Takes what a probe returned as the outputs.
void set_outputs(CallPlan& plan, const std::vector<schemas::OutputShape>& outputs);
std::vector<schemas::Binding> output_bindings(const CallPlan& plan);

// Outputs pair in order; but those of dicts by their keys: puts the candidate's into the
// reference's order where both returned the same keys. Where the keys differ: a warning that names
// them, else empty.
std::string pair_by_key(const CallPlan& reference, CallPlan& candidate);

// Failure: mismatch, naming both sides, when outputs differ in count, shape or dtype.
void demand_same_outputs(const SlotLayout& reference, const SlotLayout& candidate);

}  // namespace assay::engine::judge
