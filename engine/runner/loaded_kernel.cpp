// SPDX-License-Identifier: Apache-2.0
#include "engine/runner/loaded_kernel.h"

#include <utility>

#include "engine/runner/parameters.h"

namespace assay::engine::runner {
namespace {

constexpr std::size_t kMaxParameters = 4096;  // CUDA allows 32,764 bytes of them
// More shared memory than this must be asked for.
constexpr std::int64_t kSharedMemoryWithoutAsking = std::int64_t{48} << 10;

unsigned int dimension(std::int64_t value) {
  return static_cast<unsigned int>(value);
}

}  // namespace

LoadedKernel::LoadedKernel(const Device& device, const schemas::Kernel& kernel,
                           const std::string& name, const schemas::Json& launch,
                           const std::vector<char>& cubin)
    : contract_(kernel.io.value_or(schemas::IoContract{})),
      launch_(read_launch_spec(contract_, launch)),
      name_(name) {
  const cuda::Driver& driver = device.driver();
  CUmodule module = nullptr;
  check(driver, driver.call.module_load_data(&module, cubin.data()), "loading the cubin");
  module_ = Module(device.driver_pointer(), module);
  const CUresult found = driver.call.module_get_function(&function_, module, name.c_str());
  if (found == CUDA_ERROR_NOT_FOUND) fail_contract("the cubin has no kernel \"" + name + "\"");
  check(driver, found, "finding the kernel");
  read_parameter_sizes(device);
  check_parameters(contract_, launch_, parameter_sizes_, name_);
  configure_launch(device);
}

std::int64_t LoadedKernel::attribute(const Device& device, CUfunction_attribute which) const {
  int value = 0;
  check(device.driver(), device.call().func_get_attribute(&value, which, function_),
        "asking what the kernel uses");
  return value;
}

void LoadedKernel::read_parameter_sizes(const Device& device) {
  for (std::size_t i = 0; i < kMaxParameters; ++i) {
    std::size_t offset = 0, size = 0;
    const CUresult result = device.call().func_get_param_info(function_, i, &offset, &size);
    if (result == CUDA_ERROR_INVALID_VALUE) return;  // behind the last one
    check(device.driver(), result, "asking for the kernel's parameters");
    parameter_sizes_.push_back(size);
  }
}

void LoadedKernel::configure_launch(const Device& device) {
  registers_ = attribute(device, CU_FUNC_ATTRIBUTE_NUM_REGS);
  shared_static_bytes_ = attribute(device, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES);
  local_bytes_ = attribute(device, CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES);
  constant_bytes_ = attribute(device, CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES);
  max_threads_ = attribute(device, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK);

  const std::int64_t threads = launch_.block.x * launch_.block.y * launch_.block.z;
  if (threads > max_threads_)
    fail_contract("a block has " + std::to_string(threads) + " threads; \"" + name_ +
                  "\" can have at most " + std::to_string(max_threads_) + " (it uses " +
                  std::to_string(registers_) + " registers per thread)");
  const std::int64_t shared = shared_static_bytes_ + launch_.shared_memory_bytes;
  const std::int64_t most = device.attribute(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
  if (shared > most)
    fail_contract("launch.shared_mem is " + std::to_string(launch_.shared_memory_bytes) +
                  " bytes beside " + std::to_string(shared_static_bytes_) +
                  " static ones; a block on this device can have " + std::to_string(most));
  if (shared > kSharedMemoryWithoutAsking)
    check(
        device.driver(),
        device.call().func_set_attribute(function_, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                                         static_cast<int>(launch_.shared_memory_bytes)),
        "asking for more shared memory");
}

schemas::Json LoadedKernel::resources() const {
  return {{"kernel_name", name_},
          {"registers", registers_},
          {"shared_static_bytes", shared_static_bytes_},
          {"shared_dynamic_bytes", launch_.shared_memory_bytes},
          {"local_bytes", local_bytes_},
          {"constant_bytes", constant_bytes_},
          {"max_threads_per_block", max_threads_}};
}

void LoadedKernel::launch(const Device& device, void** parameters) const {
  const schemas::Dim3 grid = launch_.grid, block = launch_.block;
  check(device.driver(),
        device.call().launch_kernel(function_, dimension(grid.x), dimension(grid.y),
                                    dimension(grid.z), dimension(block.x), dimension(block.y),
                                    dimension(block.z), dimension(launch_.shared_memory_bytes),
                                    device.stream(), parameters, nullptr),
        "launching the kernel");
}

}  // namespace assay::engine::runner
