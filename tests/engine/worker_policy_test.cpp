// SPDX-License-Identifier: Apache-2.0
#include "engine/worker_policy.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>

#include "engine/device_inventory.h"
#include "engine/toolchain.h"
#include "tests/engine/temporary_directory.h"

using namespace assay;
using engine::DeviceId;
using schemas::DeviceKind;
namespace fs = std::filesystem;

namespace {

engine::Installation installation() {
  engine::Installation where;
  where.home = "/opt/assay";
  where.compiler = "/opt/assay/bin/assay-compiler";
  where.runner = "/opt/assay/bin/assay-runner";
  where.python = "/srv/env/bin/python3";
  where.python_modules = "/opt/assay/python";
  where.cuda_directory = "/srv/env/lib/python3.11/site-packages/nvidia/cu13";
  return where;
}

bool shows(const sandbox::Policy& policy, const std::string& path) {
  return std::any_of(policy.binds.begin(), policy.binds.end(),
                     [&](const auto& bind) { return bind.source == path; });
}

bool sets(const sandbox::Policy& policy, const std::string& entry) {
  return std::count(policy.environment.begin(), policy.environment.end(), entry) == 1;
}

void write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

}  // namespace

TEST_CASE("a compiler sees no device, no user data and nothing of /etc but the loader's") {
  const auto policy = engine::compiler_policy(installation());
  CHECK(policy.level == sandbox::ConfineLevel::untrusted);
  CHECK(policy.device_nodes.empty());
  CHECK(shows(policy, "/opt/assay/bin"));
  CHECK(shows(policy, installation().cuda_directory));
  for (const auto& bind : policy.binds) {
    INFO(bind.source);
    CHECK(bind.read_only);
    CHECK((!bind.source.starts_with("/etc") || bind.source.starts_with("/etc/ld.so") ||
           bind.source == "/etc/alternatives"));
  }
  CHECK_FALSE(policy.shows_proc);
  CHECK(policy.memory_limit_bytes > 0);
  CHECK(policy.limits.tasks > 0);
}

TEST_CASE("a compiler for Python sees Python and CUDA, but no device and no settings") {
  const auto policy = engine::python_compiler_policy(installation());
  CHECK(policy.level == sandbox::ConfineLevel::untrusted);
  CHECK(policy.device_nodes.empty());
  CHECK(shows(policy, "/srv/env"));
  CHECK(shows(policy, "/opt/assay/python"));
  CHECK_FALSE(shows(policy, "/etc/passwd"));
  CHECK(sets(engine::python_compiler_policy(installation(), 3), "MAX_JOBS=3"));
  CHECK(std::none_of(policy.environment.begin(), policy.environment.end(),
                     [](const auto& entry) { return entry.starts_with("MAX_JOBS"); }));
  CHECK(policy.memory_limit_bytes > 0);
}

TEST_CASE("a runner sees its own GPU's nodes only, a CPU runner none") {
  const DeviceId gpu{DeviceKind::cuda, 3};
  const auto on_gpu = engine::host_runner_policy(installation(), gpu, "GPU-1", 1000);
  CHECK(on_gpu.device_nodes.front() == "/dev/nvidia3");
  CHECK(std::none_of(on_gpu.device_nodes.begin(), on_gpu.device_nodes.end(),
                     [](const auto& node) { return node == "/dev/nvidia0"; }));
  CHECK(sets(on_gpu, "CUDA_VISIBLE_DEVICES=GPU-1"));
  CHECK(on_gpu.memory_limit_bytes == 1000);
  CHECK(shows(on_gpu, "/srv/env"));
  CHECK(shows(on_gpu, "/opt/assay/python"));
  const auto on_cpu = engine::host_runner_policy(installation(), {DeviceKind::cpu, 0}, "", 1000);
  CHECK(on_cpu.device_nodes.empty());
  CHECK(sets(on_cpu, "CUDA_VISIBLE_DEVICES="));
  CHECK(sets(on_cpu, "USER=assay"));
  CHECK(sets(on_cpu, "LOGNAME=assay"));
  CHECK_FALSE(shows(on_cpu, "/sys"));
  const auto device_tier = engine::device_runner_policy(installation(), gpu, "GPU-1", 1000);
  CHECK_FALSE(shows(device_tier, "/srv/env"));
  CHECK(device_tier.level == sandbox::ConfineLevel::untrusted);
  CHECK(device_tier.memory_limit_bytes == 1000);
  CHECK(device_tier.limits.cpu_seconds >= schemas::kMaxTimeoutSeconds);
}

