// SPDX-License-Identifier: Apache-2.0
#include "engine/worker_policy.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "engine/device_inventory.h"

namespace assay::engine {

namespace fs = std::filesystem;
using sandbox::BindMount;
using sandbox::Policy;

namespace {

// Not named bind: std::bind would be found by its argument and win.
void show_path(Policy& policy, const std::string& path) {
  const bool known =
      std::any_of(policy.binds.begin(), policy.binds.end(), [&](const BindMount& mount) {
        return path == mount.source || path.starts_with(mount.source + "/");
      });
  if (!path.empty() && path != "/" && !known) {
    policy.binds.push_back({path, "", true, true});
  }
}

// The venv (or prefix) of a Python, and that of the interpreter below a venv.
std::vector<std::string> python_prefixes(const std::string& python) {
  std::error_code error;
  std::vector<std::string> prefixes;
  const fs::path prefix = fs::path(python).parent_path().parent_path();
  prefixes.push_back(prefix.string());
  std::ifstream settings(prefix / "pyvenv.cfg");
  for (std::string line; std::getline(settings, line);) {
    constexpr std::string_view key = "home = ";
    if (line.starts_with(key)) {
      prefixes.push_back(fs::path(line.substr(key.size())).parent_path().string());
    }
  }
  prefixes.push_back(fs::canonical(python, error).parent_path().parent_path().string());
  return prefixes;
}

// The user has no entry in the sandbox's /etc/passwd: what asks for its name (getpass, and so
// torch.compile for its cache's folder) finds it here.
std::vector<std::string> base_environment() {
  return {"PATH=/usr/local/bin:/usr/bin:/bin",
          "LANG=C.UTF-8",
          "HOME=/tmp",
          "TMPDIR=/tmp",
          "USER=assay",
          "LOGNAME=assay"};
}

void show_device(Policy& policy, const DeviceId& device, const std::string& uuid) {
  if (device.kind == schemas::DeviceKind::cpu) {
    policy.environment.push_back("CUDA_VISIBLE_DEVICES=");
    return;
  }
  if (!uuid.empty()) {
    policy.environment.push_back("CUDA_VISIBLE_DEVICES=" + uuid);
  }
}

Policy untrusted() {
  Policy policy;
  policy.level = sandbox::ConfineLevel::untrusted;
  policy.binds = sandbox::system_binds();
  policy.environment = base_environment();
  policy.output_cap_bytes = kOutputBytes;
  policy.limits.cpu_seconds =
      kCpuSecondsPerCore * std::max(1U, std::thread::hardware_concurrency());
  policy.limits.descriptors = kRunnerDescriptors;
  policy.limits.file_size_bytes = kRunnerFileBytes;
  return policy;
}

// The driver's files besides its device nodes.
void bind_driver(Policy& policy) {
  for (const char* path :
       {"/sys", "/usr/local/nvidia", "/opt/nvidia", "/run/nvidia", "/etc/OpenCL", "/etc/nvidia"}) {
    show_path(policy, path);
  }
}

// An #include of a file of /etc would quote it in the error: the loader's files and the links to
// compilers are all that is there.
void hide_settings(Policy& policy) {
  std::erase_if(policy.binds, [](const BindMount& mount) {
    return mount.source.starts_with("/etc/") && !mount.source.starts_with("/etc/ld.so") &&
           mount.source != "/etc/alternatives";  // c++ is a link by way of it
  });
}

}  // namespace

Policy judge_policy(const Installation&, const DeviceId& device, const std::string& gpu_uuid) {
  Policy policy;
  policy.level = sandbox::ConfineLevel::trusted;
  policy.environment = base_environment();
  policy.output_cap_bytes = kOutputBytes;
  policy.environment.push_back("CUDA_DEVICE_ORDER=PCI_BUS_ID");
  show_device(policy, device, gpu_uuid.empty() ? std::to_string(device.index) : gpu_uuid);
  return policy;
}

Policy zygote_policy(const Installation&) {
  Policy policy;
  policy.level = sandbox::ConfineLevel::trusted;
  policy.environment = base_environment();
  policy.output_cap_bytes = kOutputBytes;
  return policy;
}

Policy compiler_policy(const Installation& installation) {
  Policy policy = untrusted();
  hide_settings(policy);
  show_path(policy, fs::path(installation.compiler).parent_path().string());
  show_path(policy, installation.cuda_directory);
  policy.shows_proc = false;  // an #include of /proc/self/maps would quote it
  policy.limits.tasks = kCompilerTasks;
  policy.limits.niceness = kCompilerNiceness;
  policy.memory_limit_bytes = kCompilerMemoryBytes;
  return policy;
}

Policy python_compiler_policy(const Installation& installation, std::int64_t jobs) {
  Policy policy = untrusted();
  hide_settings(policy);
  for (const std::string& prefix : python_prefixes(installation.python)) {
    show_path(policy, prefix);
  }
  show_path(policy, installation.python_modules);
  show_path(policy, installation.cuda_directory);
  policy.environment.push_back("CUDA_VISIBLE_DEVICES=");
  if (!installation.cuda_directory.empty()) {
    policy.environment.push_back("CUDA_HOME=" + installation.cuda_directory);
  }
  if (jobs > 0) {
    policy.environment.push_back("MAX_JOBS=" + std::to_string(jobs));
  }
  policy.limits.tasks = kPythonCompilerTasks;
  policy.limits.niceness = kCompilerNiceness;
  policy.memory_limit_bytes = kPythonCompilerMemoryBytes;
  return policy;
}

Policy host_runner_policy(const Installation& installation, const DeviceId& device,
                          const std::string& gpu_uuid, std::uint64_t memory_bytes) {
  Policy policy = untrusted();
  for (const std::string& prefix : python_prefixes(installation.python)) {
    show_path(policy, prefix);
  }
  show_path(policy, installation.python_modules);
  policy.limits.tasks = kRunnerTasks;
  policy.memory_limit_bytes = memory_bytes;
  show_device(policy, device, gpu_uuid);
  if (device.kind == schemas::DeviceKind::cuda) {
    show_path(policy, installation.cuda_directory);
    bind_driver(policy);
    policy.device_nodes = gpu_device_nodes(device.index);
  }
  return policy;
}

Policy device_runner_policy(const Installation& installation, const DeviceId& device,
                            const std::string& gpu_uuid, std::uint64_t memory_bytes) {
  Policy policy = untrusted();
  show_path(policy, fs::path(installation.runner).parent_path().string());
  bind_driver(policy);
  policy.limits.tasks = kRunnerTasks;
  policy.memory_limit_bytes = memory_bytes;
  policy.device_nodes = gpu_device_nodes(device.index);
  show_device(policy, device, gpu_uuid);
  return policy;
}

}  // namespace assay::engine
