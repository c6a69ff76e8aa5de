// SPDX-License-Identifier: Apache-2.0
// Every kind of answer that a tool gives over MCP: it conforms to the tool's output schema, and
// within the length that hosts take, whatever a kernel says.
#include <catch2/catch.hpp>

#include "mcp/resources.h"
#include "mcp/server.h"
#include "mcp/tool_messages.h"
#include "tests/support/fake_engine.h"
#include "tests/support/schema_faults.h"
#include "tools/all_tools.h"

namespace {

using assay::schemas::Evaluation;
using assay::schemas::JobState;
using assay::schemas::VerdictCode;
using assay::tests::FakeEngine;
using Catch::Contains;
using nlohmann::json;

constexpr std::size_t kMostBytes = 20'000;

std::string repeated(const std::string& unit, std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += unit;
  return text;
}

// An evaluation with as much of everything as there can be.
Evaluation talkative(const std::string& unit, assay::schemas::JobKind kind) {
  const std::string text = repeated(unit, 12 << 10);
  Evaluation evaluation;
  evaluation.kind = kind;
  evaluation.verdict = {VerdictCode::compilation_failed, text, text};
  evaluation.compiled = evaluation.correctness = evaluation.validated = false;
  evaluation.compilation_error = evaluation.validation_error = text;
  evaluation.log_tail = repeated(unit, 16 << 10);
  evaluation.checks.tolerances.assign(
      256, {"|got - want| <= atol + rtol * |want|", 1e-5, 1e-5, "float32", false});
  evaluation.checks.seeds.assign(64, 18'446'744'073'709'551'615ULL);
  evaluation.io_contract.emplace();
  for (int i = 0; i < 256; ++i) {
    assay::schemas::ArgSpec arg;
    arg.name = "argument_" + std::to_string(i);
    arg.tensor.emplace().shape = {1024, 1024};
    evaluation.io_contract->args.push_back(arg);
  }
  evaluation.compile.resize(2);
  for (auto& report : evaluation.compile) {
    report.log = repeated(unit, 64 << 10);
    report.kernels.resize(40);
  }
  evaluation.process_ends.assign(3, {"candidate", "load", "signaled", {}, 11, text});
  evaluation.warnings.assign(64, repeated(unit, 100));
  evaluation.autotune.assign(16, {"kernel", "chosen", {}});
  for (auto& tuning : evaluation.autotune) tuning.trials.assign(256, {"BLOCK: 128", 0.5});
  evaluation.extra_shapes.resize(16);
  for (auto& check : evaluation.extra_shapes)
    check.substitution = {{"args", {{"x", std::vector<int>(500, 1'000'000)}}}};
  return evaluation;
}

const std::vector<std::string>& units() {
  static const std::vector<std::string> all = {"\x01", "\n",   "\"",         "\\",
                                               "é",    "\xff", "error: no\n"};
  return all;
}

struct AnswersOfTools {
  FakeEngine engine;
  assay::tools::Registry registry = assay::tools::all_tools(engine);

