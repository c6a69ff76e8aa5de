// SPDX-License-Identifier: Apache-2.0
// What a split extension tells the caller (engine/python/native/extension_caller.cpp) about its
// functions: plain data and one function pointer each. Both sides are compiled against this file by
// the same g++.
#pragma once

#include <cstddef>
#include <cstdint>

namespace assay_split {

// The types that the caller converts; a tuple or pair of tensors comes back as `tensor_tuple`.
enum class Type : std::uint8_t {
  nothing,
  tensor,
  optional_tensor,
  tensors,
  boolean,
  int32,
  uint32,
  int64,
  uint64,
  long_long,
  float32,
  float64,
  string,
  int64s,
  doubles,
  int_array,
  optional_int64,
  optional_double,
  optional_boolean,
  scalar_type,
  scalar,
  tensor_tuple,
};

struct Default {
  enum class Kind : std::uint8_t { absent, none, boolean, integer, floating, text };
  Kind kind = Kind::absent;
  std::int64_t integer = 0;
  double floating = 0;
  const char* text = nullptr;
};

struct Argument {
  const char* name = nullptr;
  Default value;
};

// All pointers are read while `add` runs, but for `state`, which lives on.
struct Function {
  const char* name = nullptr;
  const char* documentation = nullptr;
  bool torch_errors = false;  // torch::wrap_pybind_function
  bool releases_gil = false;
  const Type* types = nullptr;
  std::size_t type_count = 0;
  const Argument* arguments = nullptr;  // named ones: all or none
  std::size_t argument_count = 0;
  Type result = Type::nothing;
  void* state = nullptr;
  // `arguments` point to values of exactly those types; a result is constructed at `result`.
  void (*call)(void* state, void** arguments, void* result) = nullptr;
};

// The caller's side: where a module's functions go.
struct Registry {
  void* self = nullptr;
  void (*add)(void* self, const Function& function) = nullptr;
  void (*document)(void* self, const char* text) = nullptr;
};

}  // namespace assay_split
