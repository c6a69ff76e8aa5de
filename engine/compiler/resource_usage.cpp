// SPDX-License-Identifier: Apache-2.0
#include "engine/compiler/resource_usage.h"

#include <algorithm>
#include <cctype>
#include <sstream>

namespace assay::engine {

namespace {

// The number that stands right before `words` in `line`: "12 bytes smem" gives 12.
std::optional<std::int64_t> number_before(const std::string& line, const std::string& words) {
  const std::size_t found = line.find(" " + words);
  if (found == std::string::npos) {
    return std::nullopt;
  }
  std::size_t begin = found;
  while (begin > 0 && std::isdigit(static_cast<unsigned char>(line[begin - 1])) != 0) {
    --begin;
  }
  if (begin == found || found - begin > 12) {
    return std::nullopt;
  }
  return std::stoll(line.substr(begin, found - begin));
}

std::string between(const std::string& line, const std::string& before, const std::string& after) {
  const std::size_t begin = line.find(before);
  if (begin == std::string::npos) {
    return {};
  }
  const std::size_t from = begin + before.size();
  return line.substr(from, after.empty() ? std::string::npos : line.find(after, from) - from);
}

void take(std::optional<std::int64_t>& into, std::optional<std::int64_t> value) {
  if (value) {
    into = value;
  }
}

}  // namespace

std::vector<schemas::KernelResources> read_resource_usage(const std::string& log) {
  std::vector<schemas::KernelResources> kernels;
  schemas::KernelResources* current = nullptr;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("ptxas") && !line.starts_with("    ")) {
      continue;
    }
    if (const std::string entry = between(line, "Compiling entry function '", "'");
        !entry.empty()) {
      kernels.emplace_back().kernel_name = entry;
      current = &kernels.back();
      continue;
    }
    // Functions that are no kernels have properties too.
    if (const std::string name = between(line, "Function properties for ", ""); !name.empty()) {
      const auto found = std::find_if(kernels.begin(), kernels.end(), [&](const auto& kernel) {
        return kernel.kernel_name == name;
      });
      current = found == kernels.end() ? nullptr : &*found;
      continue;
    }
    if (current == nullptr) {
      continue;
    }
    take(current->stack_bytes, number_before(line, "bytes stack frame"));
    take(current->spill_store_bytes, number_before(line, "bytes spill stores"));
    take(current->spill_load_bytes, number_before(line, "bytes spill loads"));
    if (line.find(" Used ") != std::string::npos) {
      take(current->registers, number_before(line, "registers"));
      current->shared_static_bytes = number_before(line, "bytes smem").value_or(0);
      // What is nought is not printed. Newer ones tell local memory as the stack of the deepest
      // call.
      const auto stack = number_before(line, "bytes cumulative stack size");
      current->local_bytes = number_before(line, "bytes lmem").value_or(stack.value_or(0));
    }
  }
  return kernels;
}

}  // namespace assay::engine
