// SPDX-License-Identifier: Apache-2.0
// Against values computed by hand from the tables that occupancy.h names.
#include "engine/occupancy.h"

#include <catch2/catch.hpp>

using namespace assay;
using engine::BlockNeeds;
using engine::LaunchedBlock;

namespace {

struct Case {
  const char* architecture;
  BlockNeeds needs;  // threads, registers, bytes of shared memory
  std::int64_t blocks;
  double fraction;
  const char* limiter;
};

schemas::KernelResources kernel(const std::string& name, std::int64_t registers) {
  schemas::KernelResources resources;
  resources.kernel_name = name;
  resources.registers = registers;
  resources.shared_static_bytes = 1024;
  return resources;
}

}  // namespace

TEST_CASE("occupancy is what can be computed by hand") {
  const Case one = GENERATE(
      // 8 warps a block; 32 registers: 1,024 a warp, 16 warps in each part, 64 in all.
      Case{"sm_90", {256, 32, 0}, 8, 1.0, "none"},
      // 40 registers: 1,280 a warp, 12 warps in each part, 48 in all, 6 blocks.
      Case{"sm_90", {256, 40, 0}, 6, 0.75, "registers"},
      // 33 registers are 1,056, rounded up to 1,280.
      Case{"sm_90", {256, 33, 0}, 6, 0.75, "registers"},
      // 255 registers: 8,192 a warp, 2 in each part, one block of 8 warps.
      Case{"sm_90", {256, 255, 0}, 1, 0.125, "registers"},
      // 32 warps of 128 registers would need 131,072: not even one block.
      Case{"sm_90", {1024, 128, 0}, 0, 0.0, "registers"},
      // 48 KiB and 1 KiB reserved: 49 KiB, 4 in 228 KiB.
      Case{"sm_90", {256, 32, 48 << 10}, 4, 0.5, "shared_memory"},
      // 100 KiB and 1: two in 228 KiB; 113 KiB and 1 still two; 114 KiB and 1 only one.
      Case{"sm_90a", {256, 32, 100 << 10}, 2, 0.25, "shared_memory"},
      Case{"sm_90", {256, 32, 113 << 10}, 2, 0.25, "shared_memory"},
      Case{"sm_90", {256, 32, 114 << 10}, 1, 0.125, "shared_memory"},
      // One warp a block: 32 blocks, half of the warps.
      Case{"sm_90", {32, 16, 0}, 32, 0.5, "blocks"},
      // 33 threads are two warps; 32 blocks fill the 64.
      Case{"sm_90", {33, 16, 0}, 32, 1.0, "none"},
      // 24 warps a block: two fit into 64.
      Case{"sm_90", {768, 16, 0}, 2, 0.75, "block_size"},
      Case{"sm_90", {1025, 16, 0}, 0, 0.0, "block_size"},
      Case{"sm_89", {1024, 32, 0}, 1, 32.0 / 48, "block_size"},
      Case{"sm_86", {64, 32, 0}, 16, 32.0 / 48, "blocks"},
      // 164 KiB: 32 KiB and 1 go in 4 times.
      Case{"sm_80", {128, 32, 32 << 10}, 4, 0.25, "shared_memory"},
      // No reserve before 8.0: 32 KiB twice in 64.
      Case{"sm_75", {256, 32, 32 << 10}, 2, 0.5, "shared_memory"},
      Case{"sm_120", {256, 64, 0}, 4, 32.0 / 48, "registers"});
  INFO(one.architecture << " " << one.needs.threads << " " << one.needs.registers_per_thread << " "
                        << one.needs.shared_bytes);
  const auto limits = engine::multiprocessor_limits(one.architecture);
  REQUIRE(limits);
  const auto found = engine::occupancy(*limits, one.needs);
  CHECK(found.blocks == one.blocks);
  CHECK(found.fraction == Approx(one.fraction));
  CHECK(found.limiter == one.limiter);
}

TEST_CASE("a report has the launched kernel's occupancy, and reasons for the others") {
  schemas::CompileReport report;
  report.architecture = "sm_90";
  report.kernels = {kernel("launched", 40), kernel("other", 40)};
  engine::add_occupancy(report, LaunchedBlock{256, 47 << 10});
  CHECK(report.kernels[0].occupancy == 0.5);  // 1 KiB static, 47 dynamic, 1 reserved
  CHECK(report.kernels[0].occupancy_limiter == "shared_memory");
  CHECK(report.kernels[0].shared_dynamic_bytes == 47 << 10);
  CHECK_FALSE(report.kernels[1].occupancy);
  CHECK(report.kernels[1].occupancy_unavailable_reason.find("not the kernel that is launched") !=
        std::string::npos);

  report.kernels = {kernel("extension", 40)};
  engine::add_occupancy(report, {});
  CHECK_FALSE(report.kernels[0].occupancy);
  CHECK(report.kernels[0].occupancy_unavailable_reason.find("when it runs") != std::string::npos);

  report.architecture = "sm_999";
  report.kernels = {kernel("future", 40)};
  engine::add_occupancy(report, LaunchedBlock{256, 0});
  CHECK_FALSE(report.kernels[0].occupancy);
  CHECK(report.kernels[0].occupancy_unavailable_reason.find("sm_999") != std::string::npos);
}
