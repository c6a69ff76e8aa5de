// SPDX-License-Identifier: Apache-2.0
#include "schemas/worker_message.h"

#include <algorithm>
#include <limits>

namespace assay::schemas {
namespace {

const std::vector<std::string> kRoleNames = {"inputs", "reference", "candidate"};
const std::vector<std::string> kKindNames = {"none", "tensor", "int",   "float", "bool",
                                             "str",  "list",   "tuple", "dict"};
const std::vector<std::string> kArgRoleNames = {"input", "output", "inout"};
const std::vector<std::string> kArenaNames = {"input", "output"};
const std::vector<std::string> kErrorKindNames = {
    "syntax", "import", "contract", "exception", "cuda", "out_of_memory", "protocol", "extension"};
constexpr std::size_t kMaxErrorBytes = 16384;
constexpr std::size_t kMaxStringBytes = 65536;
constexpr std::size_t kMaxPathBytes = 1024;

Error violation(const Diagnostics& diagnostics) {
  Error error = malformed(diagnostics);
  error.code = ErrorCode::protocol_violation;
  return error;
}

std::vector<std::int64_t> read_sizes(ObjectReader& reader, const char* key) {
  std::vector<std::int64_t> sizes;
  reader.each(key, kMaxTensorRank, true, [&](const Json& size, const std::string& at) {
    if (size.is_number_integer() &&
        !(size.is_number_unsigned() &&
          size.get<std::uint64_t>() > static_cast<std::uint64_t>(kNoLimit)))
      sizes.push_back(size.get<std::int64_t>());
    else
      reader.diagnostics().errors.push_back({at, "must be an integer, got " + shown_value(size)});
  });
  return sizes;
}

Dtype read_dtype(ObjectReader& reader) {
  const auto dtype = reader.required_word("dtype", dtype_names());
  return dtype ? static_cast<Dtype>(*dtype) : Dtype::float32;
}

ScalarValue read_scalar(ObjectReader& reader, Value::Kind kind) {
  switch (kind) {
    case Value::Kind::integer:
      if (const auto value =
              reader.optional_int("value", std::numeric_limits<std::int64_t>::min(), kNoLimit))
        return *value;
      break;
    case Value::Kind::floating: {
      const Json* value = reader.raw("value");
      if (value != nullptr && value->is_string()) {
        const std::string word = value->get<std::string>();
        if (word == "NaN") return std::numeric_limits<double>::quiet_NaN();
        if (word == "Infinity") return std::numeric_limits<double>::infinity();
        if (word == "-Infinity") return -std::numeric_limits<double>::infinity();
      }
      if (const auto number = reader.optional_number("value")) return *number;
      break;
    }
    case Value::Kind::boolean:
      if (const auto value = reader.optional_bool("value")) return *value;
      break;
    case Value::Kind::string:
      if (const auto value = reader.optional_string("value", kMaxStringBytes)) return *value;
      break;
    default: return {};
  }
  reader.error("value", "is required and must fit \"kind\"");
  return {};
}

Json scalar_json(const ScalarValue& scalar) {
  if (const double* number = std::get_if<double>(&scalar)) {
    if (*number != *number) return "NaN";
    if (*number == std::numeric_limits<double>::infinity()) return "Infinity";
    if (*number == -std::numeric_limits<double>::infinity()) return "-Infinity";
  }
  return to_json(scalar);
}

bool is_scalar(Value::Kind kind) {
  return kind == Value::Kind::integer || kind == Value::Kind::floating ||
         kind == Value::Kind::boolean || kind == Value::Kind::string;
}

// Value and Binding nest alike; `Node` is either, `leaf` writes or reads its tensor.
template <typename Node, typename Leaf>
Json nest_json(const Node& node, const Leaf& leaf) {
  Json json = {{"kind", kKindNames[static_cast<std::size_t>(node.kind)]}};
  if (node.kind == Value::Kind::tensor) leaf(node, json);
  if (is_scalar(node.kind)) json["value"] = scalar_json(node.scalar);
  if (node.kind == Value::Kind::list || node.kind == Value::Kind::tuple ||
      node.kind == Value::Kind::dict) {
    Json items = Json::array();
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      Json item = nest_json(node.items[i], leaf);
      items.push_back(node.kind == Value::Kind::dict ? Json::array({node.keys[i], std::move(item)})
                                                     : std::move(item));
    }
    json["items"] = std::move(items);
  }
  return json;
}

template <typename Node, typename Leaf>
Node read_nest(const Json& json, const std::string& path, int depth, std::size_t& left,
               Diagnostics& diagnostics, const Leaf& leaf) {
  Node node;
  if (depth > kMaxValueDepth || left == 0) {
    diagnostics.errors.push_back({path, "nests too deep or holds too many values"});
    return node;
  }
  --left;
  ObjectReader reader(json, path, diagnostics);
  const auto kind = reader.required_word("kind", kKindNames);
  if (!kind) return node;
  node.kind = static_cast<Value::Kind>(*kind);
  if (node.kind == Value::Kind::tensor) leaf(reader, node);
  if (is_scalar(node.kind)) node.scalar = read_scalar(reader, node.kind);
  const bool is_dict = node.kind == Value::Kind::dict;
  if (is_dict || node.kind == Value::Kind::list || node.kind == Value::Kind::tuple) {
    reader.each("items", kMaxValues, true, [&](const Json& item, const std::string& at) {
      if (!is_dict) {
        node.items.push_back(read_nest<Node>(item, at, depth + 1, left, diagnostics, leaf));
      } else if (item.is_array() && item.size() == 2 && item[0].is_string()) {
        node.keys.push_back(item[0].template get<std::string>());
        node.items.push_back(read_nest<Node>(item[1], at, depth + 1, left, diagnostics, leaf));
      } else {
        diagnostics.errors.push_back({at, "must be a [key, value] pair"});
      }
    });
  }
  return node;
}

}  // namespace

