// SPDX-License-Identifier: Apache-2.0
#include "engine/compiler/nvrtc_compile.h"

#include <array>
#include <memory>

#include "engine/compiler/compile_log.h"
#include "engine/compiler/compile_options.h"
#include "engine/compiler/cubin.h"
#include "engine/compiler/kernel_choice.h"
#include "engine/compiler/nvrtc.h"

namespace assay::engine {

namespace {

using Outcome = CompileAnswer::Outcome;

constexpr const char* kNamePlace = "__nv_name_map";  // as NVRTC's log calls a name expression

std::vector<std::string> option_list(const CompileTask& task, const CompileOptions& options) {
  std::vector<std::string> list = {"--gpu-architecture=" + options.architecture,
                                   "--ptxas-options=-v"};
  for (const std::string& directory : task.include_directories) {
    list.push_back("--include-path=" + directory);
  }
  list.insert(list.end(), options.forwarded.begin(), options.forwarded.end());
  return list;
}

// NVRTC has no <math.h>. Where a source or libcu++ defines them, ours would be in the way: they are
// given to those alone that turn out to lack them.
constexpr std::array kMathMacros = {"-DINFINITY=__int_as_float(0x7f800000)",
                                    "-DNAN=__int_as_float(0x7fffffff)"};

bool lacks_math_macros(const std::string& log) {
  return log.find("identifier \"INFINITY\" is undefined") != std::string::npos ||
         log.find("identifier \"NAN\" is undefined") != std::string::npos;
}

}  // namespace

schemas::Result<CompileAnswer> compile_with_nvrtc(const CompileTask& task) {
  const schemas::KernelMetadata& metadata = task.kernel.metadata;
  const auto options = read_compile_options(metadata.compiler_options, task.architecture);
  if (!options) {
    return refused(Outcome::contract_error, options.error().message);
  }
  const auto nvrtc = Nvrtc::open(task.nvrtc_library);
  if (!nvrtc) {
    return nvrtc.error();
  }
  const std::string& source = task.kernel.source_code;
  if (source.find('\0') != std::string::npos) {
    return refused(Outcome::compile_error, "the source holds a NUL character");
  }
  const std::string wanted = metadata.kernel_name.value_or("");
  std::vector<std::string> arguments = option_list(task, *options);

  std::unique_ptr<NvrtcProgram> program;
  std::string lowered;
  const auto compile = [&] {
    program = std::make_unique<NvrtcProgram>(*nvrtc, source);
    if (!wanted.empty()) {
      program->add_name(wanted);
    }
    return program->compile(arguments);
  };
  nvrtcResult result = compile();
  if (result != NVRTC_SUCCESS && lacks_math_macros(program->log())) {
    arguments.insert(arguments.end(), kMathMacros.begin(), kMathMacros.end());
    result = compile();
  }
  if (!wanted.empty() && result == NVRTC_SUCCESS) {
    lowered = program->lowered_name(wanted);
  } else if (!wanted.empty() && failed_part(program->log(), kNamePlace) == FailedPart::name) {
    // Without the name: it may be a symbol, and else the kernels that there are can be named.
    program = std::make_unique<NvrtcProgram>(*nvrtc, source);
    result = program->compile(arguments);
  }
  const std::string log = program->log();
  const std::string shown = shorten_log(log, task.include_directories, options->notes);
  if (result != NVRTC_SUCCESS) {
    return refused(Outcome::compile_error,
                   std::string("compilation failed: ") + nvrtc->get_error_string(result), shown,
                   log);
  }
  std::string cubin = program->cubin();
  std::vector<CubinKernel> kernels = read_kernels(cubin);
  CompileAnswer answer = answer_with(std::move(cubin), kernels, wanted, lowered, log);
  if (answer.outcome != Outcome::compile_error) {
    answer.log = shown;
  }
  answer.whole_log = log;
  answer.tool = nvrtc->version();
  return answer;
}

}  // namespace assay::engine
