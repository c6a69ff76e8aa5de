// SPDX-License-Identifier: Apache-2.0
#include "engine/compiler/kernel_choice.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include "engine/compiler/compile_log.h"
#include "engine/compiler/resource_usage.h"

namespace assay::engine {

namespace {

using Outcome = CompileAnswer::Outcome;

std::string list_of(const std::vector<CubinKernel>& kernels) {
  std::string list;
  for (const CubinKernel& kernel : kernels) {
    list += (list.empty() ? "" : ", ") + kernel.readable;
  }
  return list;
}

struct Choice {
  std::string symbol;
  std::string problem;  // where there is no such kernel
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

FailedPart failed_part(const std::string& log, const std::string& place) {
  FailedPart part = FailedPart::source;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    if (!is_error_line(line)) {
      continue;
    }
    if (!line.starts_with(place + "(")) {
      return FailedPart::source;
    }
    part = FailedPart::name;
  }
  return part;
}

CompileAnswer answer_with(std::string cubin, const std::vector<CubinKernel>& kernels,
                          const std::string& wanted, const std::string& lowered,
                          const std::string& log) {
  if (cubin.size() > kMaxCubinBytes) {
    return refused(Outcome::compile_error, "the compiled code has " + std::to_string(cubin.size()) +
                                               " bytes; at most " + std::to_string(kMaxCubinBytes) +
                                               " are allowed");
  }
  const Choice choice = choose(kernels, wanted, lowered);
  if (!choice.problem.empty()) {
    return refused(Outcome::contract_error, choice.problem);
  }
  CompileAnswer answer;
  answer.kernel_name = choice.symbol;
  answer.kernels = resources_of(kernels, log, choice.symbol);
  answer.cubin = std::move(cubin);
  return answer;
}

}  // namespace assay::engine
