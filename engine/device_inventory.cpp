// SPDX-License-Identifier: Apache-2.0
#include "engine/device_inventory.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <unistd.h>

#include <sys/utsname.h>

namespace assay::engine {

namespace fs = std::filesystem;

namespace {

std::optional<std::int64_t> number(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole ? std::optional(value) : std::nullopt;
}

// The value of the line "<key>: <value>", with any white space round the colon.
std::string value_of(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(key)) {
      const std::size_t colon = line.find(':');
      const std::size_t begin =
          colon == std::string::npos ? colon : line.find_first_not_of(" \t", colon + 1);
      return begin == std::string::npos ? "" : line.substr(begin);
    }
  }
  return {};
}

std::int64_t memory_limit_of_cgroup() {
  for (const char* path :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::string text;
    if (std::ifstream(path) >> text) {
      return number(text).value_or(0);
    }
  }
  return 0;
}

}  // namespace

std::vector<GpuNode> find_gpus(const std::string& device_directory,
                               const std::string& driver_directory) {
  std::map<std::int64_t, std::string> uuids;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(driver_directory, error)) {
    const std::string information = (entry.path() / "information").string();
    if (const auto minor = number(value_of(information, "Device Minor"))) {
      uuids[*minor] = value_of(information, "GPU UUID");
    }
  }
  std::vector<GpuNode> gpus;
  constexpr std::string_view prefix = "nvidia";
  for (const auto& entry : fs::directory_iterator(device_directory, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(prefix)) {
      continue;
    }
    if (const auto index = number(name.substr(prefix.size()))) {
      std::string uuid = uuids[*index];
      gpus.push_back({*index, uuid.starts_with("GPU-") ? uuid : ""});
    }
  }
  std::sort(gpus.begin(), gpus.end(),
            [](const GpuNode& left, const GpuNode& right) { return left.index < right.index; });
  return gpus;
}

schemas::DeviceInfo describe_cpu() {
  schemas::DeviceInfo cpu;
  cpu.kind = schemas::DeviceKind::cpu;
  cpu.name = value_of("/proc/cpuinfo", "model name");
  utsname system{};
  if (::uname(&system) == 0) {
    cpu.architecture = system.machine;
  }
  if (cpu.name.empty()) {
    cpu.name = cpu.architecture;
  }
  cpu.memory_total_bytes = static_cast<std::int64_t>(::sysconf(_SC_PHYS_PAGES)) *
                           static_cast<std::int64_t>(::sysconf(_SC_PAGESIZE));
  const std::int64_t limit = memory_limit_of_cgroup();
  if (limit > 0) {
    cpu.memory_total_bytes = std::min(cpu.memory_total_bytes, limit);
  }
  return cpu;
}

std::vector<std::string> gpu_device_nodes(std::int64_t index) {
  return {"/dev/nvidia" + std::to_string(index), "/dev/nvidiactl", "/dev/nvidia-uvm",
          "/dev/nvidia-uvm-tools", "/dev/nvidia-modeset"};
}

}  // namespace assay::engine
