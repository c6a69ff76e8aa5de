// SPDX-License-Identifier: Apache-2.0
#include "mcp/doctor.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>

#include "engine/installation.h"
#include "mcp/log.h"
#include "mcp/start_engine.h"
#include "mcp/version.h"

namespace assay::mcp {
namespace {

using engine::Capacity;
using engine::Installation;
using schemas::DeviceInfo;
using schemas::DeviceKind;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kStartLimit{60};
constexpr std::chrono::milliseconds kPoll{50};
constexpr std::chrono::milliseconds kStopPatience{1'000};

void print(const char* label, const std::string& value) {
  fmt::print("  {:<11} {}\n", label, value);
}

// A folder that is removed with everything in it.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "assay-doctor-XXXXXX").string();
    if (::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string shell_quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char character : text)
    quoted += character == '\'' ? std::string("'\\''") : std::string(1, character);
  return quoted + "'";
}

// The version of a package as its own metadata says, without importing it.
std::string package_version(const std::string& python, const std::string& package) {
  const std::string command = shell_quoted(python) +
                              " -I -c 'import importlib.metadata as m; print(m.version(\"" +
                              package + "\"))' 2>/dev/null";
  std::string version;
  if (FILE* output = ::popen(command.c_str(), "r")) {
    for (int character = std::fgetc(output); character != EOF && character != '\n';
         character = std::fgetc(output))
      version += static_cast<char>(character);
    ::pclose(output);
  }
  return version.empty() ? "missing" : version;
}

void print_installation(const Installation& installation) {
  fmt::print("\nInstalled\n");
  print("home", installation.home);
  print("python", installation.python);
  for (const char* package : {"torch", "triton", "numpy"})
    print(package, package_version(installation.python, package));
  print("CUDA", installation.cuda_directory.empty() ? "missing: cuda kernels cannot be compiled"
                                                    : installation.cuda_directory);
  print("NVRTC", installation.nvrtc_library.empty() ? "missing: cuda kernels cannot be compiled"
                                                    : installation.nvrtc_library);
}

std::string describe(const DeviceInfo& device) {
  std::string text = fmt::format("{}, {}, {:.1f} GiB", device.name, device.architecture,
                                 static_cast<double>(device.memory_total_bytes) / (1 << 30));
  if (!device.driver_version.empty())
    text += fmt::format(", driver {}, CUDA {}", device.driver_version, device.cuda_version);
  return text;
}

// True when something can run here.
bool print_devices(const Capacity& capacity) {
  fmt::print("\nDevices\n");
  bool has_gpu = false;
  for (const DeviceInfo& device : capacity.devices) {
    const bool gpu = device.kind == DeviceKind::cuda;
    has_gpu = has_gpu || gpu;
    print(gpu ? fmt::format("cuda:{}", device.index).c_str() : "cpu", describe(device));
  }
  if (!has_gpu)
    print("cuda", "none: torch kernels run on the CPU, cuda kernels are compiled but not run");
  for (const std::string& part : capacity.starting)
    print("not ready", fmt::format("{} (after {} s)", part, kStartLimit.count()));
  return !capacity.devices.empty() && capacity.starting.empty();
}

void print_isolation(const Capacity& capacity) {
  fmt::print("\nIsolation of submitted code\n");
  for (const auto& layer : capacity.isolation)
    fmt::print("  {} {:<24} {}\n", layer.layer, layer.name,
               layer.applied ? "applied" : "missing: " + layer.reason);
  if (capacity.isolation.empty()) print("", "not known yet");
}

Capacity settled(engine::Engine& engine) {
  const auto deadline = Clock::now() + kStartLimit;
  Capacity capacity = engine.capacity();
  while (!capacity.starting.empty() && Clock::now() < deadline) {
    std::this_thread::sleep_for(kPoll);
    capacity = engine.capacity();
  }
  return capacity;
}

}  // namespace

int doctor(const Options& options) {
  start_log(options.log_level == "info" ? "error" : options.log_level);
  fmt::print("assay {}\n", kVersion);
  const auto installation = Installation::find();
  if (!installation.ok()) {
    fmt::print("\nNot usable: {}\n", installation.error().message);
    return 1;
  }
  print_installation(*installation);
  std::fflush(stdout);

  const ScratchDirectory scratch;
  Options own = options;
  own.data_directory = scratch.path();
  auto engine = start_engine(own);
  if (!engine.ok()) {
    fmt::print("\nNot usable: {}\n", engine.error().message);
    return 1;
  }
  const Capacity capacity = settled(**engine);
  const bool usable = print_devices(capacity);
  print_isolation(capacity);
  (*engine)->stop(kStopPatience);
  fmt::print("\n{}\n",
             usable ? "Kernels can be evaluated here." : "Kernels cannot be evaluated here.");
  return usable ? 0 : 1;
}

}  // namespace assay::mcp