std::string doing_text(const std::string& at) {
  if (at == "load") return "while its source was loaded";
  if (at == "draw") return "in get_inputs()";
  if (at == "init_inputs") return "in get_init_inputs()";
  if (at == "bind") return "when its arguments were bound";
  if (at == "get_weights" || at == "set_weights") return "when its weights were copied";
  return at.empty() ? "at work" : "at \"" + at + "\"";
}

const std::string& runner_role_name(RunnerRole role) {
  return kRoleNames[static_cast<std::size_t>(role)];
}

std::optional<RunnerRole> runner_role_from_name(const std::string& name) {
  const auto found = std::find(kRoleNames.begin(), kRoleNames.end(), name);
  if (found == kRoleNames.end()) return std::nullopt;
  return static_cast<RunnerRole>(found - kRoleNames.begin());
}

Json to_json(const Value& value) {
  return nest_json(value, [](const Value& node, Json& json) {
    json["dtype"] = dtype_name(node.tensor.dtype);
    json["shape"] = node.tensor.shape;
    json["offset"] = node.tensor.offset;
    json["bytes"] = node.tensor.bytes;
  });
}

Result<std::vector<Value>> read_values(const Json& json, std::int64_t buffer_bytes) {
  Diagnostics diagnostics;
  std::vector<Value> values;
  if (!json.is_array() || json.size() > kMaxValues) {
    diagnostics.errors.push_back(
        {"values", "must be an array of at most 4096, got " + shown_value(json)});
    return violation(diagnostics);
  }
  std::size_t left = kMaxValues;
  const auto leaf = [buffer_bytes](ObjectReader& reader, Value& node) {
    node.tensor.dtype = read_dtype(reader);
    node.tensor.shape = read_sizes(reader, "shape");
    node.tensor.offset = reader.int_or("offset", 0, 0, kNoLimit);
    node.tensor.bytes = reader.int_or("bytes", 0, 0, kNoLimit);
    const auto count = element_count(node.tensor.shape);
    const std::int64_t size = dtype_bytes(node.tensor.dtype);
    if (!count || *count > kNoLimit / size || *count * size != node.tensor.bytes)
      reader.error("bytes", "does not fit shape and dtype");
    else if (node.tensor.offset > buffer_bytes ||
             node.tensor.bytes > buffer_bytes - node.tensor.offset)
      reader.error("offset", "lies outside the buffer");
  };
  for (std::size_t i = 0; i < json.size(); ++i)
    values.push_back(
        read_nest<Value>(json[i], "values[" + std::to_string(i) + "]", 0, left, diagnostics, leaf));
  if (!diagnostics.errors.empty()) return violation(diagnostics);
  return values;
}

