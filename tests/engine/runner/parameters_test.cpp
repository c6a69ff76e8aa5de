// SPDX-License-Identifier: Apache-2.0
// What of the device tier needs no GPU: parameters, bindings, pass requests, the helper kernel's
// text.
#include "engine/runner/parameters.h"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>

#include "engine/runner/blocking_kernel.h"
#include "engine/runner/bound_memory.h"
#include "engine/runner/passes.h"

namespace {

using namespace assay::engine::runner;
using assay::schemas::ArgSpec;
using assay::schemas::ArgType;
using assay::schemas::IoContract;
using assay::schemas::Json;
using assay::schemas::RunnerErrorKind;
using assay::schemas::ScalarValue;

template <typename T>
T read_as(const ParameterBytes& bytes) {
  T value{};
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

// The message of the Failure that `act` throws; the kind is checked.
template <typename Act>
std::string failure_of(RunnerErrorKind kind, const Act& act) {
  try {
    act();
  } catch (const Failure& failure) {
    CHECK(failure.error.kind == kind);
    return failure.error.message;
  }
  return "(no failure)";
}

ArgSpec tensor(const std::string& name) {
  ArgSpec argument;
  argument.name = name;
  return argument;
}
ArgSpec scalar(const std::string& name, ArgType type, ScalarValue value) {
  ArgSpec argument;
  argument.name = name;
  argument.type = type;
  argument.value = std::move(value);
  return argument;
}

}  // namespace

TEST_CASE("scalars take the width of their parameter") {
  const ScalarValue five = std::int64_t{-5};
  CHECK(read_as<std::int32_t>(scalar_parameter(five, 4, "n", 0)) == -5);
  CHECK(read_as<std::int64_t>(scalar_parameter(five, 8, "n", 0)) == -5);
  CHECK(read_as<std::int16_t>(scalar_parameter(five, 2, "n", 0)) == -5);
  CHECK(read_as<std::uint32_t>(scalar_parameter(std::int64_t{4000000000}, 4, "n", 0)) ==
        4000000000U);
  CHECK(read_as<float>(scalar_parameter(0.5, 4, "x", 0)) == 0.5F);
  CHECK(read_as<double>(scalar_parameter(0.1, 8, "x", 0)) == 0.1);
  CHECK(read_as<bool>(scalar_parameter(true, 1, "b", 0)));
  CHECK(read_as<std::int32_t>(scalar_parameter(true, 4, "b", 0)) == 1);
}

TEST_CASE("scalars that cannot be given say which, how wide and what for") {
  const auto message = [](ScalarValue value, std::size_t size) {
    return failure_of(RunnerErrorKind::contract, [&] { scalar_parameter(value, size, "n", 2); });
  };
  CHECK(message(std::int64_t{5'000'000'000}, 4) ==
        "the contract's int \"n\" is 5000000000, but parameter 2 of the kernel has 4 bytes");
  CHECK(message(std::int64_t{-2'147'483'649}, 4) != "(no failure)");
  CHECK(message(std::int64_t{256}, 1) != "(no failure)");
  CHECK(message(std::int64_t{1}, 16) ==
        "the contract's int \"n\" needs 1, 2, 4 or 8 bytes, but parameter 2 of the kernel has 16 "
        "bytes");
  CHECK(message(1.0, 2) ==
        "the contract's float \"n\" needs 4 bytes (float) or 8 (double), but parameter 2 of the "
        "kernel has 2 bytes");
  CHECK(message(true, 8) ==
        "the contract's bool \"n\" needs 1 byte (bool) or 4 (int), but parameter 2 of the kernel "
        "has 8 bytes");
  CHECK(message(std::string("text"), 8).find("neither a tensor nor a number") != std::string::npos);
}

TEST_CASE("a contract is compared with the kernel's parameters") {
  IoContract contract;
  contract.args = {tensor("x"), tensor("y"), scalar("n", ArgType::integer, std::int64_t{7})};
  LaunchSpec launch;
  launch.arguments = {0, 1, 2};
  CHECK_NOTHROW(check_parameters(contract, launch, {8, 8, 4}, "add"));
  CHECK(failure_of(RunnerErrorKind::contract, [&] {
          check_parameters(contract, launch, {8, 8}, "add");
        }) == "the kernel \"add\" takes 2 parameters, the contract has 3 arguments (x, y, n)");
  CHECK(failure_of(RunnerErrorKind::contract,
                   [&] {
                     check_parameters(contract, launch, {8, 4, 4}, "add");
                   }) ==
        "the contract's tensor \"y\" is a pointer of 8 bytes, but parameter 1 of the kernel has 4 "
        "bytes");
  CHECK(failure_of(RunnerErrorKind::contract, [&] {
          check_parameters(contract, launch, {8, 8, 24}, "add");
        }).find("parameter 2 of the kernel has 24 bytes") != std::string::npos);
  CHECK_NOTHROW(check_parameters(IoContract{}, LaunchSpec{}, {}, "empty"));
}

TEST_CASE("a compiler's launch leaves arguments out, reorders them and adds scratch pointers") {
  IoContract contract;
  contract.args = {tensor("x"), scalar("one", ArgType::integer, std::int64_t{1}), tensor("y"),
                   scalar("n", ArgType::integer, std::int64_t{7})};
  contract.launch.emplace();
  contract.launch->grid = assay::schemas::Dim3{6, 5, 4};
  const Json given = {{"parameters", {3, 0, 2}},
                      {"block", {{"x", 64}}},
                      {"shared_mem", 1024},
                      {"scratch", Json::array({{{"bytes", 256}, {"alignment", 128}},
                                               {{"bytes", 0}, {"alignment", 1}}})}};
  const LaunchSpec launch = read_launch_spec(contract, given);
  CHECK(launch.arguments == std::vector<std::size_t>{3, 0, 2});
  CHECK(launch.block.x * launch.block.y * launch.block.z == 64);
  CHECK(launch.grid.z == 4);
  CHECK(launch.shared_memory_bytes == 1024);
  REQUIRE(launch.scratch.size() == 2);
  CHECK(launch.scratch_bytes(launch.scratch[0]) == std::int64_t{256} * 6 * 5 * 4);
  CHECK(launch.scratch_bytes(launch.scratch[1]) == 0);
  CHECK_NOTHROW(check_parameters(contract, launch, {4, 8, 8, 8, 8}, "k"));
  CHECK(
      failure_of(RunnerErrorKind::contract,
                 [&] {
                   check_parameters(contract, launch, {4, 8, 8}, "k");
                 }) ==
      "the kernel \"k\" takes 3 parameters, the contract has 3 arguments (n, x, y), and there are "
      "2 pointers to scratch memory");
  CHECK(failure_of(RunnerErrorKind::contract, [&] {
          check_parameters(contract, launch, {4, 8, 8, 8, 4}, "k");
        }) == "scratch memory is a pointer of 8 bytes, but parameter 4 of the kernel has 4 bytes");
  CHECK(failure_of(RunnerErrorKind::contract, [&] {
          check_parameters(contract, launch, {4, 4, 8, 8, 8}, "k");
        }).find("tensor \"x\" is a pointer of 8 bytes, but parameter 1") != std::string::npos);

  ScratchSpec endless;
  endless.bytes_per_block = kMaxScratchBytes;
  CHECK(failure_of(RunnerErrorKind::contract, [&] {
          launch.scratch_bytes(endless);
        }).find("scratch memory for each block") != std::string::npos);
}

TEST_CASE("without a compiler's launch the contract says it all") {
  IoContract contract;
  contract.args = {tensor("x"), tensor("y")};
  const auto missing = [&](const Json& launch) {
    return failure_of(RunnerErrorKind::contract, [&] { read_launch_spec(contract, launch); });
  };
  CHECK(missing(Json()).find("launch.grid and launch.block") != std::string::npos);
  contract.launch.emplace();
  contract.launch->grid = assay::schemas::Dim3{2, 1, 1};
  CHECK(missing(Json::object()).find("launch.grid and launch.block") != std::string::npos);
  contract.launch->block = assay::schemas::Dim3{32, 2, 1};
  contract.launch->shared_memory_bytes = 64;
  for (const Json& nothing : {Json(), Json::object()}) {
    const LaunchSpec launch = read_launch_spec(contract, nothing);
    CHECK(launch.arguments == std::vector<std::size_t>{0, 1});
    CHECK(launch.block.y == 2);
    CHECK(launch.shared_memory_bytes == 64);
    CHECK(launch.scratch.empty());
  }
}

TEST_CASE("a compiler's launch is read strictly") {
  IoContract contract;
  contract.args = {tensor("x"), tensor("y")};
  contract.launch.emplace();
  contract.launch->grid = assay::schemas::Dim3{1, 1, 1};
  const Json good = {{"parameters", {0, 1}}, {"block", {{"x", 32}}}, {"shared_mem", 0}};
  CHECK_NOTHROW(read_launch_spec(contract, good));
  const auto refused = [&](const char* key, const Json& value) {
    Json launch = good;
    launch[key] = value;
    return failure_of(RunnerErrorKind::protocol, [&] { read_launch_spec(contract, launch); }) !=
           "(no failure)";
  };
  CHECK(refused("parameters", {0, 2}));
  CHECK(refused("parameters", {-1}));
  CHECK(refused("parameters", {"x"}));
  CHECK(refused("parameters", nullptr));
  CHECK(refused("block", {{"x", 0}}));
  CHECK(refused("block", {{"x", 2048}}));
  CHECK(refused("block", 32));
  CHECK(refused("shared_mem", -1));
  CHECK(refused("shared_mem", std::int64_t{1} << 40));
  CHECK(refused("scratch", 3));
  CHECK(refused("scratch", Json::array({3})));
  CHECK(refused("scratch", Json::array({{{"bytes", -1}}})));
  CHECK(refused("scratch", Json::array({{{"bytes", 8}, {"alignment", 4096}}})));
  contract.launch.reset();
  CHECK(failure_of(RunnerErrorKind::contract, [&] {
          read_launch_spec(contract, good);
        }).find("launch.grid") != std::string::npos);
}

TEST_CASE("tensors must lie inside their arena") {
  assay::schemas::TensorBinding tensor;
  tensor.shape = {4};
  tensor.offset = 256;
  tensor.stride = 512;
  CHECK(offset_in_arena(tensor, 0, 4096) == 256);
  CHECK(offset_in_arena(tensor, 7, 4096) == 3840);
  const auto refused = [](assay::schemas::TensorBinding changed, std::int64_t slot) {
    return failure_of(RunnerErrorKind::protocol, [&] { offset_in_arena(changed, slot, 4096); }) !=
           "(no failure)";
  };
  CHECK(refused(tensor, 8));
  auto changed = tensor;
  changed.offset = -8;
  CHECK(refused(changed, 0));
  changed = tensor;
  changed.stride = std::int64_t{1} << 62;
  CHECK(refused(changed, 4));
  changed = tensor;
  changed.shape = {std::int64_t{1} << 61};
  CHECK(refused(changed, 0));
  changed = tensor;
  changed.shape = {961};
  CHECK(refused(changed, 0));
  changed.shape = {960};
  CHECK_FALSE(refused(changed, 0));
  changed.shape = {-1};
  CHECK(refused(changed, 0));
}

TEST_CASE("bind and pass requests are read strictly") {
  const Json tensor = {{"kind", "tensor"}, {"role", "input"}, {"dtype", "float32"}, {"shape", {4}},
                       {"arena", "input"}, {"offset", 0},     {"stride", 16}};
  const Json good = {{"slots", 2},
                     {"arguments", Json::array({tensor})},
                     {"outputs", nullptr},
                     {"input_bytes", 32},
                     {"output_bytes", 0}};
  CHECK(read_bind_request(good).arguments.size() == 1);
  const auto bind_refused = [&](const char* key, const Json& value) {
    Json request = good;
    request[key] = value;
    return failure_of(RunnerErrorKind::protocol, [&] { read_bind_request(request); }) !=
           "(no failure)";
  };
  CHECK(bind_refused("slots", 0));
  CHECK(bind_refused("slots", 8193));
  CHECK(bind_refused("slots", nullptr));
  CHECK(bind_refused("input_bytes", -1));
  CHECK(bind_refused("arguments", 3));
  CHECK(bind_refused("arguments", Json::array({{{"kind", "tensor"}}})));
  CHECK(bind_refused("outputs", Json::array({{{"kind", "none"}}})));

  const Json pass = {
      {"kind", "time"}, {"window", 3}, {"slots", {1, 0}}, {"mode", "events"}, {"warmup", 2}};
  const PassPlan plan = read_pass_plan(pass, 2);
  CHECK(plan.mode == PassMode::events);
  CHECK(plan.slots == std::vector<std::int64_t>{1, 0});
  Json empty = pass;
  empty["slots"] = Json::array();
  CHECK(read_pass_plan(empty, 2).slots.empty());
  Json check = pass;
  check["kind"] = "check";
  CHECK(read_pass_plan(check, 2).mode == PassMode::stream);
  const auto pass_refused = [&](const char* key, const Json& value) {
    Json request = pass;
    request[key] = value;
    return failure_of(RunnerErrorKind::protocol, [&] { read_pass_plan(request, 2); }) !=
           "(no failure)";
  };
  CHECK(pass_refused("kind", "other"));
  CHECK(pass_refused("kind", nullptr));
  CHECK(pass_refused("mode", "fast"));
  CHECK(pass_refused("window", 0));
  CHECK(pass_refused("window", std::int64_t{1} << 32));
  CHECK(pass_refused("slots", nullptr));
  CHECK(pass_refused("slots", {2}));
  CHECK(pass_refused("slots", {-1}));
  CHECK(pass_refused("slots", {0, 1, 0}));
  CHECK(pass_refused("slots", {"0"}));
  CHECK(pass_refused("warmup", 10001));
}

TEST_CASE("the blocking kernel is valid PTX") {
  const char* assembler = std::getenv("ASSAY_PTXAS");
  if (assembler == nullptr || !std::filesystem::exists(assembler)) {
    WARN("no ptxas here: not assembled");
    return;
  }
  const auto folder =
      std::filesystem::temp_directory_path() / ("assay_ptx_" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  std::ofstream(folder / "hold.ptx") << kBlockingKernelPtx;
  for (const char* const target : {"sm_75", "sm_90"}) {
    const std::string command = std::string(assembler) + " -arch=" + target + " -o " +
                                (folder / "hold.cubin").string() + " " +
                                (folder / "hold.ptx").string();
    CHECK(std::system(command.c_str()) == 0);
  }
  std::filesystem::remove_all(folder);
}
