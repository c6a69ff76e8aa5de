// SPDX-License-Identifier: Apache-2.0
#include "engine/compiler/nvrtc_compile.h"

#include <algorithm>
#include <memory>

#include "engine/compiler/compile_log.h"
#include "engine/compiler/compile_options.h"
#include "engine/compiler/cubin.h"
#include "engine/compiler/nvrtc.h"
#include "engine/compiler/resource_usage.h"

namespace assay::engine {

namespace {

using Outcome = CompileAnswer::Outcome;

CompileAnswer refused(Outcome outcome, std::string message, std::string log = {}) {
  CompileAnswer answer;
  answer.outcome = outcome;
  answer.message = std::move(message);
  answer.log = std::move(log);
  return answer;
}

std::string list_of(const std::vector<CubinKernel>& kernels) {
  std::string list;
  for (const CubinKernel& kernel : kernels) {
    list += (list.empty() ? "" : ", ") + kernel.readable;
  }
  return list;
}

std::vector<std::string> option_list(const CompileTask& task, const CompileOptions& options) {
  std::vector<std::string> list = {"--gpu-architecture=" + options.architecture,
                                   "--ptxas-options=-v"};
  for (const std::string& directory : task.include_directories) {
    list.push_back("--include-path=" + directory);
  }
  list.insert(list.end(), options.forwarded.begin(), options.forwarded.end());
  return list;
}

// Which kernel to launch: the one whose name was given (as an expression that NVRTC lowered, or as
// a symbol), else the only one. A message where there is no such thing.
struct Choice {
  std::string symbol;
  std::string problem;
};
Choice choose(const std::vector<CubinKernel>& kernels, const std::string& wanted,
              const std::string& lowered) {
  const auto has = [&](const std::string& symbol) {
    return std::any_of(kernels.begin(), kernels.end(),
                       [&](const CubinKernel& kernel) { return kernel.symbol == symbol; });
  };
  if (!wanted.empty()) {
    for (const std::string& name : {lowered, wanted}) {
      if (!name.empty() && has(name)) {
        return {name, ""};
      }
    }
    return {"", "kernel_name '" + wanted + "' names no __global__ function of the source" +
                    (kernels.empty() ? "; it has none that is compiled (a template needs its "
                                       "arguments, e.g. \"add<float>\")"
                                     : "; it has: " + list_of(kernels))};
  }
  if (kernels.size() == 1) {
    return {kernels.front().symbol, ""};
  }
  return {"", kernels.empty()
                  ? "the source has no __global__ function (a template needs kernel_name with its "
                    "arguments, e.g. \"add<float>\")"
                  : "the source has several __global__ functions; set kernel_name to one of: " +
                        list_of(kernels)};
}

std::vector<schemas::KernelResources> resources_of(const std::vector<CubinKernel>& kernels,
                                                   const std::string& log,
                                                   const std::string& launched) {
  std::vector<schemas::KernelResources> usage = read_resource_usage(log);
  std::erase_if(usage, [&](const auto& entry) {
    return std::none_of(kernels.begin(), kernels.end(), [&](const CubinKernel& kernel) {
      return kernel.symbol == entry.kernel_name;
    });
  });
  std::stable_partition(usage.begin(), usage.end(),
                        [&](const auto& entry) { return entry.kernel_name == launched; });
  for (auto& entry : usage) {
    for (const CubinKernel& kernel : kernels) {
      if (kernel.symbol == entry.kernel_name) {
        entry.constant_bytes = kernel.constant_bytes;
        entry.kernel_name = kernel.readable;
        break;
      }
    }
  }
  return usage;
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
  const std::vector<std::string> arguments = option_list(task, *options);

  auto program = std::make_unique<NvrtcProgram>(*nvrtc, source);
  std::string lowered;
  nvrtcResult result = NVRTC_SUCCESS;
  if (!wanted.empty()) {
    program->add_name(wanted);
    result = program->compile(arguments);
    lowered = result == NVRTC_SUCCESS ? program->lowered_name(wanted) : "";
  }
  if (wanted.empty() || result != NVRTC_SUCCESS) {
    // Without the name: is it the source that does not compile, or the name that fits nothing in
    // it?
    program = std::make_unique<NvrtcProgram>(*nvrtc, source);
    result = program->compile(arguments);
  }
  const std::string log = program->log();
  std::string shown = shorten_log(log, task.include_directories);
  for (const std::string& note : options->notes) {
    shown += note + "\n";
  }
  if (result != NVRTC_SUCCESS) {
    return refused(Outcome::compile_error,
                   std::string("compilation failed: ") + nvrtc->get_error_string(result), shown);
  }
  CompileAnswer answer;
  answer.cubin = program->cubin();
  const std::vector<CubinKernel> kernels = read_kernels(answer.cubin);
  const Choice choice = choose(kernels, wanted, lowered);
  if (!choice.problem.empty()) {
    return refused(Outcome::contract_error, choice.problem, shown);
  }
  answer.kernel_name = choice.symbol;
  answer.kernels = resources_of(kernels, log, choice.symbol);
  answer.log = shown;
  answer.tool = nvrtc->version();
  return answer;
}

}  // namespace assay::engine
