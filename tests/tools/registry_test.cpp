// SPDX-License-Identifier: Apache-2.0
#include "tools/registry.h"

#include <stdexcept>

#include <catch2/catch.hpp>

#include "tests/support/fake_engine.h"
#include "tools/all_tools.h"

namespace {

using assay::schemas::ErrorCode;
using assay::tests::FakeEngine;
using assay::tools::all_tools;
using assay::tools::Registry;
using nlohmann::json;

TEST_CASE("there are exactly five tools, in this order") {
  FakeEngine engine;
  const Registry registry = all_tools(engine);
  std::vector<std::string> names;
  for (const auto& tool : registry.tools()) names.push_back(tool.name);
  CHECK(names == std::vector<std::string>{"evaluate_kernel", "compare_kernels", "validate_kernel",
                                          "get_server_stats", "get_job_status"});
}

TEST_CASE("descriptions fit what hosts keep of them") {
  FakeEngine engine;
  const Registry registry = all_tools(engine);
  for (const auto& tool : registry.tools()) {
    INFO(tool.name);
    CHECK(tool.description.size() <= 2'048);
    CHECK(tool.description.find('\n') <= 250);  // the purpose comes first
    CHECK(tool.description.find("Returns ") != std::string::npos);
  }
}

TEST_CASE("an unknown tool is not found and the known ones are named") {
  FakeEngine engine;
  const Registry registry = all_tools(engine);
  const json arguments = json::object();
  const auto outcome = registry.call("eval", {arguments, {}, {}});
  REQUIRE_FALSE(outcome.ok());
  CHECK(outcome.error().code == ErrorCode::not_found);
  CHECK(outcome.error().message.find("evaluate_kernel") != std::string::npos);
}

TEST_CASE("a handler's exception becomes an internal error without its text") {
  assay::tools::Tool tool;
  tool.name = "broken";
  tool.handler = [](const assay::tools::Call&) -> assay::schemas::Result<assay::tools::Outcome> {
    throw std::runtime_error("secret path /etc");
  };
  Registry registry({tool});
  std::string told;
  registry.on_defect = [&](std::string_view, std::string_view what) { told = what; };
  const json arguments = json::object();
  const auto outcome = registry.call("broken", {arguments, {}, {}});
  REQUIRE_FALSE(outcome.ok());
  CHECK(outcome.error().code == ErrorCode::internal);
  CHECK(outcome.error().message.find("secret") == std::string::npos);
  CHECK(told == "secret path /etc");
}

TEST_CASE("malformed arguments are refused before a job is made, naming the path") {
  FakeEngine engine;
  const Registry registry = all_tools(engine);
  const json arguments = {{"kernel_source", "x"}, {"kernel_type", "opencl"}};
  const auto outcome = registry.call("evaluate_kernel", {arguments, {}, {}});
  REQUIRE_FALSE(outcome.ok());
  CHECK(outcome.error().code == ErrorCode::malformed_call);
  CHECK(outcome.error().fields.at(0).path == "kernel_type");
  CHECK(engine.submitted.empty());
}

TEST_CASE("flat, nested and legacy arguments become the same request") {
  FakeEngine engine;
  const Registry registry = all_tools(engine);
  const json flat = {{"ref_kernel_source", "r"},
                     {"custom_kernel_source", "c"},
                     {"custom_kernel_type", "torch_cuda"}};
  const json nested = {{"ref_kernel", {{"source_code", "r"}, {"kernel_type", "torch"}}},
                       {"custom_kernel", {{"source_code", "c"}, {"kernel_type", "torch_cuda"}}}};
  const json legacy = {{"ref_code", "r"}, {"custom_code", "c"}};
  using assay::tools::ArgumentForm;
  REQUIRE(registry.call("compare_kernels", {flat, ArgumentForm::flat, {}}).ok());
  REQUIRE(registry.call("compare_kernels", {nested, ArgumentForm::nested, {}}).ok());
  REQUIRE(registry.call("compare_kernels", {legacy, ArgumentForm::legacy, {}}).ok());
  REQUIRE(engine.submitted.size() == 3);
  for (const auto& work : engine.submitted) {
    CHECK(work.kind == assay::schemas::JobKind::compare);
    CHECK(work.candidate.source_code == "c");
    CHECK(work.candidate.type == assay::schemas::KernelType::torch_cuda);
    REQUIRE(work.reference);
    CHECK(work.reference->source_code == "r");
    CHECK(work.num_trials == assay::schemas::kDefaultTrials);
  }
}

}  // namespace