Json to_json(const Binding& binding) {
  return nest_json(binding, [](const Binding& node, Json& json) {
    json["role"] = kArgRoleNames[static_cast<std::size_t>(node.tensor.role)];
    json["dtype"] = dtype_name(node.tensor.dtype);
    json["shape"] = node.tensor.shape;
    json["arena"] = kArenaNames[node.tensor.in_output_arena ? 1 : 0];
    json["offset"] = node.tensor.offset;
    json["stride"] = node.tensor.stride;
  });
}

Result<Binding> read_binding(const Json& json) {
  Diagnostics diagnostics;
  std::size_t left = kMaxValues;
  Binding binding = read_nest<Binding>(
      json, "binding", 0, left, diagnostics, [](ObjectReader& reader, Binding& node) {
        if (const auto role = reader.required_word("role", kArgRoleNames))
          node.tensor.role = static_cast<ArgRole>(*role);
        node.tensor.dtype = read_dtype(reader);
        node.tensor.shape = read_sizes(reader, "shape");
        node.tensor.in_output_arena = reader.required_word("arena", kArenaNames).value_or(0) == 1;
        node.tensor.offset = reader.int_or("offset", 0, 0, kNoLimit);
        node.tensor.stride = reader.int_or("stride", 0, 0, kNoLimit);
      });
  if (!diagnostics.errors.empty()) return violation(diagnostics);
  return binding;
}

Json to_json(const OutputShape& shape) {
  return {{"dtype", dtype_name(shape.dtype)}, {"shape", shape.shape}, {"strides", shape.strides}};
}

Result<std::vector<OutputShape>> read_output_shapes(const Json& json) {
  Diagnostics diagnostics;
  std::vector<OutputShape> shapes;
  if (!json.is_array() || json.size() > kMaxArguments) {
    diagnostics.errors.push_back(
        {"outputs", "must be an array of at most 256, got " + shown_value(json)});
    return violation(diagnostics);
  }
  for (std::size_t i = 0; i < json.size(); ++i) {
    ObjectReader reader(json[i], "outputs[" + std::to_string(i) + "]", diagnostics);
    OutputShape shape;
    shape.dtype = read_dtype(reader);
    shape.shape = read_sizes(reader, "shape");
    shape.strides = read_sizes(reader, "strides");
    shape.path = reader.optional_string("path", kMaxPathBytes).value_or("");
    if (!element_count(shape.shape)) reader.error("shape", "is not a shape");
    if (shape.strides.size() != shape.shape.size())
      reader.error("strides", "must be as long as shape");
    shapes.push_back(std::move(shape));
  }
  if (!diagnostics.errors.empty()) return violation(diagnostics);
  return shapes;
}

const std::string& runner_error_kind_name(RunnerErrorKind kind) {
  return kErrorKindNames[static_cast<std::size_t>(kind)];
}

Json to_json(const RunnerError& error) {
  return {{"kind", runner_error_kind_name(error.kind)},
          {"type", error.type},
          {"message", error.message},
          {"traceback", error.traceback}};
}

RunnerError read_runner_error(const Json& answer) {
  RunnerError error;
  const auto found = answer.is_object() ? answer.find("error") : answer.end();
  if (found == answer.end() || !found->is_object()) {
    error.message = "the runner's answer has no error object";
    return error;
  }
  const auto text = [&](const char* key) -> std::string {
    const auto field = found->find(key);
    if (field == found->end() || !field->is_string()) return "";
    return field->get<std::string>().substr(0, kMaxErrorBytes);
  };
  const std::string kind = text("kind");
  const auto known = std::find(kErrorKindNames.begin(), kErrorKindNames.end(), kind);
  if (known != kErrorKindNames.end())
    error.kind = static_cast<RunnerErrorKind>(known - kErrorKindNames.begin());
  error.type = text("type");
  error.message = text("message");
  error.traceback = text("traceback");
  if (error.kind == RunnerErrorKind::extension) {
    const auto call = found->find("call");
    if (call != found->end() && call->is_object()) error.call = *call;
  }
  return error;
}

}  // namespace assay::schemas
