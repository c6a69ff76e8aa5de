// SPDX-License-Identifier: Apache-2.0
#include "tools/work_call.h"

#include <atomic>
#include <future>

#include <catch2/catch.hpp>

#include "tests/support/fake_engine.h"
#include "tools/all_tools.h"

namespace {

using assay::engine::JobView;
using assay::schemas::ErrorCode;
using assay::schemas::JobState;
using assay::schemas::WorkRequest;
using assay::tests::FakeEngine;
using assay::tools::CallContext;
using assay::tools::Standing;
using namespace std::chrono_literals;

auto run_work(FakeEngine& engine, const WorkRequest& work, const CallContext& context) {
  assay::tools::JobJoin join(engine);
  return assay::tools::run_work(engine, join, work, context);
}

TEST_CASE("a job that ends in time is answered with its evaluation and a summary") {
  FakeEngine engine;
  const auto outcome = run_work(engine, WorkRequest{}, {});
  REQUIRE(outcome.ok());
  CHECK(outcome->standing == Standing::answered);
  CHECK(outcome->document["verdict"]["code"] == "correct");
  CHECK(outcome->document["summary"].get<std::string>().find("It agrees") == 0);
}

TEST_CASE("a job that takes longer than wait_seconds becomes a handle that says what to call") {
  FakeEngine engine;
  engine.hold = true;
  WorkRequest work;
  work.wait_seconds = 0;
  const auto outcome = run_work(engine, work, {});
  REQUIRE(outcome.ok());
  CHECK(outcome->standing == Standing::pending);
  CHECK(outcome->document["status"] == "running");
  CHECK(outcome->document["job_id"] == "job-1");
  CHECK(outcome->document["poll_after_ms"].get<int>() > 0);
  CHECK(outcome->document["next"].get<std::string>().find("get_job_status") != std::string::npos);
  CHECK_FALSE(engine.was_cancelled());
}

TEST_CASE("wait_for_verdict outlasts wait_seconds") {
  FakeEngine engine;
  engine.hold = true;
  WorkRequest work;
  work.wait_seconds = 0;
  CallContext context;
  context.wait_for_verdict = true;
  auto call = std::async(std::launch::async, [&] { return run_work(engine, work, context); });
  REQUIRE(engine.await_submission(2s));
  CHECK(call.wait_for(300ms) == std::future_status::timeout);
  engine.complete("job-1");
  const auto outcome = call.get();
  REQUIRE(outcome.ok());
  CHECK(outcome->standing == Standing::answered);
}

TEST_CASE("a withdrawn call cancels its job") {
  FakeEngine engine;
  engine.hold = true;
  std::atomic<bool> withdrawn = false;
  CallContext context;
  context.cancelled = [&] { return withdrawn.load(); };
  auto call =
      std::async(std::launch::async, [&] { return run_work(engine, WorkRequest{}, context); });
  REQUIRE(engine.await_submission(2s));
  withdrawn = true;
  REQUIRE(call.wait_for(2s) == std::future_status::ready);
  const auto outcome = call.get();
  REQUIRE_FALSE(outcome.ok());
  CHECK(outcome.error().code == ErrorCode::cancelled);
  CHECK(engine.was_cancelled());
}

TEST_CASE("a withdrawn get_job_status leaves the job alone") {
  FakeEngine engine;
  engine.hold = true;
  REQUIRE(engine.submit({}).ok());
  const auto tool =
      assay::tools::get_job_status_tool(engine, std::make_shared<assay::tools::JobJoin>(engine));
  const nlohmann::json arguments = {{"job_id", "job-1"}, {"wait_seconds", 60}};
  assay::tools::Call call{arguments, {}, {}};
  call.context.cancelled = [] { return true; };
  const auto outcome = tool.handler(call);
  REQUIRE_FALSE(outcome.ok());
  CHECK(outcome.error().code == ErrorCode::cancelled);
  CHECK_FALSE(engine.was_cancelled());
}

TEST_CASE("progress is told when it changes, with the place in the queue") {
  FakeEngine engine;
  engine.hold = true;
  std::vector<std::string> messages;
  CallContext context;
  context.progress = [&](double, const std::string& message) {
    messages.push_back(message);
    if (messages.size() == 1)
      engine.set("job-1", [](JobView& job) {
        job.state = JobState::validating;
        job.progress = 0.5;
        job.message = "draw 2 of 4";
      });
    else
      engine.complete("job-1");
  };
  REQUIRE(run_work(engine, WorkRequest{}, context).ok());
  REQUIRE(messages.size() == 2);
  CHECK(messages[0] == "queued, position 1 (job job-1)");
  CHECK(messages[1] == "validating: draw 2 of 4 (job job-1)");
}

TEST_CASE("an interrupted job is our failure, worth a retry, and says nothing about the kernel") {
  JobView job;
  job.job_id = "job-9";
  job.state = JobState::interrupted;
  const auto outcome = assay::tools::outcome_of(job);
  CHECK(outcome.standing == Standing::failed);
  CHECK(outcome.document["status"] == "error");
  CHECK(outcome.document["retryable"] == true);
  CHECK(outcome.document["kernel_exec_result"].is_null());
}

TEST_CASE("an interrupted job keeps what was known of it") {
  JobView job;
  job.job_id = "job-9";
  job.state = JobState::interrupted;
  job.evaluation.emplace();
  job.evaluation->compiled = true;
  const auto outcome = assay::tools::outcome_of(job);
  CHECK(outcome.standing == Standing::failed);
  CHECK(outcome.document["kernel_exec_result"]["compiled"] == true);
}

TEST_CASE("what the compilers said is handed out in pages") {
  FakeEngine engine;
  engine.compile_log_now = std::string(20'000, 'x');
  const auto registry = assay::tools::all_tools(engine);
  const nlohmann::json work = {{"kernel_source", "x"}, {"kernel_type", "torch"}};
  REQUIRE(registry.call("evaluate_kernel", {work, {}, {}}).ok());
  nlohmann::json arguments = {{"job_id", "job-1"}, {"section", "compile_log"}};
  auto page = registry.call("get_job_status", {arguments, {}, {}});
  REQUIRE(page.ok());
  CHECK(page->document["text"].get<std::string>().size() == 16'000);
  CHECK(page->document["next_cursor"] == 16'000);
  CHECK(page->document["total_bytes"] == 20'000);
  CHECK(page->document["status"] == "completed");
  arguments["cursor"] = page->document["next_cursor"];
  page = registry.call("get_job_status", {arguments, {}, {}});
  CHECK(page->document["text"].get<std::string>().size() == 4'000);
  CHECK(page->document["next_cursor"].is_null());
  arguments["section"] = "nothing";
  CHECK_FALSE(registry.call("get_job_status", {arguments, {}, {}}).ok());
  arguments = {{"job_id", "unknown"}, {"section", "compile_log"}};
  CHECK_FALSE(registry.call("get_job_status", {arguments, {}, {}}).ok());
}

TEST_CASE("every timed sample is handed out in pages, and is no part of an answer") {
  FakeEngine engine;
  engine.decide = [](const WorkRequest&) {
    assay::schemas::Evaluation evaluation;
    evaluation.verdict.code = assay::schemas::VerdictCode::correct;
    auto& candidate = evaluation.timing.candidate.emplace();
    candidate.method = "window_stream";
    candidate.stats.kind = "windows";
    candidate.stats.samples = std::vector<double>(999, 0.25);
    candidate.stats.samples.push_back(0.5);
    return evaluation;
  };
  const auto registry = assay::tools::all_tools(engine);
  const nlohmann::json work = {{"kernel_source", "x"}, {"kernel_type", "torch"}};
  const auto answer = registry.call("evaluate_kernel", {work, {}, {}});
  REQUIRE(answer.ok());
  CHECK_FALSE(answer->document.contains("timing_samples"));
  std::string text;
  nlohmann::json arguments = {{"job_id", "job-1"}, {"section", "samples"}, {"cursor", 0}};
  int pages = 0;
  for (; !arguments["cursor"].is_null(); ++pages) {
    const auto page = registry.call("get_job_status", {arguments, {}, {}});
    REQUIRE(page.ok());
    CHECK(page->document["section"] == "samples");
    text += page->document["text"].get<std::string>();
    arguments["cursor"] = page->document["next_cursor"];
  }
  CHECK(pages > 1);
  CHECK(text.starts_with("side,method,kind,ms\ncandidate,window_stream,windows,0.25\n"));
  CHECK(text.ends_with("candidate,window_stream,windows,0.5\n"));
  CHECK(std::count(text.begin(), text.end(), '\n') == 1001);
}

TEST_CASE("a job without timing has no samples, in words") {
  FakeEngine engine;
  engine.hold = true;
  const auto registry = assay::tools::all_tools(engine);
  REQUIRE(engine.submit(WorkRequest{}).ok());
  const nlohmann::json arguments = {{"job_id", "job-1"}, {"section", "samples"}};
  const auto page = registry.call("get_job_status", {arguments, {}, {}});
  REQUIRE(page.ok());
  CHECK(page->document["text"] == nlohmann::json(""));
  CHECK(page->document["summary"] == "Job job-1 has no timed samples before its end.");
}

TEST_CASE("a refusal of the engine is passed on") {
  FakeEngine engine;
  engine.refusal = assay::schemas::Error{ErrorCode::overloaded, "the queue is full", true, {}};
  const auto outcome = run_work(engine, WorkRequest{}, {});
  REQUIRE_FALSE(outcome.ok());
  CHECK(outcome.error().code == ErrorCode::overloaded);
}

}  // namespace
