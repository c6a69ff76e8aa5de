// SPDX-License-Identifier: Apache-2.0
// Compiles a `cuda` kernel for one architecture, without a GPU.
#pragma once

#include <string>
#include <vector>

#include "schemas/evaluation.h"
#include "schemas/kernel.h"
#include "schemas/result.h"

namespace assay::engine {

struct CompileTask {
  schemas::Kernel kernel;
  std::string architecture;                      // "sm_90"
  std::vector<std::string> include_directories;  // CUDA's and CUB's
  std::string nvrtc_library;
};

struct CompileAnswer {
  enum class Outcome { compiled, compile_error, contract_error } outcome = Outcome::compiled;
  std::string message;                            // of the two errors
  std::string log;                                // shortened
  std::string kernel_name;                        // the symbol to launch
  std::vector<schemas::KernelResources> kernels;  // the launched one first
  std::string cubin;
  std::string tool;
};

// Error: our own failure (no NVRTC). Everything that is the source's fault is an answer.
schemas::Result<CompileAnswer> compile_with_nvrtc(const CompileTask& task);

}  // namespace assay::engine
