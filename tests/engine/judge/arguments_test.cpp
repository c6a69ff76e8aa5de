// SPDX-License-Identifier: Apache-2.0
// What each side is called with, and how candidate and reference must fit together.
#include "engine/judge/arguments.h"

#include <catch2/catch.hpp>

#include "engine/judge/contract_outputs.h"
#include "engine/judge/failure.h"

using namespace assay;
using namespace assay::engine::judge;
using schemas::ArgRole;
using schemas::Dtype;
using schemas::KernelType;

namespace {

schemas::ArgSpec tensor(const char* name, ArgRole role, std::vector<std::int64_t> shape,
                        Dtype dtype = Dtype::float32) {
  schemas::ArgSpec argument;
  argument.name = name;
  argument.role = role;
  argument.tensor = schemas::TensorSpec{std::move(shape), dtype, std::nullopt, std::nullopt};
  return argument;
}

schemas::ArgSpec number(const char* name, std::int64_t value, bool meta = false) {
  schemas::ArgSpec argument;
  argument.name = name;
  argument.type = schemas::ArgType::integer;
  argument.value = value;
  argument.is_meta = meta;
  return argument;
}

schemas::Kernel kernel(KernelType type, std::vector<schemas::ArgSpec> arguments) {
  schemas::Kernel made;
  made.type = type;
  made.io = schemas::IoContract{std::move(arguments), std::nullopt};
  return made;
}

std::string mismatch_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Failure& failure) {
    CHECK(failure.cause == Cause::mismatch);
    return failure.message;
  }
  return "";
}

}  // namespace

TEST_CASE("a contract kernel gets its arguments in order, outputs in the output arena") {
  const auto cuda =
      kernel(KernelType::cuda,
             {tensor("x", ArgRole::input, {8}), tensor("y", ArgRole::inout, {4}), number("n", 8),
              tensor("out", ArgRole::output, {2, 3}), number("BLOCK", 64, true)});
  const InputSet inputs = input_set_of(*cuda.io);
  CHECK(inputs.layout.tensors().size() == 2);
  const CallPlan plan = plan_call(cuda, inputs, ScalarUse::all);
  REQUIRE(plan.arguments.size() == 5);
  CHECK_FALSE(plan.arguments[0].tensor.in_output_arena);
  CHECK(plan.arguments[1].tensor.in_output_arena);
  CHECK(plan.arguments[1].tensor.role == ArgRole::inout);
  CHECK(std::get<std::int64_t>(plan.arguments[2].scalar) == 8);
  CHECK(plan.arguments[3].tensor.in_output_arena);
  CHECK(plan.arguments[3].tensor.offset == kSlotAlignment);
  CHECK(plan.arguments[3].tensor.stride == 2 * kSlotAlignment);
  CHECK(plan.outputs_known);
  CHECK(plan.inouts == std::vector<std::pair<std::size_t, std::size_t>>{{1, 0}});
  CHECK(output_bindings(plan).size() == 2);
}

TEST_CASE("a torch function gets input tensors and scalars, and scalars can be left out") {
  const auto torch =
      kernel(KernelType::torch, {tensor("x", ArgRole::input, {8}), number("n", 8),
                                 number("B", 4, true), tensor("out", ArgRole::output, {8})});
  const InputSet inputs = input_set_of(*torch.io);
  const CallPlan all = plan_call(torch, inputs, ScalarUse::all);
  CHECK(all.arguments.size() == 2);
  CHECK(all.has_scalars);
  CHECK_FALSE(all.outputs_known);
  CHECK(plan_call(torch, inputs, ScalarUse::none).arguments.size() == 1);
}