  // The outcome of a call as it goes out, checked.
  json call(const std::string& tool, json arguments) const {
    if (tool != "get_job_status" && tool != "get_server_stats") {
      arguments["kernel_source"] = arguments["ref_kernel_source"] = "x";
      arguments["custom_kernel_source"] = "x";
      arguments["kernel_type"] = arguments["custom_kernel_type"] = "torch";
      arguments["fresh"] = true;
    }
    return checked(tool, assay::mcp::tool_result(registry.call(tool, {arguments, {}, {}})));
  }
  json checked(const std::string& tool, const json& result) const {
    const json& document = result["structuredContent"];
    const std::string text = result["content"][0]["text"];
    INFO(tool << " " << text.size() << " " << text.substr(0, 300));
    const std::vector<std::string> none;
    CHECK(assay::tests::schema_faults(document, registry.find(tool)->output_schema) == none);
    CHECK(text == assay::schemas::dump_json(document));
    CHECK(text.size() <= kMostBytes);
    return document;
  }
  void answer_with(const std::function<void(Evaluation&)>& change) {
    engine.decide = [change](const auto& work) {
      Evaluation evaluation;
      evaluation.kind = work.kind;
      change(evaluation);
      return evaluation;
    };
  }
};

constexpr const char* kWorkTools[] = {"evaluate_kernel", "compare_kernels", "validate_kernel"};

TEST_CASE_METHOD(AnswersOfTools, "what a kernel says never makes an answer too long") {
  for (const std::string& unit : units()) {
    engine.decide = [&](const auto& work) { return talkative(unit, work.kind); };
    for (const char* tool : kWorkTools) {
      const json document = call(tool, json::object());
      const std::string id = document["job_id"];
      CHECK(document["verdict"]["code"] == "compilation_failed");
      CHECK_FALSE(document["shortened"]["parts"].empty());
      CHECK_THAT(document["shortened"]["whole_at"].get<std::string>(),
                 Contains("assay://job/" + id + "/report") && Contains("compile_log"));
      const json job = call("get_job_status", {{"job_id", id}});
      CHECK(job["status"] == "completed");
      CHECK(job["result"]["verdict"]["code"] == "compilation_failed");
      CHECK(job.contains("shortened"));
    }
  }
}

TEST_CASE_METHOD(AnswersOfTools, "what was cut is said, and is whole in the report") {
  engine.decide = [&](const auto& work) {
    Evaluation evaluation;
    evaluation.kind = work.kind;
    evaluation.verdict.code = VerdictCode::correct;
    evaluation.log_tail = repeated("0123456789\n", 16 << 10) + "the end";
    evaluation.compilation_error = "the first error" + repeated(" ", 12 << 10) + "the last error";
    evaluation.checks.tolerances.resize(256);
    return evaluation;
  };
  const json document = call("evaluate_kernel", json::object());
  const std::string tail = document["log_tail"];
  CHECK_THAT(tail, Catch::EndsWith("the end") && Contains("bytes left out"));
  const std::string error = document["kernel_exec_result"]["compilation_error"];
  CHECK_THAT(error, Catch::StartsWith("the first error") && Catch::EndsWith("the last error"));
  const std::string parts = document["shortened"]["parts"].dump();
  CHECK_THAT(parts, Contains("log_tail: its end"));
  CHECK_THAT(parts, Contains("checks.tolerances: the first 32 of 256"));
  CHECK(document["checks"]["tolerances"].size() == 32);
  const auto report = assay::mcp::read_resource_at("assay://job/job-1/report", registry);
  REQUIRE(report.ok());
  const json whole = json::parse(report->content["text"].get<std::string>());
  CHECK(whole["log_tail"].get<std::string>().size() > (16 << 10));
  CHECK(whole["checks"]["tolerances"].size() == 256);
  CHECK_FALSE(whole.contains("shortened"));
}

TEST_CASE_METHOD(AnswersOfTools, "an answer that is short enough is as it was") {
  const json document = call("evaluate_kernel", json::object());
  CHECK_FALSE(document.contains("shortened"));
}

TEST_CASE_METHOD(AnswersOfTools, "a page of a log is a page as it is written, and none is lost") {
  for (const std::string& unit : units()) {
    engine.compile_log_now = repeated(unit, 100'000);
    call("evaluate_kernel", json::object());
    std::string all;
    json cursor = 0;
    int pages = 0;
    while (!cursor.is_null() && ++pages < 100) {
      const json page = call("get_job_status",
                             {{"job_id", "job-1"}, {"section", "compile_log"}, {"cursor", cursor}});
      CHECK_FALSE(page.contains("shortened"));
      all += page["text"].get<std::string>();
      cursor = page["next_cursor"];
    }
    CHECK(all == engine.compile_log_now);
  }
}

TEST_CASE_METHOD(AnswersOfTools, "answers about the kernel conform, whatever the verdict") {
  for (int code = 0; code <= static_cast<int>(VerdictCode::infrastructure_failed); ++code) {
    answer_with([&](Evaluation& evaluation) {
      evaluation.verdict = {static_cast<VerdictCode>(code), "s", "n"};
      evaluation.retryable = true;
      evaluation.timing.candidate.emplace();
      evaluation.device.emplace();
    });
    for (const char* tool : kWorkTools) {
      const json document = call(tool, json::object());
      call("get_job_status", {{"job_id", document["job_id"]}});
    }
  }
}

TEST_CASE_METHOD(AnswersOfTools, "answers without a verdict conform") {
  engine.hold = true;
  for (const char* tool : kWorkTools) {
    const json handle = call(tool, {{"wait_seconds", 0}});
    const std::string id = handle["job_id"];
    CHECK(handle["status"] == "running");
    for (const JobState state : {JobState::submitted, JobState::compiling, JobState::profiling,
                                 JobState::failed, JobState::cancelled, JobState::interrupted}) {
      engine.set(id, [&](auto& job) { job.state = state, job.error = "why"; });
      CHECK(call("get_job_status", {{"job_id", id}})["status"] ==
            assay::schemas::job_state_name(state));
      call("get_job_status", {{"job_id", id}, {"section", "compile_log"}});
    }
  }
}

TEST_CASE_METHOD(AnswersOfTools, "our own failures and unknown jobs conform") {
  CHECK(call("get_job_status", {{"job_id", "none"}})["status"] == "error");
  call("get_job_status", {{"job_id", "none"}, {"section", "compile_log"}});
  for (const auto code :
       {assay::schemas::ErrorCode::overloaded, assay::schemas::ErrorCode::no_device,
        assay::schemas::ErrorCode::internal, assay::schemas::ErrorCode::interrupted}) {
    engine.refusal = assay::schemas::Error{code, repeated("\x01", 12 << 10), true, {}};
    for (const char* tool : kWorkTools) CHECK(call(tool, json::object())["status"] == "error");
  }
  const auto defect =
      assay::schemas::Error{assay::schemas::ErrorCode::internal, "internal error", true, {}};
  for (const auto& tool : registry.tools())
    CHECK(checked(tool.name, assay::mcp::tool_result(defect))["retryable"] == true);
}

TEST_CASE_METHOD(AnswersOfTools, "statistics conform, with many devices too") {
  call("get_server_stats", json::object());
  engine.stats_now.starting = {"zygote"};
  engine.stats_now.devices.resize(64);
  for (auto& use : engine.stats_now.devices) use.device.name = repeated("\"", 300);
  call("get_server_stats", json::object());
}

}  // namespace
