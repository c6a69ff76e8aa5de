// SPDX-License-Identifier: Apache-2.0
#include "schemas/io_contract.h"

#include <algorithm>
#include <limits>

#include "schemas/init_check.h"
#include "schemas/tensor_bytes.h"

namespace assay::schemas {
namespace {

const std::vector<std::string> kDtypeNames = {"float32", "float64", "float16", "bfloat16", "int32",
                                              "int64",   "int8",    "uint8",   "bool"};
const std::vector<std::string> kInitNames = {"randn", "uniform", "zeros", "ones", "full", "arange"};
const std::vector<std::string> kArgTypeNames = {"tensor", "int", "float", "bool", "str"};
const std::vector<std::string> kRoleNames = {"input", "output", "inout"};
const std::vector<std::string> kCompressNames = {"none", "zlib"};

constexpr std::int64_t kMaxElements = std::int64_t{1} << 62;
constexpr std::int64_t kMaxGrid = 2147483647;
constexpr std::size_t kShownDataBytes = 128;  // more than shown_value shows
constexpr std::size_t kMaxNameBytes = 256;
constexpr std::size_t kMaxStringArgumentBytes = 65536;

std::vector<std::int64_t> read_shape(ObjectReader& reader) {
  std::vector<std::int64_t> shape;
  reader.each("shape", kMaxTensorRank, true, [&](const Json& size, const std::string& path) {
    if (size.is_number_integer() && size.get<std::int64_t>() >= 0 &&
        !(size.is_number_unsigned() && size.get<std::uint64_t>() > std::uint64_t{1} << 62U))
      shape.push_back(size.get<std::int64_t>());
    else
      reader.diagnostics().errors.push_back(
          {path, "must be a size of 0 or more elements, got " + shown_value(size)});
  });
  if (!element_count(shape))
    reader.error("shape", shape_text(shape) + " has too many elements; at most 2^62 are allowed");
  return shape;
}

bool is_int64(const Json& value) {
  return value.is_number_integer() &&
         !(value.is_number_unsigned() &&
           value.get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max());
}

Init read_init(const Json& json, const std::string& path, Diagnostics& diagnostics) {
  ObjectReader reader(json, path, diagnostics);
  Init init;
  if (const auto kind = reader.required_word("kind", kInitNames))
    init.kind = static_cast<InitKind>(*kind);
  if (const auto seed = reader.optional_int("seed", 0, std::numeric_limits<std::int64_t>::max()))
    init.seed = static_cast<std::uint64_t>(*seed);
  init.mean = reader.optional_number("mean").value_or(0);
  init.std = reader.optional_number("std", 0).value_or(1);
  init.low = reader.optional_number("low").value_or(0);
  init.high = reader.optional_number("high").value_or(1);
  const auto fill = reader.optional_number("fill_value");
  init.start = reader.optional_number("start").value_or(0);
  init.step = reader.optional_number("step").value_or(1);
  if (init.kind == InitKind::full && !fill)
    reader.error("fill_value", "is required for kind \"full\"");
  init.fill_value = fill.value_or(0);
  if (const Json* exact = reader.raw("fill_value"); exact != nullptr && is_int64(*exact))
    init.fill_whole = exact->get<std::int64_t>();
  if (init.kind == InitKind::uniform && init.low > init.high)
    reader.error("low", "must not be above \"high\"");
  reader.finish();
  return init;
}

TensorData read_data(const Json& json, const std::string& path, const TensorSpec& spec,
                     Diagnostics& diagnostics) {
  ObjectReader reader(json, path, diagnostics);
  TensorData data;
  data.data_b64 = reader.required_string("data_b64", kMaxTransferredBytes * 2);
  data.zlib = reader.optional_word("compress", kCompressNames).value_or(0) == 1;
  data.shape = reader.has("shape") ? read_shape(reader) : spec.shape;
  const auto dtype = reader.optional_word("dtype", kDtypeNames);
  data.dtype = dtype ? static_cast<Dtype>(*dtype) : spec.dtype;
  if (data.shape != spec.shape)
    reader.error("shape",
                 shape_text(data.shape) + " differs from the tensor's " + shape_text(spec.shape));
  if (data.dtype != spec.dtype)
    reader.error("dtype",
                 dtype_name(data.dtype) + " differs from the tensor's " + dtype_name(spec.dtype));
  reader.finish();
  return data;
}

// Values that cannot be what shape and dtype say are the caller's mistake, not the kernel's.
void check_values(const TensorData& data, const std::string& path, Diagnostics& diagnostics) {
  if (const auto bytes = decode_tensor_data(data); !bytes)
    diagnostics.errors.push_back({path, bytes.error().message + ", got " +
                                            shown_value(data.data_b64.substr(0, kShownDataBytes))});
}

TensorSpec read_tensor(const Json& json, const std::string& path, Diagnostics& diagnostics) {
  const std::size_t errors_before = diagnostics.errors.size();
  ObjectReader reader(json, path, diagnostics);
  TensorSpec spec;
  spec.shape = read_shape(reader);
  if (const auto dtype = reader.optional_word("dtype", kDtypeNames))
    spec.dtype = static_cast<Dtype>(*dtype);
  if (const Json* init = reader.raw("init"))
    spec.init = read_init(*init, reader.path_of("init"), diagnostics);
  if (const Json* data = reader.raw("data"))
    spec.data = read_data(*data, reader.path_of("data"), spec, diagnostics);
  if (spec.init && diagnostics.errors.size() == errors_before)
    check_init(spec, reader.path_of("init"), diagnostics);
  if (spec.data && diagnostics.errors.size() == errors_before)
    check_values(*spec.data, reader.path_of("data.data_b64"), diagnostics);
  reader.finish();
  return spec;
}

ScalarValue read_scalar(ObjectReader& reader, ArgType type) {
  const Json* value = reader.raw("value");
  if (value == nullptr) {
    reader.error("value", "is required for a scalar argument");
    return {};
  }
  switch (type) {
    case ArgType::integer:
      if (const auto number = reader.optional_int("value", std::numeric_limits<std::int64_t>::min(),
                                                  std::numeric_limits<std::int64_t>::max()))
        return *number;
      return {};
    case ArgType::floating:
      if (const auto number = reader.optional_number("value")) return *number;
      return {};
    case ArgType::boolean:
      if (const auto flag = reader.optional_bool("value")) return *flag;
      return {};
    case ArgType::string:
      if (auto text = reader.optional_string("value", kMaxStringArgumentBytes)) return *text;
      return {};
    case ArgType::tensor: return {};
  }
  return {};
}

ArgSpec read_arg(const Json& json, const std::string& path, Diagnostics& diagnostics) {
  ObjectReader reader(json, path, diagnostics);
  ArgSpec arg;
  arg.name = reader.required_string("name", kMaxNameBytes);
  if (const Json* name = reader.raw("name"); name != nullptr && *name == Json(""))
    reader.error("name", "must not be empty");
  if (const auto type = reader.required_word("type", kArgTypeNames))
    arg.type = static_cast<ArgType>(*type);
  if (const auto role = reader.optional_word("role", kRoleNames))
    arg.role = static_cast<ArgRole>(*role);
  arg.is_meta = reader.bool_or("is_meta", false);
  const Json* tensor = reader.raw("tensor_spec");
  if (arg.type == ArgType::tensor) {
    reader.raw("value");
    if (tensor == nullptr)
      reader.error("tensor_spec", "is required for a tensor argument");
    else
      arg.tensor = read_tensor(*tensor, reader.path_of("tensor_spec"), diagnostics);
    if (arg.is_meta) reader.error("is_meta", "a tensor cannot be a compile-time constant");
  } else {
    arg.value = read_scalar(reader, arg.type);
    if (arg.role != ArgRole::input) reader.error("role", "a scalar can only be an input");
  }
  reader.finish();
  return arg;
}

// The wire writes a dimension triple as {"x","y","z"} or as an array of one to three sizes.
Dim3 read_dim3(const Json& json, const std::string& path, Diagnostics& diagnostics) {
  Dim3 dims;
  if (json.is_array() && !json.empty() && json.size() <= 3) {
    std::int64_t* const fields[] = {&dims.x, &dims.y, &dims.z};
    for (std::size_t i = 0; i < json.size(); ++i) {
      if (json[i].is_number_integer() && json[i].get<std::int64_t>() >= 1 &&
          json[i].get<std::int64_t>() <= kMaxGrid)
        *fields[i] = json[i].get<std::int64_t>();
      else
        diagnostics.errors.push_back(
            {path + "[" + std::to_string(i) + "]",
             "must be an integer from 1 to 2147483647, got " + shown_value(json[i])});
    }
    return dims;
  }
  ObjectReader reader(json, path, diagnostics);
  dims.x = reader.int_or("x", 1, 1, kMaxGrid);
  dims.y = reader.int_or("y", 1, 1, kMaxGrid);
  dims.z = reader.int_or("z", 1, 1, kMaxGrid);
  reader.finish();
  return dims;
}

Json to_json(const Dim3& dims) {
  return {{"x", dims.x}, {"y", dims.y}, {"z", dims.z}};
}

Json to_json(const Init& init) {
  Json json = {{"kind", kInitNames[static_cast<std::size_t>(init.kind)]}};
  if (init.seed) json["seed"] = *init.seed;
  switch (init.kind) {
    case InitKind::randn: json["mean"] = init.mean, json["std"] = init.std; break;
    case InitKind::uniform: json["low"] = init.low, json["high"] = init.high; break;
    case InitKind::full:
      json["fill_value"] = init.fill_whole ? Json(*init.fill_whole) : Json(init.fill_value);
      break;
    case InitKind::arange: json["start"] = init.start, json["step"] = init.step; break;
    case InitKind::zeros:
    case InitKind::ones: break;
  }
  return json;
}

Json to_json(const TensorSpec& spec) {
  Json json = {{"shape", spec.shape}, {"dtype", dtype_name(spec.dtype)}};
  if (spec.init) json["init"] = to_json(*spec.init);
  if (spec.data)
    json["data"] = {{"data_b64", spec.data->data_b64},
                    {"compress", kCompressNames[spec.data->zlib ? 1 : 0]},
                    {"shape", spec.data->shape},
                    {"dtype", dtype_name(spec.data->dtype)}};
  return json;
}

}  // namespace

const std::vector<std::string>& dtype_names() {
  return kDtypeNames;
}
const std::string& dtype_name(Dtype dtype) {
  return kDtypeNames[static_cast<std::size_t>(dtype)];
}

std::optional<Dtype> dtype_from_name(const std::string& name) {
  const auto found = std::find(kDtypeNames.begin(), kDtypeNames.end(), name);
  if (found == kDtypeNames.end()) return std::nullopt;
  return static_cast<Dtype>(found - kDtypeNames.begin());
}

std::int64_t dtype_bytes(Dtype dtype) {
  switch (dtype) {
    case Dtype::float64:
    case Dtype::int64: return 8;
    case Dtype::float32:
    case Dtype::int32: return 4;
    case Dtype::float16:
    case Dtype::bfloat16: return 2;
    case Dtype::int8:
    case Dtype::uint8:
    case Dtype::boolean: return 1;
  }
  return 1;
}

bool is_floating(Dtype dtype) {
  return dtype == Dtype::float32 || dtype == Dtype::float64 || dtype == Dtype::float16 ||
         dtype == Dtype::bfloat16;
}

std::optional<std::int64_t> element_count(const std::vector<std::int64_t>& shape) {
  std::int64_t count = 1;
  bool empty = false;
  for (const std::int64_t size : shape) {
    if (size < 0) return std::nullopt;
    if (size == 0)
      empty = true;
    else if (count > kMaxElements / size)
      return std::nullopt;
    else
      count *= size;
  }
  return empty ? 0 : count;
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

IoContract read_io_contract(const Json& json, const std::string& path, Diagnostics& diagnostics) {
  ObjectReader reader(json, path, diagnostics);
  IoContract contract;
  reader.each("args", kMaxArguments, true, [&](const Json& arg, const std::string& arg_path) {
    contract.args.push_back(read_arg(arg, arg_path, diagnostics));
  });
  for (std::size_t i = 0; i < contract.args.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (!contract.args[i].name.empty() && contract.args[i].name == contract.args[j].name)
        reader.error("args", "two arguments are named " + shown_value(contract.args[i].name));
  if (const Json* launch = reader.raw("launch"))
    contract.launch = read_launch(*launch, reader.path_of("launch"), diagnostics);
  reader.finish();
  return contract;
}

LaunchConfig read_launch(const Json& json, const std::string& path, Diagnostics& diagnostics) {
  ObjectReader reader(json, path, diagnostics);
  LaunchConfig launch;
  if (const Json* grid = reader.raw("grid"))
    launch.grid = read_dim3(*grid, reader.path_of("grid"), diagnostics);
  if (const Json* block = reader.raw("block"))
    launch.block = read_dim3(*block, reader.path_of("block"), diagnostics);
  launch.num_warps = reader.optional_int("num_warps", 1, 64);
  launch.num_stages = reader.optional_int("num_stages", 1, 64);
  launch.shared_memory_bytes = reader.int_or("shared_mem", 0, 0, 1 << 20);
  if (launch.block && (launch.block->x > 1024 || launch.block->y > 1024 || launch.block->z > 64 ||
                       launch.block->x * launch.block->y * launch.block->z > 1024))
    reader.error("block",
                 "has more than the 1024 threads (z at most 64) that a CUDA block may have");
  if (launch.grid && (launch.grid->y > 65535 || launch.grid->z > 65535))
    reader.error("grid", "y and z must be at most 65535");
  reader.finish();
  return launch;
}

Json to_json(const ScalarValue& value) {
  return std::visit(
      [](const auto& held) -> Json {
        if constexpr (std::is_same_v<std::decay_t<decltype(held)>, std::monostate>)
          return nullptr;
        else
          return held;
      },
      value);
}

Json to_json(const IoContract& contract) {
  Json args = Json::array();
  for (const auto& arg : contract.args) {
    Json json = {{"name", arg.name},
                 {"type", kArgTypeNames[static_cast<std::size_t>(arg.type)]},
                 {"role", kRoleNames[static_cast<std::size_t>(arg.role)]}};
    if (arg.is_meta) json["is_meta"] = true;
    if (arg.tensor)
      json["tensor_spec"] = to_json(*arg.tensor);
    else
      json["value"] = to_json(arg.value);
    args.push_back(std::move(json));
  }
  Json json = {{"args", std::move(args)}};
  if (contract.launch) {
    Json launch = Json::object();
    if (contract.launch->grid) launch["grid"] = to_json(*contract.launch->grid);
    if (contract.launch->block) launch["block"] = to_json(*contract.launch->block);
    if (contract.launch->num_warps) launch["num_warps"] = *contract.launch->num_warps;
    if (contract.launch->num_stages) launch["num_stages"] = *contract.launch->num_stages;
    if (contract.launch->shared_memory_bytes > 0)
      launch["shared_mem"] = contract.launch->shared_memory_bytes;
    json["launch"] = std::move(launch);
  }
  return json;
}

std::int64_t contract_bytes(const IoContract& contract) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  std::int64_t total = 0;
  for (const auto& arg : contract.args) {
    if (!arg.tensor) continue;
    const auto count = element_count(arg.tensor->shape);
    const std::int64_t size = dtype_bytes(arg.tensor->dtype);
    if (!count || *count > (kMost - total) / size) return kMost;
    total += *count * size;
  }
  return total;
}

}  // namespace assay::schemas