TEST_CASE("a candidate without a contract is called as the reference is") {
  schemas::Value leaf;
  leaf.kind = schemas::Value::Kind::tensor;
  leaf.tensor = {Dtype::float32, {4}, 0, 16};
  schemas::Value list;
  list.kind = schemas::Value::Kind::list;
  list.items = {leaf, leaf};
  schemas::Value flag;
  flag.kind = schemas::Value::Kind::boolean;
  flag.scalar = true;
  const InputSet inputs = input_set_of(std::vector<schemas::Value>{leaf, list, flag});
  CHECK(inputs.layout.tensors().size() == 3);
  CHECK(inputs.layout.tensors()[2].name == "input[1][1]");
  schemas::Kernel torch;
  const CallPlan plan = plan_call(torch, inputs, ScalarUse::all);
  REQUIRE(plan.arguments.size() == 3);
  CHECK(plan.arguments[1].items[1].tensor.offset == 2 * kSlotAlignment);
  CHECK(std::get<bool>(plan.arguments[2].scalar));
  const auto contract = contract_of(input_set_of(std::vector<schemas::Value>{leaf, flag}));
  REQUIRE(contract);
  CHECK(contract->args[1].type == schemas::ArgType::boolean);
  CHECK_FALSE(contract_of(inputs));
}

TEST_CASE("inputs that do not fit are named on both sides") {
  const InputSet inputs =
      input_set_of(*kernel(KernelType::torch, {tensor("x", ArgRole::input, {8})}).io);
  const auto plan = [&](std::vector<schemas::ArgSpec> arguments) {
    return mismatch_of(
        [&] { plan_call(kernel(KernelType::cuda, std::move(arguments)), inputs, ScalarUse::all); });
  };
  auto message = plan({tensor("p", ArgRole::input, {4}), tensor("o", ArgRole::output, {8})});
  CHECK(message.find("\"p\" float32[4]") != std::string::npos);
  CHECK(message.find("\"x\" float32[8]") != std::string::npos);
  message =
      plan({tensor("p", ArgRole::input, {8}, Dtype::int32), tensor("o", ArgRole::output, {8})});
  CHECK(message.find("int32") != std::string::npos);
  message = plan({tensor("p", ArgRole::input, {8}), tensor("q", ArgRole::inout, {8})});
  CHECK(message.find("takes 2") != std::string::npos);
  CHECK(plan({tensor("p", ArgRole::inout, {8})}).empty());
}

TEST_CASE("outputs that do not fit are named on both sides") {
  const auto layout = [](const std::vector<std::pair<Dtype, std::vector<std::int64_t>>>& outputs) {
    SlotLayout made;
    for (const auto& [dtype, shape] : outputs) made.add("o", dtype, shape);
    return made;
  };
  const SlotLayout want = layout({{Dtype::float32, {2, 3}}});
  CHECK(mismatch_of([&] {
          demand_same_outputs(want, layout({{Dtype::float32, {2, 3}}}));
        }).empty());
  CHECK(mismatch_of([&] {
          demand_same_outputs(want, layout({{Dtype::float32, {3, 2}}}));
        }).find("[3, 2]") != std::string::npos);
  CHECK(mismatch_of([&] {
          demand_same_outputs(want, layout({{Dtype::float16, {2, 3}}}));
        }).find("float16") != std::string::npos);
  CHECK(mismatch_of([&] { demand_same_outputs(want, layout({})); }).find("count") !=
        std::string::npos);
}

TEST_CASE("tensors of a slot never share a line, and absurd sizes are refused") {
  SlotLayout layout;
  layout.add("a", Dtype::uint8, {1});
  layout.add("b", Dtype::float64, {100});
  layout.add("c", Dtype::float32, {0});
  layout.add("d", Dtype::float32, {});
  CHECK(layout.tensors()[1].offset == 512);
  CHECK(layout.tensors()[2].offset == layout.tensors()[3].offset);
  CHECK(layout.tensors()[3].elements == 1);
  CHECK(layout.slot_bytes() == 512 + 1024 + 512);
  CHECK_THROWS_AS(layout.add("x", Dtype::float32, {std::int64_t{1} << 40, std::int64_t{1} << 20}),
                  Failure);
  CHECK_THROWS_AS(layout.add("x", Dtype::float64, {std::int64_t{1} << 61}), Failure);
}

