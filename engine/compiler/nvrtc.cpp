// SPDX-License-Identifier: Apache-2.0
#include "engine/compiler/nvrtc.h"

#include <dlfcn.h>
#include <filesystem>

namespace assay::engine {

using schemas::Error;
using schemas::ErrorCode;

namespace {

void open_builtins(const std::filesystem::path& library) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(library.parent_path(), error)) {
    if (entry.path().filename().string().starts_with("libnvrtc-builtins.so")) {
      ::dlopen(entry.path().c_str(), RTLD_NOW | RTLD_GLOBAL);
    }
  }
}

template <typename Function>
bool load(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  return function != nullptr;
}

}  // namespace

schemas::Result<Nvrtc> Nvrtc::open(const std::string& library) {
  open_builtins(library);
  void* const handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);  // for good
  if (handle == nullptr) {
    return Error{ErrorCode::internal, std::string("cannot open NVRTC: ") + ::dlerror(), false, {}};
  }
  Nvrtc nvrtc;
  const bool complete = load(handle, "nvrtcCreateProgram", nvrtc.create_program) &&
                        load(handle, "nvrtcDestroyProgram", nvrtc.destroy_program) &&
                        load(handle, "nvrtcAddNameExpression", nvrtc.add_name_expression) &&
                        load(handle, "nvrtcCompileProgram", nvrtc.compile_program) &&
                        load(handle, "nvrtcGetLoweredName", nvrtc.get_lowered_name) &&
                        load(handle, "nvrtcGetProgramLogSize", nvrtc.get_program_log_size) &&
                        load(handle, "nvrtcGetProgramLog", nvrtc.get_program_log) &&
                        load(handle, "nvrtcGetCUBINSize", nvrtc.get_cubin_size) &&
                        load(handle, "nvrtcGetCUBIN", nvrtc.get_cubin) &&
                        load(handle, "nvrtcGetErrorString", nvrtc.get_error_string) &&
                        load(handle, "nvrtcVersion", nvrtc.get_version);
  if (!complete) {
    return Error{ErrorCode::internal, library + " lacks a function of NVRTC", false, {}};
  }
  return nvrtc;
}

std::string Nvrtc::version() const {
  int major = 0;
  int minor = 0;
  get_version(&major, &minor);
  return "nvrtc " + std::to_string(major) + "." + std::to_string(minor);
}

NvrtcProgram::NvrtcProgram(const Nvrtc& nvrtc, const std::string& source) : nvrtc_(nvrtc) {
  nvrtc_.create_program(&program_, source.c_str(), "kernel.cu", 0, nullptr, nullptr);
}

NvrtcProgram::~NvrtcProgram() {
  nvrtc_.destroy_program(&program_);
}

nvrtcResult NvrtcProgram::add_name(const std::string& expression) {
  return nvrtc_.add_name_expression(program_, expression.c_str());
}

nvrtcResult NvrtcProgram::compile(const std::vector<std::string>& options) {
  std::vector<const char*> pointers;
  pointers.reserve(options.size());
  for (const std::string& option : options) {
    pointers.push_back(option.c_str());
  }
  return nvrtc_.compile_program(program_, static_cast<int>(pointers.size()), pointers.data());
}

std::string NvrtcProgram::lowered_name(const std::string& expression) const {
  const char* name = nullptr;
  const nvrtcResult result = nvrtc_.get_lowered_name(program_, expression.c_str(), &name);
  return result == NVRTC_SUCCESS && name != nullptr ? name : "";
}

std::string NvrtcProgram::log() const {
  std::size_t size = 0;
  if (nvrtc_.get_program_log_size(program_, &size) != NVRTC_SUCCESS || size == 0) {
    return {};
  }
  std::string log(size, '\0');
  nvrtc_.get_program_log(program_, log.data());
  log.resize(log.find('\0'));  // its terminator, of which there may be two
  return log;
}

std::string NvrtcProgram::cubin() const {
  std::size_t size = 0;
  if (nvrtc_.get_cubin_size(program_, &size) != NVRTC_SUCCESS) {
    return {};
  }
  std::string cubin(size, '\0');
  nvrtc_.get_cubin(program_, cubin.data());
  return cubin;
}

}  // namespace assay::engine
