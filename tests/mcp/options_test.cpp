// SPDX-License-Identifier: Apache-2.0
#include "mcp/options.h"

#include <map>

#include <catch2/catch.hpp>

namespace {

using assay::mcp::Command;
using assay::mcp::Options;
using assay::mcp::parse_options;

assay::mcp::Environment environment(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const char* name) -> std::optional<std::string> {
    const auto found = values.find(name);
    if (found == values.end()) return std::nullopt;
    return found->second;
  };
}

Options parsed(const std::vector<std::string>& arguments,
               std::map<std::string, std::string> values = {}) {
  auto options = parse_options(arguments, environment(std::move(values)));
  INFO((options.ok() ? "" : options.error().message));
  REQUIRE(options.ok());
  return *options;
}

TEST_CASE("serve has safe defaults") {
  const Options options = parsed({"serve"}, {{"HOME", "/home/a"}});
  CHECK(options.command == Command::serve);
  CHECK(options.host == "127.0.0.1");
  CHECK(options.port == 8000);
  CHECK(options.data_directory == "/home/a/.local/state/assay");
  CHECK(options.log_level == "info");
}

TEST_CASE("flags take their value after a space or an equals sign") {
  const Options options =
      parsed({"serve", "--port", "0", "--host=::1", "--data-dir=/d", "--port-file", "/p",
              "--log-level", "DEBUG", "--require-isolation", "pid_namespace,seccomp"});
  CHECK(options.port == 0);
  CHECK(options.host == "::1");
  CHECK(options.data_directory == "/d");
  CHECK(options.port_file == "/p");
  CHECK(options.log_level == "debug");
  CHECK(options.required_isolation == std::vector<std::string>{"pid_namespace", "seccomp"});
}

TEST_CASE("the environment gives defaults that flags override") {
  const std::map<std::string, std::string> values = {{"LOG_LEVEL", "error"},
                                                     {"GPU_TYPE", "H200"},
                                                     {"ASSAY_DATA_DIR", "/e"},
                                                     {"XDG_STATE_HOME", "/s"}};
  Options options = parsed({"serve"}, values);
  CHECK(options.log_level == "error");
  CHECK(options.gpu_type == "H200");
  CHECK(options.data_directory == "/e");
  options = parsed({"serve", "--log-level", "info"}, values);
  CHECK(options.log_level == "info");
  CHECK(parsed({"serve"}, {{"XDG_STATE_HOME", "/s"}}).data_directory == "/s/assay");
}

TEST_CASE("command lines of older servers work") {
  CHECK(parsed({"--mode", "both", "--port", "9"}).command == Command::serve);
  CHECK(parsed({"--mode", "mcp"}).command == Command::stdio);
  const Options options =
      parsed({"--reload", "--cupy-cache-dir", "/x"}, {{"CUDA_LAUNCH_BLOCKING", "1"}});
  CHECK(options.ignored ==
        std::vector<std::string>{"CUDA_LAUNCH_BLOCKING", "--reload", "--cupy-cache-dir"});
  CHECK(parsed({"serve"}, {{"CUPY_KERNEL_CACHE_DIR", "/x"},
                           {"TORCH_USE_CUDA_DSA", "1"},
                           {"ENABLE_DEVICE_METRICS", "true"},
                           {"NCU_SECTIONS", "x"},
                           {"NCU_METRIC_SETS", "x"}})
            .ignored.size() == 5);
}

TEST_CASE("flags of a port are said to be ignored where there is none") {
  CHECK(parsed({"serve", "--port", "1", "--mode", "mcp", "--host=::1"}).ignored ==
        std::vector<std::string>{"--port", "--host"});
  CHECK(parsed({"stdio", "--port-file", "/p", "--rate-limit", "3", "--data-dir", "/d"}).ignored ==
        std::vector<std::string>{"--port-file", "--rate-limit"});
  CHECK(parsed({"serve", "--port", "1", "--host=::1"}).ignored.empty());
}

TEST_CASE("commands and help") {
  CHECK(parsed({}).command == Command::help);
  CHECK(parsed({"--version"}).command == Command::version);
  CHECK(parsed({"doctor"}).command == Command::doctor);
  CHECK(parsed({"stdio"}).command == Command::stdio);
  CHECK(parsed({"serve", "--help"}).command == Command::help);
}

