// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <unistd.h>

#include <sys/utsname.h>

#include "engine/judge/device_info.h"

namespace assay::engine::judge {
namespace {

// The value after "key :" of the first line that starts with `key`.
std::string field_of(const char* file, const std::string& key) {
  std::ifstream stream(file);
  std::string line;
  while (std::getline(stream, line)) {
    if (line.rfind(key, 0) != 0) continue;
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::size_t start = line.find_first_not_of(" \t", colon + 1);
    return start == std::string::npos ? "" : line.substr(start);
  }
  return "";
}

std::optional<std::int64_t> kibibytes_of(const std::string& key) {
  const std::string text = field_of("/proc/meminfo", key);
  if (text.empty()) return std::nullopt;
  return std::strtoll(text.c_str(), nullptr, 10) << 10;
}

std::optional<std::int64_t> last_level_cache() {
  std::optional<std::int64_t> bytes;
  for (int index = 0; index < 8; ++index) {
    std::ifstream stream("/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) +
                         "/size");
    std::int64_t size = 0;
    char unit = 'K';
    if (!(stream >> size)) break;
    stream >> unit;
    bytes = size << (unit == 'M' ? 20 : 10);
  }
  return bytes;
}

class CpuProbe final : public DeviceProbe {
 public:
  CpuProbe() {
    fixed_.kind = schemas::DeviceKind::cpu;
    fixed_.architecture = machine_architecture();
    fixed_.name = field_of("/proc/cpuinfo", "model name");
    if (fixed_.name.empty()) fixed_.name = fixed_.architecture + " processor";
    fixed_.memory_total_bytes = kibibytes_of("MemTotal").value_or(0);
    fixed_.l2_bytes = last_level_cache();
    if (const long cores = sysconf(_SC_NPROCESSORS_ONLN); cores > 0) fixed_.multiprocessors = cores;
  }

  schemas::DeviceInfo now() const override {
    schemas::DeviceInfo info = fixed_;
    const auto available = kibibytes_of("MemAvailable");
    if (info.memory_total_bytes > 0 && available)
      info.memory_used_bytes = info.memory_total_bytes - *available;
    const std::string clock = field_of("/proc/cpuinfo", "cpu MHz");
    if (!clock.empty()) info.sm_clock_mhz = std::strtod(clock.c_str(), nullptr);
    return info;
  }

  const schemas::DeviceInfo& fixed() const override { return fixed_; }

 private:
  schemas::DeviceInfo fixed_;
};

}  // namespace

std::string machine_architecture() {
  utsname name{};
  return uname(&name) == 0 ? name.machine : "unknown";
}

std::unique_ptr<DeviceProbe> probe_cpu() {
  return std::make_unique<CpuProbe>();
}

}  // namespace assay::engine::judge
