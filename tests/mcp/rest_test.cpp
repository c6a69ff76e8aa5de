// SPDX-License-Identifier: Apache-2.0
#include "mcp/rest.h"

#include <thread>

#include <catch2/catch.hpp>

#include "tests/mcp/rest_fixture.h"

namespace {

using assay::mcp::Rest;
using assay::mcp::RestResponse;
using assay::schemas::Error;
using assay::schemas::ErrorCode;
using assay::schemas::Evaluation;
using assay::schemas::VerdictCode;
using assay::tests::kEvaluate;
using assay::tests::kKernel;
using assay::tests::RestFixture;
using nlohmann::json;

TEST_CASE_METHOD(RestFixture, "evaluate and compare answer 200 in the shape of the older servers") {
  RestResponse response = post("/evaluate", kEvaluate);
  CHECK(response.status == 200);
  CHECK(response.body["job_id"] == "job-1");
  CHECK(response.body["status"] == "success");
  CHECK(response.body["kernel_exec_result"]["correctness"] == true);
  CHECK(response.body.contains("ref_runtime"));
  response = post("/compare", {{"ref_kernel", kKernel}, {"custom_kernel", kKernel}});
  CHECK(response.status == 200);
  CHECK(engine.submitted.back().kind == assay::schemas::JobKind::compare);
}

TEST_CASE_METHOD(RestFixture, "the root takes the oldest form and the new one") {
  CHECK(post("/", {{"ref_code", "r"}, {"custom_code", "c"}, {"num_trials", 5}}).status == 200);
  CHECK(engine.submitted.back().candidate.type == assay::schemas::KernelType::torch_cuda);
  CHECK(engine.submitted.back().num_trials == 5);
  CHECK(post("/", {{"ref_kernel", kKernel}, {"custom_kernel", kKernel}}).status == 200);
}

TEST_CASE_METHOD(RestFixture, "a kernel's own fault is 200") {
  for (const auto code :
       {VerdictCode::incorrect, VerdictCode::crashed, VerdictCode::compilation_failed,
        VerdictCode::out_of_memory, VerdictCode::reference_failed}) {
    answer_with([code](Evaluation& evaluation) { evaluation.verdict.code = code; });
    CHECK(post("/evaluate", kEvaluate).status == 200);
  }
}

TEST_CASE_METHOD(RestFixture, "a time-out is 500 with what was known") {
  answer_with([](Evaluation& evaluation) {
    evaluation.verdict = {VerdictCode::timed_out, "It did not end within 5 s.", ""};
    evaluation.compiled = true;
  });
  const RestResponse response = post("/evaluate", kEvaluate);
  CHECK(response.status == 500);
  CHECK(response.body["status"] == "error");
  CHECK(response.body["error"] == "It did not end within 5 s.");
  CHECK(response.body["job_id"] == "job-1");
  CHECK(response.body["kernel_exec_result"]["compiled"] == true);
}

TEST_CASE_METHOD(RestFixture, "no device is 500 after compiling, keeping the compile result") {
  answer_with([](Evaluation& evaluation) {
    evaluation.verdict = {VerdictCode::compiled_only, "It compiled; there is no GPU here.", ""};
    evaluation.compiled = true;
    evaluation.no_device = true;
  });
  const RestResponse response = post("/evaluate", kEvaluate);
  CHECK(response.status == 500);
  CHECK(response.body["kernel_exec_result"]["compiled"] == true);
  CHECK_FALSE(response.body["error"].get<std::string>().empty());
}

TEST_CASE_METHOD(RestFixture, "our own failure is 500 with error, job_id and kernel_exec_result") {
  answer_with([](Evaluation& evaluation) { evaluation.error = "the judge died"; });
  RestResponse response = post("/evaluate", kEvaluate);
  CHECK(response.status == 500);
  CHECK(response.body["error"] == "the judge died");
  engine.refusal = Error{ErrorCode::internal, "disk full", true, {}};
  response = post("/evaluate", kEvaluate);
  CHECK(response.status == 500);
  CHECK(response.body.contains("job_id"));
  CHECK(response.body.contains("kernel_exec_result"));
}

TEST_CASE_METHOD(RestFixture, "a job's compile log is a section of it") {
  engine.compile_log_now = std::string(20'000, 'x');
  REQUIRE(post("/evaluate", kEvaluate).status == 200);
  const RestResponse first = rest.handle({"GET", "/job/job-1", "", {{"section", "compile_log"}}});
  CHECK(first.status == 200);
  CHECK(first.body["next_cursor"] == 16'000);
  const RestResponse last =
      rest.handle({"GET", "/job/job-1", "", {{"section", "compile_log"}, {"cursor", "16000"}}});
  CHECK(last.body["text"].get<std::string>().size() == 4'000);
  CHECK(rest.handle({"GET", "/job/job-1", "", {{"section", "x"}}}).status == 400);
  CHECK(rest.handle({"GET", "/job/job-1", "", {{"cursor", "many"}}}).status == 400);
  CHECK(rest.handle({"GET", "/job/none", "", {{"section", "compile_log"}}}).status == 404);
}

TEST_CASE_METHOD(RestFixture, "a malformed request is 400 with every path") {
  for (const json& body : {json::object(), json::array(), json(7), json({{"kernel", 7}}),
                           json({{"kernel", kKernel}, {"num_trials", 0}}),
                           json({{"kernel", kKernel}, {"timeout", 601}})}) {
    const RestResponse response = post("/evaluate", body);
    INFO(body.dump());
    CHECK(response.status == 400);
    CHECK(response.body["status"] == "client_error");
    CHECK(!response.body["validation_errors"].empty());
  }
  const RestResponse broken = rest.handle({"POST", "/evaluate", "{"});
  CHECK(broken.status == 400);
  CHECK(broken.body["status"] == "client_error");
  CHECK(broken.body["validation_errors"].is_array());
}

TEST_CASE_METHOD(RestFixture, "a refusal of the engine keeps its channel") {
  engine.refusal =
      Error{ErrorCode::malformed_call, "needs more memory than any device has", false, {}};
  CHECK(post("/evaluate", kEvaluate).status == 400);
  engine.refusal = Error{ErrorCode::overloaded, "the queue is full", true, {}};
  const RestResponse response = post("/evaluate", kEvaluate);
  CHECK(response.status == 503);
  CHECK(response.retry_after_seconds);
}

TEST_CASE_METHOD(RestFixture, "jobs are found by id, unknown ones are 404") {
  REQUIRE(post("/evaluate", kEvaluate).status == 200);
  const RestResponse response = get("/job/job-1");
  CHECK(response.status == 200);
  CHECK(response.body["status"] == "completed");
  CHECK(response.body["result"]["verdict"]["code"] == "correct");
  CHECK(get("/job/none").status == 404);
  CHECK(get("/job/none").body["status"] == "error");
  CHECK(get("/job/").status == 404);
  CHECK(get("/job/a/b").status == 404);
}

TEST_CASE_METHOD(RestFixture, "health says starting, then healthy") {
  engine.capacity_now.starting = {"cpu judge"};
  CHECK(get("/health").body["status"] == "starting");
  engine.capacity_now.starting.clear();
  const RestResponse response = get("/health");
  CHECK(response.status == 200);
  for (const char* key : {"status", "compilation_service", "profiling_service", "gpu_available",
                          "gpu_count", "backends", "isolation", "version"})
    CHECK(response.body.contains(key));
  CHECK(response.body["status"] == "healthy");
}

TEST_CASE_METHOD(RestFixture, "stats are those of the tool; cleanup removes old jobs") {
  CHECK(get("/stats").body["job_stats"]["total"] == 0);
  const RestResponse response = rest.handle({"POST", "/admin/cleanup-jobs", ""});
  CHECK(response.status == 200);
  CHECK(response.body["removed_jobs"] == 1);
}

TEST_CASE_METHOD(RestFixture,
                 "the wrong method and an unknown path are problems that say what to do") {
  RestResponse response = get("/evaluate");
  CHECK(response.status == 405);
  CHECK(response.allow == "POST");
  CHECK(response.content_type == "application/problem+json");
  CHECK(response.body["status"] == 405);
  CHECK(rest.handle({"PUT", "/job/x", ""}).allow == "GET, DELETE");
  response = get("/nothing");
  CHECK(response.status == 404);
  CHECK(response.content_type == "application/problem+json");
  CHECK(response.body["type"] == "about:blank");
  CHECK(response.body["title"] == "Not Found");
  CHECK_FALSE(response.body["detail"].get<std::string>().empty());
  CHECK(get("/job/a/b").status == 404);
  CHECK(get("/job//events").status == 404);
}

TEST_CASE_METHOD(RestFixture, "HEAD is answered as GET") {
  CHECK(rest.handle({"HEAD", "/health", ""}).status == 200);
  CHECK(rest.handle({"HEAD", "/evaluate", ""}).status == 405);
}

TEST_CASE_METHOD(RestFixture,
                 "a job that the stopping server holds over is 503 with the way back") {
  engine.hold = true;
  std::thread holder([this] {
    REQUIRE(engine.await_submission(std::chrono::seconds(5)));
    engine.set("job-1", [](auto& job) { job.held_over = true; });
  });
  const RestResponse response = post("/evaluate", kEvaluate);
  holder.join();
  CHECK(response.status == 503);
  CHECK_FALSE(response.retry_after_seconds);  // sent again it would run twice
  CHECK(response.body["retryable"] == false);
  CHECK(response.body["status"] == "error");
  CHECK(response.body["job_id"] == "job-1");
  CHECK(response.body["next"] == "Ask GET /job/job-1?wait=45.");
  CHECK(response.body["summary"].get<std::string>().find("get_job_status") == std::string::npos);
  CHECK(response.body["error"].get<std::string>().find("/job/job-1") != std::string::npos);
}

TEST_CASE_METHOD(RestFixture,
                 "X-GPU-Type names the GPU, the CPU without one, or what the operator says") {
  CHECK(get("/health").gpu_type == "cpu");
  assay::schemas::DeviceInfo gpu;
  gpu.kind = assay::schemas::DeviceKind::cuda;
  gpu.name = "NVIDIA H200\r\nX: y";
  engine.capacity_now.devices = {gpu};
  CHECK(get("/health").gpu_type == "NVIDIA H200??X: y");
  const Rest named(registry, engine, {"H200-SXM", ""});
  CHECK(named.handle({"GET", "/health", ""}).gpu_type == "H200-SXM");
}

TEST_CASE_METHOD(RestFixture, "X-GPU-Type is the same rule where something was evaluated") {
  assay::schemas::DeviceInfo device;
  answer_with([&device](auto& evaluation) { evaluation.device = device; });
  device.kind = assay::schemas::DeviceKind::cpu;
  device.name = "AMD EPYC 9575F";
  CHECK(post("/evaluate", kEvaluate).gpu_type == "cpu");
  CHECK(get("/job/job-1").gpu_type == "cpu");
  device.kind = assay::schemas::DeviceKind::cuda;
  device.name = "NVIDIA H200";
  CHECK(
      post("/evaluate", {{"kernel", {{"source_code", "y"}, {"kernel_type", "torch"}}}}).gpu_type ==
      "NVIDIA H200");
  CHECK(get("/job/job-2").gpu_type == "NVIDIA H200");
}

}  // namespace
