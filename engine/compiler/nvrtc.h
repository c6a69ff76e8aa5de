// SPDX-License-Identifier: Apache-2.0
// NVRTC, opened by path: its functions, and a program that is destroyed with its owner.
#pragma once

#include <memory>
#include <nvrtc.h>
#include <string>
#include <vector>

#include "schemas/result.h"

namespace assay::engine {

class Nvrtc {
 public:
  // Also opens the library of builtins beside it, which NVRTC itself would look for in the loader's
  // path only.
  static schemas::Result<Nvrtc> open(const std::string& library);
  std::string version() const;  // "nvrtc 13.0"

  decltype(&::nvrtcCreateProgram) create_program = nullptr;
  decltype(&::nvrtcDestroyProgram) destroy_program = nullptr;
  decltype(&::nvrtcAddNameExpression) add_name_expression = nullptr;
  decltype(&::nvrtcCompileProgram) compile_program = nullptr;
  decltype(&::nvrtcGetLoweredName) get_lowered_name = nullptr;
  decltype(&::nvrtcGetProgramLogSize) get_program_log_size = nullptr;
  decltype(&::nvrtcGetProgramLog) get_program_log = nullptr;
  decltype(&::nvrtcGetCUBINSize) get_cubin_size = nullptr;
  decltype(&::nvrtcGetCUBIN) get_cubin = nullptr;
  decltype(&::nvrtcGetErrorString) get_error_string = nullptr;
  decltype(&::nvrtcVersion) get_version = nullptr;
};

// One compilation of one source text.
class NvrtcProgram {
 public:
  NvrtcProgram(const Nvrtc& nvrtc, const std::string& source);
  ~NvrtcProgram();
  NvrtcProgram(const NvrtcProgram&) = delete;
  NvrtcProgram& operator=(const NvrtcProgram&) = delete;

  nvrtcResult add_name(const std::string& expression);
  nvrtcResult compile(const std::vector<std::string>& options);
  std::string lowered_name(const std::string& expression) const;
  std::string log() const;
  std::string cubin() const;

 private:
  const Nvrtc& nvrtc_;
  nvrtcProgram program_ = nullptr;
};

}  // namespace assay::engine
