// SPDX-License-Identifier: Apache-2.0
// What is submitted: source code, its type, its IO contract and metadata (wire name: KernelCode).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "schemas/io_contract.h"

namespace assay::schemas {

inline constexpr std::size_t kMaxSourceBytes = std::size_t{4} << 20;

enum class KernelType { torch, torch_cuda, triton, cuda, multi_kernel };
const std::vector<std::string>& kernel_type_names();
const std::string& kernel_type_name(KernelType type);

enum class CudaBackend { nvrtc, nvcc };

struct KernelMetadata {
  std::optional<std::string> function_name, class_name, method_name;  // torch, triton
  std::optional<std::string> kernel_name;                             // cuda, triton
  std::optional<std::string> entry_point;                             // multi_kernel
  std::vector<std::string> compiler_options;                          // cuda
  CudaBackend backend = CudaBackend::nvrtc;                           // cuda
  bool jitify = false;  // cuda; accepted, needs nothing
};

struct Kernel {
  std::string source_code;
  KernelType type = KernelType::torch;
  std::optional<IoContract> io;
  KernelMetadata metadata;
};

// Reads a KernelCode object. Checks what can be checked without compiling: a contract where the
// type needs one, an entry point for multi_kernel, a launch for cuda.
Kernel read_kernel(const Json& json, const std::string& path, Diagnostics& diagnostics);
// A source as it is kept: without the byte order mark that some editors put first. Python takes it
// in a file, not in a string.
std::string without_byte_order_mark(std::string source);
KernelMetadata read_metadata(const Json& json, const std::string& path, Diagnostics& diagnostics);
// The checks across fields of one kernel; `source_path` and `io_path` name the fields in errors.
void check_kernel(const Kernel& kernel, const std::string& io_path,
                  const std::string& metadata_path, Diagnostics& diagnostics);
Json to_json(const Kernel& kernel);

}  // namespace assay::schemas
