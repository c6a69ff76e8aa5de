// SPDX-License-Identifier: Apache-2.0
// The driver's wrappers on whatever machine this is: without a GPU they say why, with one memory
// crosses processes.
#include <unistd.h>

#include <catch2/catch.hpp>

#include "engine/cuda/device.h"
#include "engine/cuda/memory.h"
#include "engine/cuda/nvml.h"

using namespace assay::engine;

TEST_CASE("without a driver, opening says what is missing") {
  const auto driver = cuda::Driver::open();
  if (driver) {
    SUCCEED("this machine has a driver");
    return;
  }
  CHECK(driver.error().code == assay::schemas::ErrorCode::no_device);
  CHECK(driver.error().message.find("libcuda.so.1") != std::string::npos);
  const auto nvml = cuda::Nvml::open();
  REQUIRE_FALSE(nvml);
  CHECK(nvml.error().message.find("libnvidia-ml.so.1") != std::string::npos);
}

TEST_CASE("memory that was exported can be mapped a second time") {
  const auto driver = cuda::Driver::open();
  if (!driver || !(*driver)->initialize()) {
    WARN("skipped: no GPU");
    return;
  }
  const auto device = cuda::find_device(**driver, 0, "");
  REQUIRE(device);
  auto context = cuda::PrimaryContext::retain(*driver, *device);
  REQUIRE(context);
  auto mine = cuda::MappedMemory::allocate(*driver, *device, 1000);
  REQUIRE(mine);
  CHECK(mine->bytes() >= 1000);
  const auto descriptor = mine->export_descriptor();
  REQUIRE(descriptor);
  auto theirs = cuda::MappedMemory::import_from(*driver, *device, *descriptor, 1000);
  close(*descriptor);
  REQUIRE(theirs);
  CHECK(theirs->address() != mine->address());
  const cuda::Functions& call = (*driver)->call;
  REQUIRE(call.memset_d32_async(mine->address(), 0x12345678, 250, nullptr) == CUDA_SUCCESS);
  std::uint32_t word = 0;
  REQUIRE(call.memcpy_dtoh_async(&word, theirs->address() + 996, 4, nullptr) == CUDA_SUCCESS);
  REQUIRE(call.stream_synchronize(nullptr) == CUDA_SUCCESS);
  CHECK(word == 0x12345678);
}
