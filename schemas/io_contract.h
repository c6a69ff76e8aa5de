// SPDX-License-Identifier: Apache-2.0
// The IO contract: what arguments a kernel takes, how tensors are made, how it is launched. Field
// names are the wire's. Shapes are row-major sizes in elements; a tensor is contiguous.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "schemas/json_reader.h"

namespace assay::schemas {

enum class Dtype { float32, float64, float16, bfloat16, int32, int64, int8, uint8, boolean };
const std::vector<std::string>& dtype_names();  // by enumerator; boolean is "bool"
const std::string& dtype_name(Dtype dtype);
std::optional<Dtype> dtype_from_name(const std::string& name);
std::int64_t dtype_bytes(Dtype dtype);
bool is_floating(Dtype dtype);

inline constexpr std::size_t kMaxTensorRank = 16;
inline constexpr std::size_t kMaxArguments = 256;
inline constexpr std::size_t kMaxTransferredBytes = std::size_t{64} << 20;

// Elements of a shape, or nothing when the product overflows 2^62.
std::optional<std::int64_t> element_count(const std::vector<std::int64_t>& shape);
std::string shape_text(const std::vector<std::int64_t>& shape);  // "[2, 3]"

enum class InitKind { randn, uniform, zeros, ones, full, arange };
// Values for a seed are those of torch's CPU generator on every device.
struct Init {
  InitKind kind = InitKind::randn;
  std::optional<std::uint64_t> seed;
  double mean = 0, std = 1;                // randn
  double low = 0, high = 1;                // uniform
  double fill_value = 0;                   // full
  std::optional<std::int64_t> fill_whole;  // it, exactly: a double holds whole numbers to 2^53
  double start = 0, step = 1;              // arange
};

// Transferred values: little-endian contiguous bytes, base64, optionally zlib-compressed.
struct TensorData {
  std::string data_b64;
  bool zlib = false;
  std::vector<std::int64_t> shape;
  Dtype dtype = Dtype::float32;
};

struct TensorSpec {
  std::vector<std::int64_t> shape;
  Dtype dtype = Dtype::float32;
  std::optional<Init> init;
  std::optional<TensorData> data;
};

enum class ArgType {
  tensor,
  integer,
  floating,
  boolean,
  string
};  // wire: tensor int float bool str
enum class ArgRole { input, output, inout };
using ScalarValue = std::variant<std::monostate, std::int64_t, double, bool, std::string>;

struct ArgSpec {
  std::string name;
  ArgType type = ArgType::tensor;
  ScalarValue value;                 // for scalars
  std::optional<TensorSpec> tensor;  // for tensors
  ArgRole role = ArgRole::input;
  bool is_meta = false;  // a Triton constexpr
};

struct Dim3 {
  std::int64_t x = 1, y = 1, z = 1;
};
struct LaunchConfig {
  std::optional<Dim3> grid;
  std::optional<Dim3> block;
  std::optional<std::int64_t> num_warps, num_stages;
  std::int64_t shared_memory_bytes = 0;  // dynamic; wire: launch.shared_mem, in bytes
};

struct IoContract {
  std::vector<ArgSpec> args;
  std::optional<LaunchConfig> launch;
};

IoContract read_io_contract(const Json& json, const std::string& path, Diagnostics& diagnostics);
LaunchConfig read_launch(const Json& json, const std::string& path, Diagnostics& diagnostics);
Json to_json(const IoContract& contract);
Json to_json(const ScalarValue& value);

// Bytes of all tensors of the contract together; saturates at INT64_MAX.
std::int64_t contract_bytes(const IoContract& contract);

}  // namespace assay::schemas
