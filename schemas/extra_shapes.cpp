// SPDX-License-Identifier: Apache-2.0
#include "schemas/extra_shapes.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace assay::schemas {
namespace {

constexpr std::size_t kMaxStringBytes = 65536;

std::optional<std::vector<std::int64_t>> shape_in(const Json& value) {
  if (!value.is_array() || value.size() > kMaxTensorRank) return std::nullopt;
  std::vector<std::int64_t> shape;
  for (const Json& size : value) {
    if (!size.is_number_integer() || size.get<double>() < 0 || size.get<double>() > 0x1p62)
      return std::nullopt;
    shape.push_back(size.get<std::int64_t>());
  }
  return element_count(shape) ? std::optional(shape) : std::nullopt;
}

void substitute_tensor(TensorSpec& tensor, const std::string& name, ObjectReader& args) {
  const Json& value = *args.raw(name);
  const auto shape = shape_in(value);
  if (!shape)
    args.error(name, "must be a shape: at most 16 sizes of 0 or more elements, 2^62 in all; got " +
                         shown_value(value));
  else if (tensor.data)
    args.error(name, "its values are given as data, which has one shape only; use init");
  else
    tensor.shape = *shape;
}

void substitute_scalar(ArgSpec& argument, ObjectReader& args) {
  constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  const auto take = [&argument](auto value) {
    if (value) argument.value = std::move(*value);
  };
  switch (argument.type) {
    case ArgType::integer: take(args.optional_int(argument.name, least, most)); break;
    case ArgType::floating: take(args.optional_number(argument.name)); break;
    case ArgType::boolean: take(args.optional_bool(argument.name)); break;
    case ArgType::string: take(args.optional_string(argument.name, kMaxStringBytes)); break;
    case ArgType::tensor: break;
  }
}

void substitute_arguments(IoContract& contract, ObjectReader& args) {
  for (ArgSpec& argument : contract.args) {
    if (!args.has(argument.name)) continue;
    if (argument.tensor)
      substitute_tensor(*argument.tensor, argument.name, args);
    else
      substitute_scalar(argument, args);
  }
}

// A torch function's outputs follow its inputs: those that the substitution does not name have
// shapes that nobody told, and a contract without outputs says nothing about what is returned.
void forget_outputs(Kernel& kernel, const Json& given) {
  if (kernel.type != KernelType::torch && kernel.type != KernelType::torch_cuda) return;
  std::vector<ArgSpec>& args = kernel.io->args;
  const auto has_role = [&args](ArgRole role, auto&& also) {
    return std::any_of(args.begin(), args.end(), [&](const ArgSpec& argument) {
      return argument.role == role && also(argument);
    });
  };
  const auto any = [](const ArgSpec&) { return true; };
  const auto unnamed = [&](const ArgSpec& argument) { return !given.contains(argument.name); };
  if (!has_role(ArgRole::output, unnamed) || has_role(ArgRole::inout, any)) return;
  std::erase_if(args, [](const ArgSpec& argument) { return argument.role == ArgRole::output; });
}

void substitute_launch(IoContract& contract, ObjectReader& reader, const char* key) {
  const Json* json = reader.raw(key);
  if (json == nullptr) return;
  const LaunchConfig given = read_launch(*json, reader.path_of(key), reader.diagnostics());
  if (!contract.launch) contract.launch.emplace();
  LaunchConfig& launch = *contract.launch;
  if (given.grid) launch.grid = given.grid;
  if (given.block) launch.block = given.block;
  if (given.num_warps) launch.num_warps = given.num_warps;
  if (given.num_stages) launch.num_stages = given.num_stages;
  if (json->contains("shared_mem")) launch.shared_memory_bytes = given.shared_memory_bytes;
}

bool names(const std::optional<IoContract>& contract, const std::string& name) {
  return contract && std::any_of(contract->args.begin(), contract->args.end(),
                                 [&](const ArgSpec& argument) { return argument.name == name; });
}

// What is wrong with the substitution is said once, though both contracts may name the argument.
void substitute(Kernel& candidate, std::optional<Kernel>& reference, const Json& substitution,
                const std::string& path, Diagnostics& diagnostics) {
  ObjectReader reader(substitution, path, diagnostics);
  const std::optional<IoContract> none;
  const Json* const given = reader.raw("args");
  if (given == nullptr) {
    reader.error("args", "is required: {argument: shape or value}");
  } else if (!given->is_object() || given->empty()) {
    reader.error("args", "must name at least one argument, got " + shown_value(*given));
  } else {
    for (const auto& [name, value] : given->items())
      if (!names(candidate.io, name) && !names(reference ? reference->io : none, name))
        reader.error("args." + name, "no contract has an argument '" + name + "'");
    Diagnostics of_candidate, of_reference;
    if (candidate.io) {
      ObjectReader args(*given, reader.path_of("args"), of_candidate);
      substitute_arguments(*candidate.io, args);
      forget_outputs(candidate, *given);
    }
    if (reference && reference->io) {
      ObjectReader args(*given, reader.path_of("args"), of_reference);
      substitute_arguments(*reference->io, args);
      forget_outputs(*reference, *given);
    }
    const auto& errors = of_candidate.errors.empty() ? of_reference.errors : of_candidate.errors;
    diagnostics.errors.insert(diagnostics.errors.end(), errors.begin(), errors.end());
  }
  if (candidate.io)
    substitute_launch(*candidate.io, reader, "launch");
  else if (reader.has("launch"))
    reader.error("launch", "the kernel has no IO contract whose launch it could change");
  if (reference && reference->io)
    substitute_launch(*reference->io, reader, "ref_launch");
  else if (reader.has("ref_launch"))
    reader.error("ref_launch", "there is no reference with an IO contract");
  reader.finish();
}

}  // namespace

void read_extra_shapes(ObjectReader& reader, WorkRequest& work) {
  std::vector<Json> read;
  std::vector<std::string> paths;
  reader.each("extra_shapes", kMaxExtraShapes, false, [&](const Json& item, const std::string& at) {
    read.push_back(item);
    paths.push_back(at);
  });
  if (read.empty()) return;
  const Kernel& owner = work.reference ? *work.reference : work.candidate;
  if (!owner.io) {
    reader.error("extra_shapes",
                 "needs an IO contract that makes the inputs (of the reference, where there is "
                 "one); the answer to a request without one holds it as io_contract");
    return;
  }
  for (std::size_t i = 0; i < read.size(); ++i) {
    Kernel candidate = work.candidate;
    std::optional<Kernel> reference = work.reference;
    substitute(candidate, reference, read[i], paths[i], reader.diagnostics());
  }
  work.extra_shapes = std::move(read);
}

WorkRequest with_extra_shape(const WorkRequest& work, std::size_t index) {
  WorkRequest changed = work;
  changed.extra_shapes.clear();
  changed.warnings.clear();
  changed.timed = false;
  Diagnostics checked_before;
  substitute(changed.candidate, changed.reference, work.extra_shapes.at(index), "", checked_before);
  return changed;
}

}  // namespace assay::schemas
