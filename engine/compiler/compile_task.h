// SPDX-License-Identifier: Apache-2.0
// What is asked of the compiler process, and what it answers, whichever compiler it uses.
#pragma once

#include <string>
#include <vector>

#include "schemas/evaluation.h"
#include "schemas/kernel.h"

namespace assay::engine {

struct CompileTask {
  schemas::Kernel kernel;
  std::string architecture;                      // "sm_90"
  std::vector<std::string> include_directories;  // CUDA's and CUB's
  std::string nvrtc_library;
  std::string nvcc;  // its path; empty: there is none
};

struct CompileAnswer {
  enum class Outcome { compiled, compile_error, contract_error } outcome = Outcome::compiled;
  std::string message;                            // of the two errors
  std::string log;                                // shortened
  std::string whole_log;                          // as the compiler wrote it, bounded
  std::string kernel_name;                        // the symbol to launch
  std::vector<schemas::KernelResources> kernels;  // the launched one first
  std::string cubin;
  std::string tool;
};

// A kernel as the device runner may be given it.
inline constexpr std::size_t kMaxCubinBytes = std::size_t{128} << 20;

inline CompileAnswer refused(CompileAnswer::Outcome outcome, std::string message,
                             std::string log = {}, std::string whole_log = {}) {
  CompileAnswer answer;
  answer.outcome = outcome;
  answer.message = std::move(message);
  answer.log = std::move(log);
  answer.whole_log = std::move(whole_log);
  return answer;
}

}  // namespace assay::engine
