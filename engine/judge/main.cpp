// SPDX-License-Identifier: Apache-2.0
// assay-judge --device cpu|cuda:INDEX --channel-fd N [--memory-budget-bytes N]
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>

#include "engine/judge/service.h"
#include "engine/judge/torch_runtime.h"

namespace {

using namespace assay;
using namespace assay::engine::judge;

struct Options {
  TorchDevice device;
  int channel_fd = -1;
  std::size_t memory_budget_bytes = 0;
};

constexpr const char* kUsage =
    "usage: assay-judge --device cpu|cuda:INDEX --channel-fd N [--memory-budget-bytes N]\n";

std::optional<std::int64_t> whole_number(std::string_view text) {
  if (text.empty() || text.size() > 18 ||
      text.find_first_not_of("0123456789") != std::string_view::npos)
    return std::nullopt;
  return std::strtoll(std::string(text).c_str(), nullptr, 10);
}

std::optional<Options> read_options(int count, char** words) {
  Options options;
  bool has_device = false;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string_view name = words[i], value = words[i + 1];
    if (name == "--device" && value == "cpu") {
      has_device = true;
    } else if (name == "--device" && value.substr(0, 5) == "cuda:" &&
               whole_number(value.substr(5))) {
      options.device = {schemas::DeviceKind::cuda,
                        static_cast<int>(*whole_number(value.substr(5)))};
      has_device = true;
    } else if (name == "--channel-fd" && whole_number(value)) {
      options.channel_fd = static_cast<int>(*whole_number(value));
    } else if (name == "--memory-budget-bytes" && whole_number(value)) {
      options.memory_budget_bytes = static_cast<std::size_t>(*whole_number(value));
    } else {
      return std::nullopt;
    }
  }
  if (!has_device || options.channel_fd < 0 || count % 2 == 0) return std::nullopt;
  return options;
}

schemas::Result<JudgeDevice> open_device(const Options& options) {
  JudgeDevice device;
  device.torch = options.device;
  device.memory_budget_bytes = options.memory_budget_bytes;
  if (options.device.kind == schemas::DeviceKind::cpu) {
    device.memory = make_cpu_memory();
    device.probe = probe_cpu();
  } else {
    auto memory = make_cuda_memory(options.device.index);
    if (!memory) return memory.error();
    device.memory = std::move(*memory);
    auto probe = probe_cuda(options.device.index);
    if (!probe) return probe.error();
    device.probe = std::move(*probe);
  }
  if (auto status = start_torch(options.device); !status) return status.error();
  return device;
}

}  // namespace

int main(int argument_count, char** arguments) {
  const auto options = read_options(argument_count, arguments);
  if (!options) {
    std::cerr << kUsage;
    return 2;
  }
  auto device = open_device(*options);
  if (!device) {
    std::cerr << "assay-judge: " << device.error().message << "\n";
    return 1;
  }
  sandbox::Channel executor{sandbox::UniqueFd(options->channel_fd)};
  if (const auto status = serve(*device, executor); !status) {
    std::cerr << "assay-judge: " << status.error().message << "\n";
    return 1;
  }
  return 0;
}