TEST_CASE("a multi_kernel without output arguments returns its outputs") {
  const auto inputs = [](const schemas::Kernel& of) { return input_set_of(*of.io); };
  const auto returns = kernel(KernelType::multi_kernel, {tensor("x", ArgRole::input, {3})});
  CallPlan plan = plan_call(returns, inputs(returns), ScalarUse::all);
  CHECK_FALSE(plan.outputs_known);
  CHECK(plan.arguments.size() == 1);
  set_outputs(plan, {{Dtype::float32, {3}, {1}}});
  CHECK(plan.outputs.tensors().size() == 1);
  const auto cuda = kernel(KernelType::cuda, {tensor("x", ArgRole::input, {3})});
  CHECK_THROWS_AS(plan_call(cuda, inputs(cuda), ScalarUse::all), Failure);
}

TEST_CASE("what a torch function returns is what its contract says") {
  SlotLayout pair, changed, one, other;
  pair.add("output[0]", Dtype::float32, {4});
  pair.add("output[1]", Dtype::int64, {2});
  changed.add("output[0]", Dtype::int64, {2});
  one.add("output[0]", Dtype::float32, {4});
  other.add("output[0]", Dtype::float64, {4});
  const auto x = tensor("x", ArgRole::input, {4});
  const auto y = tensor("y", ArgRole::output, {4});
  const auto n = tensor("n", ArgRole::inout, {2}, Dtype::int64);
  const auto demands = [](const schemas::Kernel& kernel, const SlotLayout& returned) {
    try {
      demand_contract_outputs(kernel, returned);
    } catch (const Failure& failure) {
      CHECK(failure.cause == Cause::contract);
      return failure.message;
    }
    return std::string();
  };
  const auto both = kernel(KernelType::torch, {x, y, n});
  for (const SlotLayout* fitting : {&pair, &one, &changed}) CHECK(demands(both, *fitting).empty());
  CHECK(demands(kernel(KernelType::torch, {x}), other).empty());
  CHECK(demands(kernel(KernelType::multi_kernel, {x, y}), other).empty());
  CHECK(demands(kernel(KernelType::torch, {x, y}), other) ==
        "the contract's outputs are \"y\" float32[4], the call returned \"output[0]\" float64[4]");
  CHECK_FALSE(demands(kernel(KernelType::torch_cuda, {x, y}), pair).empty());
  CHECK(hint_of_outputs(both).find("role output (y) are not passed") != std::string::npos);
  CHECK(hint_of_outputs(kernel(KernelType::torch, {x, n})).empty());
}

TEST_CASE("outputs with the same keys pair by them") {
  const auto returned = [](const std::vector<std::string>& paths) {
    CallPlan plan;
    std::vector<schemas::OutputShape> shapes;
    shapes.reserve(paths.size());
    for (const std::string& path : paths)
      shapes.push_back({Dtype::float32, {path == "['a']" ? 2 : 3}, {1}, path});
    set_outputs(plan, shapes);
    return plan;
  };
  const CallPlan reference = returned({"['a']", "['b']", "['c']"});
  CallPlan candidate = returned({"['b']", "['c']", "['a']"});
  CHECK(pair_by_key(reference, candidate).empty());
  demand_same_outputs(reference.outputs, candidate.outputs);
  CHECK(candidate.outputs.tensors()[0].name == "output['a']");
  // In the order in which the call returns them; each where the reference's of its key lies.
  const auto bindings = output_bindings(candidate);
  CHECK(bindings[0].tensor.offset == candidate.outputs.tensors()[1].offset);
  CHECK(bindings[2].tensor.offset == candidate.outputs.tensors()[0].offset);

  CallPlan other = returned({"['b']", "['c']", "['d']"});
  CHECK(pair_by_key(reference, other).find("alone are ['a'], the candidate's alone ['d']") !=
        std::string::npos);
  CHECK(other.returned_at.empty());
  CallPlan tuple = returned({"[0]", "[1]", "[2]"}), none = returned({"", "", ""});
  CHECK(pair_by_key(reference, tuple).empty());
  CHECK(pair_by_key(reference, none).empty());
  CHECK(tuple.outputs.tensors()[0].name == "output[0]");
}