TEST_CASE("the interpreter below a venv is shown, too") {
  const tests::TemporaryDirectory directory;
  write(directory.path() + "/env/pyvenv.cfg", "home = /opt/python/bin\nversion = 3.12\n");
  write(directory.path() + "/env/bin/python3", "");
  auto where = installation();
  where.python = directory.path() + "/env/bin/python3";
  const auto policy = engine::host_runner_policy(where, {DeviceKind::cpu, 0}, "", 1);
  CHECK(shows(policy, directory.path() + "/env"));
  CHECK(shows(policy, "/opt/python"));
}

TEST_CASE("GPUs are found by their nodes, with the driver's word on their identity") {
  const tests::TemporaryDirectory directory;
  for (const char* name : {"nvidia10", "nvidia2", "nvidiactl", "nvidia-uvm", "null", "nvidia"}) {
    write(directory.path() + "/dev/" + name, "");
  }
  write(directory.path() + "/proc/0000:01:00.0/information",
        "Model: \t\t NVIDIA H200\nGPU UUID: \t GPU-abc\nDevice Minor: \t 2\n");
  write(directory.path() + "/proc/0000:02:00.0/information", "GPU UUID: GPU-??\nrubbish\n");
  const auto gpus = engine::find_gpus(directory.path() + "/dev", directory.path() + "/proc");
  REQUIRE(gpus.size() == 2);
  CHECK(gpus[0].index == 2);
  CHECK(gpus[0].uuid == "GPU-abc");
  CHECK(gpus[1].index == 10);
  CHECK(gpus[1].uuid.empty());
  CHECK(engine::find_gpus(directory.path() + "/none", directory.path() + "/none").empty());
  CHECK(engine::describe_cpu().memory_total_bytes > 0);
  CHECK_FALSE(engine::describe_cpu().name.empty());
}

TEST_CASE("an artifact's key follows source, name, options, architecture and compiler") {
  const tests::TemporaryDirectory directory;
  auto where = installation();
  where.compiler = directory.path() + "/compiler";
  write(where.compiler, "one");
  const engine::Toolchain toolchain(where);
  schemas::Kernel kernel;
  kernel.source_code = "a";
  const std::string key = toolchain.artifact_key(kernel, "sm_90");
  CHECK(toolchain.artifact_key(kernel, "sm_90") == key);
  CHECK(toolchain.artifact_key(kernel, "sm_100") != key);
  auto other = kernel;
  other.source_code = "b";
  CHECK(toolchain.artifact_key(other, "sm_90") != key);
  other = kernel;
  other.metadata.kernel_name = "";
  CHECK(toolchain.artifact_key(other, "sm_90") != key);
  other = kernel;
  other.metadata.compiler_options = {"-DX"};
  CHECK(toolchain.artifact_key(other, "sm_90") != key);
  schemas::Kernel by_nvrtc, by_nvcc;
  by_nvrtc.type = by_nvcc.type = schemas::KernelType::cuda;
  by_nvcc.metadata.backend = schemas::CudaBackend::nvcc;
  CHECK(toolchain.artifact_key(by_nvcc, "sm_90") != toolchain.artifact_key(by_nvrtc, "sm_90"));
  // What compiling does not look at does not matter.
  other = kernel;
  other.io.emplace();
  CHECK(toolchain.artifact_key(other, "sm_90") == key);
  write(where.compiler, "two");
  CHECK(engine::Toolchain(where).artifact_key(kernel, "sm_90") != key);
}

TEST_CASE("the key of a kernel compiled by Python follows our modules and torch") {
  const tests::TemporaryDirectory directory;
  auto where = installation();
  where.python_modules = directory.path() + "/python";
  where.python = directory.path() + "/env/bin/python3";
  const std::string torch = directory.path() + "/env/lib/python3.11/site-packages/torch";
  fs::create_directories(where.python_modules + "/assay_runner/slim");
  fs::create_directories(torch);
  schemas::Kernel kernel, cuda;
  kernel.type = schemas::KernelType::torch_cuda;
  cuda.type = schemas::KernelType::cuda;
  const std::string cuda_key = engine::Toolchain(where).artifact_key(cuda, "sm_90");
  std::string key = engine::Toolchain(where).artifact_key(kernel, "sm_90");
  for (const std::string& file :
       {where.python_modules + "/assay_runner/compiler.py",
        where.python_modules + "/assay_runner/slim/torch.h", torch + "/version.py"}) {
    for (const char* text : {"one", "two"}) {
      write(file, text);
      const engine::Toolchain toolchain(where);
      INFO(file);
      CHECK(toolchain.artifact_key(kernel, "sm_90") != key);
      key = toolchain.artifact_key(kernel, "sm_90");
      CHECK(toolchain.artifact_key(cuda, "sm_90") == cuda_key);
    }
  }
}