TEST_CASE("compiling is set by the variables of the older servers") {
  Options options = parsed({"serve"});
  CHECK(options.compile_timeout_seconds == 0);
  CHECK(options.architecture.empty());
  options = parsed({"serve"}, {{"COMPILE_TIMEOUT", "180"},
                               {"COMPILER_CPUS", "4"},
                               {"MAX_JOBS", "1"},
                               {"EXEC_TIMEOUT", "30"},
                               {"TORCH_CUDA_ARCH_LIST", "8.0;9.0a+PTX"}});
  CHECK(options.run_timeout_seconds == 30);
  CHECK(options.compile_timeout_seconds == 180);
  CHECK(options.compiler_cpus == 4);
  CHECK(options.max_jobs == 1);
  CHECK(options.architecture == "sm_80");
  const std::map<std::string, std::string> lists = {
      {"9.0", "sm_90"},        {"9.0a", "sm_90a"},       {"9.0+PTX", "sm_90"},
      {"10.0 12.0", "sm_100"}, {" 9.0a+PTX ", "sm_90a"}, {"", ""}};
  for (const auto& [list, architecture] : lists) {
    INFO(list);
    CHECK(parsed({"serve"}, {{"TORCH_CUDA_ARCH_LIST", list}}).architecture == architecture);
  }
  for (const auto& [variable, value] :
       std::vector<std::pair<std::string, std::string>>{{"COMPILE_TIMEOUT", "0"},
                                                        {"COMPILE_TIMEOUT", "601"},
                                                        {"COMPILE_TIMEOUT", "3m"},
                                                        {"EXEC_TIMEOUT", "601"},
                                                        {"COMPILER_CPUS", "-1"},
                                                        {"MAX_JOBS", "many"},
                                                        {"TORCH_CUDA_ARCH_LIST", "sm_90"},
                                                        {"TORCH_CUDA_ARCH_LIST", "9.0;x"},
                                                        {"TORCH_CUDA_ARCH_LIST", "9"},
                                                        {"TORCH_CUDA_ARCH_LIST", "9.00"},
                                                        {"TORCH_CUDA_ARCH_LIST", "0.9"}}) {
    const auto refused = parse_options({"serve"}, environment({{variable, value}}));
    INFO(variable << "=" << value);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().message.find(variable) != std::string::npos);
    CHECK(refused.error().message.find(value == "9.0;x" ? "x" : value) != std::string::npos);
  }
}

TEST_CASE("the cache has a command of its own") {
  CHECK(parsed({"cache", "list", "--data-dir", "/d"}).command == Command::cache);
  CHECK(parsed({"cache", "list", "--data-dir", "/d"}).data_directory == "/d");
  CHECK(parsed({"cache", "clear"}).cache_action == assay::mcp::CacheAction::clear);
  CHECK(parsed({"cache", "verify"}).cache_action == assay::mcp::CacheAction::verify);
  CHECK_FALSE(parse_options({"cache"}, environment({})).ok());
  CHECK_FALSE(parse_options({"cache", "burn"}, environment({})).ok());
}

TEST_CASE("the conformance fixtures are for a server on this machine, and not in the help") {
  CHECK_FALSE(parsed({"serve"}).conformance_fixtures);
  CHECK(parsed({"serve", "--conformance-fixtures"}).conformance_fixtures);
  CHECK(parsed({"serve", "--conformance-fixtures", "--host", "::1"}).conformance_fixtures);
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"serve", "--conformance-fixtures", "--host", "0.0.0.0"},
        {"serve", "--host=192.168.1.1", "--conformance-fixtures"},
        {"stdio", "--conformance-fixtures"},
        {"--mode", "mcp", "--conformance-fixtures"},
        {"doctor", "--conformance-fixtures"}}) {
    const auto options = parse_options(arguments, environment({}));
    REQUIRE_FALSE(options.ok());
    CHECK(options.error().message.find("--conformance-fixtures") != std::string::npos);
  }
  CHECK(assay::mcp::help_text().find("conformance") == std::string::npos);
}

TEST_CASE("what cannot be meant is refused, naming it") {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"bogus"},
                                                    {"serve", "--bogus"},
                                                    {"serve", "--port"},
                                                    {"serve", "--port", "65536"},
                                                    {"serve", "--port", "-1"},
                                                    {"serve", "--port", "8x"},
                                                    {"serve", "--mode", "x"},
                                                    {"serve", "--reload=1"},
                                                    {"serve", "--log-level", "loud"},
                                                    {"serve", "--data-dir", ""}}) {
    const auto options = parse_options(arguments, environment({}));
    INFO(arguments.back());
    REQUIRE_FALSE(options.ok());
    CHECK_FALSE(options.error().message.empty());
  }
}

}  // namespace
