// SPDX-License-Identifier: Apache-2.0
// Messages between executor, judge, runners and compilers (docs/workers.md). What a runner or
// compiler sends is hostile input: the readers here check types, ranges and sizes and report a
// protocol error otherwise.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "schemas/evaluation.h"
#include "schemas/job.h"

namespace assay::schemas {

inline constexpr std::int64_t kWorkerProtocolVersion = 1;
inline constexpr std::size_t kMaxUntrustedFrameBytes = std::size_t{4} << 20;
inline constexpr std::size_t kMaxTrustedFrameBytes = std::size_t{192} << 20;
inline constexpr int kMaxValueDepth = 16;
inline constexpr std::size_t kMaxValues = 4096;

enum class RunnerRole { inputs, reference, candidate };
const std::string& runner_role_name(RunnerRole role);
std::optional<RunnerRole> runner_role_from_name(const std::string& name);
// When something happened, by the request that a runner was at ("load"): "while its source was
// loaded".
std::string doing_text(const std::string& at);

// A tensor as bytes somewhere: offset and length in a memfd, contiguous.
struct TensorValue {
  Dtype dtype = Dtype::float32;
  std::vector<std::int64_t> shape;
  std::int64_t offset = 0;
  std::int64_t bytes = 0;
};

// A value that crosses the runner's border: a tensor, a scalar, none, or a nest of them.
struct Value {
  enum class Kind {
    none,
    tensor,
    integer,
    floating,
    boolean,
    string,
    list,
    tuple,
    dict
  } kind = Kind::none;
  TensorValue tensor;
  ScalarValue scalar;
  std::vector<Value> items;       // list, tuple, and a dict's values
  std::vector<std::string> keys;  // a dict's keys
};
Json to_json(const Value& value);
// `buffer_bytes` bounds every tensor; bytes must equal the shape's.
Result<std::vector<Value>> read_values(const Json& json, std::int64_t buffer_bytes);

// Where a tensor argument or output lies in an arena, for every slot.
struct TensorBinding {
  ArgRole role = ArgRole::input;
  Dtype dtype = Dtype::float32;
  std::vector<std::int64_t> shape;
  bool in_output_arena = false;
  std::int64_t offset = 0;  // bytes, of slot 0
  std::int64_t stride = 0;  // bytes from slot to slot
};
struct Binding {
  Value::Kind kind = Value::Kind::none;
  TensorBinding tensor;
  ScalarValue scalar;
  std::vector<Binding> items;
  std::vector<std::string> keys;
};
Json to_json(const Binding& binding);
Result<Binding> read_binding(const Json& json);

// A tensor as a call returned it.
struct OutputShape {
  Dtype dtype = Dtype::float32;
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;  // elements
  std::string path = {};              // in what the call returned: ['loss'][0]; may be empty
};
Result<std::vector<OutputShape>> read_output_shapes(const Json& json);
Json to_json(const OutputShape& shape);

enum class RunnerErrorKind {
  syntax,
  import,
  contract,
  exception,
  cuda,
  out_of_memory,
  protocol,
  extension  // a torch extension was asked for that nobody built
};
const std::string& runner_error_kind_name(RunnerErrorKind kind);
struct RunnerError {
  RunnerErrorKind kind = RunnerErrorKind::protocol;
  std::string type;  // "ValueError", "CUDA_ERROR_ILLEGAL_ADDRESS"
  std::string message;
  std::string traceback;  // of the submission's own frames
  Json call;              // of kind extension: what is to be built; null otherwise
};
Json to_json(const RunnerError& error);
// The error of an answer {"ok":false,"error":{…}}; strings are cut to 16 KiB.
RunnerError read_runner_error(const Json& answer);

}  // namespace assay::schemas
