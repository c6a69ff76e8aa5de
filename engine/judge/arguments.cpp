// SPDX-License-Identifier: Apache-2.0
#include "engine/judge/arguments.h"

#include <algorithm>
#include <set>
#include <string>

#include "engine/judge/failure.h"

namespace assay::engine::judge {
namespace {

using schemas::Binding;
using schemas::Value;

constexpr std::size_t kShownPathBytes = 300;

bool is_input(const schemas::ArgSpec& argument) {
  return argument.type == schemas::ArgType::tensor && argument.role != schemas::ArgRole::output;
}

Value::Kind scalar_kind(const schemas::ScalarValue& value) {
  if (std::holds_alternative<std::int64_t>(value)) return Value::Kind::integer;
  if (std::holds_alternative<double>(value)) return Value::Kind::floating;
  if (std::holds_alternative<bool>(value)) return Value::Kind::boolean;
  if (std::holds_alternative<std::string>(value)) return Value::Kind::string;
  return Value::Kind::none;
}

void lay_out(const Value& value, const std::string& name, SlotLayout& layout) {
  if (value.kind == Value::Kind::tensor) layout.add(name, value.tensor.dtype, value.tensor.shape);
  for (std::size_t i = 0; i < value.items.size(); ++i)
    lay_out(value.items[i],
            name + "[" + (value.keys.empty() ? std::to_string(i) : value.keys[i]) + "]", layout);
}

Binding bind_value(const Value& value, const SlotLayout& layout, std::size_t& next) {
  if (value.kind == Value::Kind::tensor)
    return layout.binding(next++, schemas::ArgRole::input, false);
  Binding binding;
  binding.kind = value.kind;
  binding.scalar = value.scalar;
  binding.keys = value.keys;
  for (const Value& item : value.items) binding.items.push_back(bind_value(item, layout, next));
  return binding;
}

Binding bind_scalar(const schemas::ScalarValue& value) {
  Binding binding;
  binding.kind = scalar_kind(value);
  binding.scalar = value;
  return binding;
}

std::size_t count_inputs(const schemas::IoContract& contract) {
  std::size_t count = 0;
  for (const schemas::ArgSpec& argument : contract.args) count += is_input(argument) ? 1 : 0;
  return count;
}

void demand_same_inputs(const schemas::IoContract& contract, const SlotLayout& inputs) {
  const std::size_t own = count_inputs(contract), given = inputs.tensors().size();
  if (own != given)
    throw Failure(Cause::mismatch,
                  "inputs differ in count: the candidate's contract takes " + std::to_string(own) +
                      " input tensors, the reference's inputs are " + std::to_string(given));
  std::size_t position = 0;
  for (const schemas::ArgSpec& argument : contract.args) {
    if (!is_input(argument)) continue;
    const TensorPlace& place = inputs.tensors()[position++];
    const schemas::TensorSpec spec = argument.tensor.value_or(schemas::TensorSpec{});
    if (spec.dtype != place.dtype || spec.shape != place.shape)
      throw Failure(Cause::mismatch, "input " + std::to_string(position - 1) +
                                         " differs: the candidate's contract has " +
                                         tensor_text(argument.name, spec.dtype, spec.shape) +
                                         ", the reference's input is " +
                                         tensor_text(place.name, place.dtype, place.shape));
  }
}

// Of a path like [0]['loss'], as runners write it.
bool has_key(const std::string& path) {
  return path.find("['") != std::string::npos || path.find("[\"") != std::string::npos;
}

std::string only_in(const std::set<std::string>& these, const std::set<std::string>& others) {
  std::string list;
  for (const std::string& path : these)
    if (!others.contains(path) && list.size() < kShownPathBytes)
      list += (list.empty() ? "" : ", ") + path;
  return list.empty() ? "none" : list;
}

CallPlan plan_by_contract(const schemas::Kernel& kernel, const InputSet& inputs,
                          ScalarUse scalars) {
  demand_same_inputs(*kernel.io, inputs.layout);
  const bool writes = writes_into_arguments(kernel.type);
  CallPlan plan;
  plan.outputs_known = writes;
  struct Pending {  // offsets are known when the whole layout of the outputs is
    std::size_t argument, output;
    schemas::ArgRole role;
  };
  std::vector<Pending> pending;
  std::size_t next_input = 0;
  for (const schemas::ArgSpec& argument : kernel.io->args) {
    if (argument.type != schemas::ArgType::tensor) {
      if (!writes && (argument.is_meta || scalars == ScalarUse::none)) continue;
      plan.has_scalars = true;
      plan.arguments.push_back(bind_scalar(argument.value));
      continue;
    }
    const bool output = argument.role == schemas::ArgRole::output;
    if (output && !writes) continue;
    const std::size_t input = output ? 0 : next_input++;
    if (writes && argument.role != schemas::ArgRole::input) {
      const schemas::TensorSpec spec = argument.tensor.value_or(schemas::TensorSpec{});
      const std::size_t position = plan.outputs.add(argument.name, spec.dtype, spec.shape);
      if (!output) plan.inouts.emplace_back(input, position);
      pending.push_back({plan.arguments.size(), position, argument.role});
      plan.arguments.emplace_back();
    } else {
      plan.arguments.push_back(inputs.layout.binding(input, argument.role, false));
    }
  }
  for (const Pending& place : pending)
    plan.arguments[place.argument] = plan.outputs.binding(place.output, place.role, true);
  if (writes && plan.outputs.tensors().empty()) {
    if (kernel.type != schemas::KernelType::multi_kernel)
      throw Failure(
          Cause::unusable,
          "the contract has no argument with role output or inout: nothing could be checked");
    plan.outputs_known = false;  // a Python entry point may return what it computes
  }
  return plan;
}

}  // namespace

bool writes_into_arguments(schemas::KernelType type) {
  return type == schemas::KernelType::cuda || type == schemas::KernelType::triton ||
         type == schemas::KernelType::multi_kernel;
}

InputSet input_set_of(std::vector<Value> arguments) {
  InputSet set;
  for (std::size_t i = 0; i < arguments.size(); ++i)
    lay_out(arguments[i], "input[" + std::to_string(i) + "]", set.layout);
  set.arguments = std::move(arguments);
  return set;
}

InputSet input_set_of(const schemas::IoContract& contract) {
  InputSet set;
  set.from_contract = true;
  for (const schemas::ArgSpec& argument : contract.args) {
    Value value;
    if (is_input(argument)) {
      const schemas::TensorSpec spec = argument.tensor.value_or(schemas::TensorSpec{});
      const std::size_t position = set.layout.add(argument.name, spec.dtype, spec.shape);
      value.kind = Value::Kind::tensor;
      value.tensor = {spec.dtype, spec.shape, 0, set.layout.tensors()[position].bytes};
    } else if (argument.type != schemas::ArgType::tensor && !argument.is_meta) {
      value.kind = scalar_kind(argument.value);
      value.scalar = argument.value;
    } else {
      continue;
    }
    set.arguments.push_back(std::move(value));
  }
  return set;
}

std::optional<schemas::IoContract> contract_of(const InputSet& inputs) {
  schemas::IoContract contract;
  for (std::size_t i = 0; i < inputs.arguments.size(); ++i) {
    const Value& value = inputs.arguments[i];
    schemas::ArgSpec argument;
    argument.name = "input_" + std::to_string(i);
    argument.value = value.scalar;
    switch (value.kind) {
      case Value::Kind::tensor:
        argument.tensor =
            schemas::TensorSpec{value.tensor.shape, value.tensor.dtype, std::nullopt, std::nullopt};
        break;
      case Value::Kind::integer: argument.type = schemas::ArgType::integer; break;
      case Value::Kind::floating: argument.type = schemas::ArgType::floating; break;
      case Value::Kind::boolean: argument.type = schemas::ArgType::boolean; break;
      case Value::Kind::string: argument.type = schemas::ArgType::string; break;
      default: return std::nullopt;
    }
    contract.args.push_back(std::move(argument));
  }
  return contract;
}

bool same_structure(const std::vector<Value>& left, const std::vector<Value>& right) {
  if (left.size() != right.size()) return false;
  for (std::size_t i = 0; i < left.size(); ++i) {
    const bool same = left[i].kind == right[i].kind && left[i].keys == right[i].keys &&
                      left[i].tensor.dtype == right[i].tensor.dtype &&
                      left[i].tensor.shape == right[i].tensor.shape &&
                      same_structure(left[i].items, right[i].items);
    if (!same) return false;
  }
  return true;
}

CallPlan plan_call(const schemas::Kernel& kernel, const InputSet& inputs, ScalarUse scalars) {
  if (kernel.io) return plan_by_contract(kernel, inputs, scalars);
  CallPlan plan;
  std::size_t next = 0;
  for (const Value& value : inputs.arguments) {
    const bool scalar = inputs.from_contract && value.kind != Value::Kind::tensor;
    if (scalar && scalars == ScalarUse::none) continue;
    plan.has_scalars = plan.has_scalars || scalar;
    plan.arguments.push_back(bind_value(value, inputs.layout, next));
  }
  return plan;
}

void set_outputs(CallPlan& plan, const std::vector<schemas::OutputShape>& outputs) {
  if (outputs.empty())
    throw Failure(Cause::unusable, "the call returned no tensor: nothing could be checked");
  plan.outputs = SlotLayout();
  plan.paths.clear();
  plan.returned_at.clear();
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const std::string& path = outputs[i].path;
    plan.outputs.add("output" + (has_key(path) ? path : "[" + std::to_string(i) + "]"),
                     outputs[i].dtype, outputs[i].shape);
    plan.paths.push_back(path);
  }
  plan.outputs_known = true;
}

