// SPDX-License-Identifier: Apache-2.0
#include "engine/memory_check.h"

#include <catch2/catch.hpp>

using namespace assay;

namespace {

schemas::IoContract contract(std::vector<std::int64_t> shape) {
  schemas::ArgSpec small, large;
  small.tensor.emplace();
  small.tensor->shape = {4};
  large.tensor.emplace();
  large.tensor->shape = std::move(shape);
  schemas::IoContract contract;
  contract.args = {small, large};
  return contract;
}

schemas::DeviceInfo device(std::string name, std::int64_t bytes) {
  schemas::DeviceInfo info;
  info.name = std::move(name);
  info.memory_total_bytes = bytes;
  return info;
}

}  // namespace

TEST_CASE("a contract larger than every device names field, need and the largest device") {
  schemas::WorkRequest work;
  work.candidate.io = contract({1000, 1000});
  CHECK(engine::check_memory(work, {}));
  CHECK(engine::check_memory(work, {device("small", 1000), device("large", 4000016)}));
  const auto refused =
      engine::check_memory(work, {device("small", 1000), device("large", 4000015)});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == schemas::ErrorCode::malformed_call);
  REQUIRE(refused.error().fields.size() == 1);
  CHECK(refused.error().fields[0].path == "io_contract.args[1].tensor_spec.shape");
  CHECK(refused.error().message.find("4000016 bytes") != std::string::npos);
  CHECK(refused.error().message.find("(large) has 4000015") != std::string::npos);
}

TEST_CASE("the reference's contract counts, and sizes beyond 64 bits do not wrap") {
  schemas::WorkRequest work;
  work.kind = schemas::JobKind::compare;
  work.reference_io_path = "ref_kernel.io";
  work.candidate.io = contract({1});
  work.reference.emplace();
  work.reference->io = contract({std::int64_t{1} << 40, std::int64_t{1} << 40});
  const auto refused = engine::check_memory(work, {device("large", std::int64_t{1} << 50)});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().fields[0].path == "ref_kernel.io.args[1].tensor_spec.shape");
}
