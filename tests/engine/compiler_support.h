// SPDX-License-Identifier: Apache-2.0
// What the tests of both CUDA compilers ask with: for sm_90, with the headers that tests are built
// with.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/compiler/compile_task.h"

namespace assay::tests {

inline engine::CompileTask compile_task(const std::string& source, const std::string& name,
                                        std::vector<std::string> options) {
  engine::CompileTask task;
  task.kernel.type = schemas::KernelType::cuda;
  task.kernel.source_code = source;
  task.kernel.metadata.compiler_options = std::move(options);
  if (!name.empty()) task.kernel.metadata.kernel_name = name;
  task.architecture = "sm_90";
  task.include_directories = {CUDA_DIRECTORY "/include", CUDA_DIRECTORY "/include/cccl"};
  return task;
}

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace assay::tests