std::vector<Binding> output_bindings(const CallPlan& plan) {
  std::vector<Binding> bindings(plan.outputs.tensors().size());
  for (std::size_t i = 0; i < bindings.size(); ++i) {
    bool inout = false;
    for (const auto& [input, output] : plan.inouts) inout = inout || output == i;
    bindings[plan.returned_at.empty() ? i : plan.returned_at[i]] =
        plan.outputs.binding(i, inout ? schemas::ArgRole::inout : schemas::ArgRole::output, true);
  }
  return bindings;
}

std::string pair_by_key(const CallPlan& reference, CallPlan& candidate) {
  const std::vector<std::string>&wanted = reference.paths, &given = candidate.paths;
  const std::set<std::string> want(wanted.begin(), wanted.end()), got(given.begin(), given.end());
  // A key that is shown cut may stand twice: then the order is all there is.
  if (wanted == given || want.size() != wanted.size() || got.size() != given.size()) return "";
  if (want != got) {
    if (std::none_of(want.begin(), want.end(), has_key) ||
        std::none_of(got.begin(), got.end(), has_key))
      return "";
    return "outputs are compared in order, since the keys that were returned differ: the "
           "reference's alone are " +
           only_in(want, got) + ", the candidate's alone " + only_in(got, want);
  }
  CallPlan paired = candidate;
  paired.outputs = SlotLayout();
  paired.returned_at.clear();
  for (const std::string& path : wanted) {
    const auto at =
        static_cast<std::size_t>(std::find(given.begin(), given.end(), path) - given.begin());
    const TensorPlace& place = candidate.outputs.tensors()[at];
    paired.outputs.add(place.name, place.dtype, place.shape);
    paired.returned_at.push_back(at);
  }
  paired.paths = wanted;
  candidate = std::move(paired);
  return "";
}

void demand_same_outputs(const SlotLayout& reference, const SlotLayout& candidate) {
  const std::size_t want = reference.tensors().size(), got = candidate.tensors().size();
  if (want != got)
    throw Failure(Cause::mismatch, "outputs differ in count: the candidate gives " +
                                       std::to_string(got) + ", the reference " +
                                       std::to_string(want));
  for (std::size_t i = 0; i < want; ++i) {
    const TensorPlace& theirs = candidate.tensors()[i];
    const TensorPlace& wanted = reference.tensors()[i];
    if (theirs.dtype != wanted.dtype || theirs.shape != wanted.shape)
      throw Failure(Cause::mismatch,
                    "output " + std::to_string(i) + " differs: the candidate gives " +
                        tensor_text(theirs.name, theirs.dtype, theirs.shape) + ", the reference " +
                        tensor_text(wanted.name, wanted.dtype, wanted.shape));
  }
}

}  // namespace assay::engine::judge
