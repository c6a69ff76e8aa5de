// SPDX-License-Identifier: Apache-2.0
// Keck's routes: the form of the answer, its words and its status.
#include <algorithm>

#include <catch2/catch.hpp>

#include "mcp/keck.h"
#include "tests/mcp/rest_fixture.h"

namespace {

using assay::mcp::keck_compile_log;
using assay::mcp::RestResponse;
using assay::schemas::Error;
using assay::schemas::ErrorCode;
using assay::schemas::Evaluation;
using assay::schemas::KernelType;
using assay::schemas::VerdictCode;
using Catch::Contains;
using Catch::StartsWith;
using nlohmann::json;

struct KeckFixture : assay::tests::RestFixture {
  RestResponse score() const {
    return post_form("/compute_score", {{"cuda_code", "new"}, {"torch_code", "old"}});
  }
  RestResponse check() const {
    return post_form("/check_torch", {{"gt_torch", "old"}, {"to_check_torch", "new"}});
  }
};

std::string message(const RestResponse& response) {
  return response.body["msg"].is_string() ? response.body["msg"].get<std::string>() : "";
}

void has_four_fields(const RestResponse& response) {
  CHECK(response.body.size() == 4);
  for (const char* key : {"formated", "compiled", "passed", "msg"})
    CHECK(response.body.contains(key));
}

TEST_CASE_METHOD(KeckFixture, "a score has the figures in seconds") {
  answer_with([](Evaluation& evaluation) {
    evaluation.verdict.code = VerdictCode::correct;
    evaluation.compiled = evaluation.correctness = true;
    evaluation.timing.candidate.emplace().stats.median = 2.5;
    evaluation.timing.reference.emplace().stats.median = 10;
    evaluation.timing.speedup = 4;
  });
  const RestResponse response = score();
  CHECK(response.status == 200);
  has_four_fields(response);
  CHECK(response.body["passed"] == true);
  const json& figures = response.body["msg"];
  CHECK(figures["torch_time"].get<double>() == Approx(0.010));
  CHECK(figures["cuda_time"].get<double>() == Approx(0.0025));
  CHECK(figures["speedup"] == 4.0);
  CHECK(figures["torch_profile"].is_null());
  CHECK(message(check()) == "#### Correctness check passed!");
}

TEST_CASE_METHOD(KeckFixture,
                 "the request is a comparison at Keck's tolerance and within its times") {
  score();
  const auto& work = engine.submitted.back();
  CHECK(work.kind == assay::schemas::JobKind::compare);
  CHECK(work.reference->source_code == "old");
  CHECK(work.candidate.source_code == "new");
  CHECK(work.candidate.type == KernelType::torch_cuda);
  CHECK(work.atol == 1e-2);
  CHECK(work.rtol == 1e-2);
  CHECK(work.timeout_seconds == 240);
  CHECK(work.run_timeout_seconds == 60);
  check();
  CHECK(engine.submitted.back().candidate.type == KernelType::torch);
}

TEST_CASE_METHOD(KeckFixture, "both encodings of a form are read") {
  const RestResponse response = rest.handle({"POST",
                                             "/compute_score",
                                             "torch_code=a%0Ab&cuda_code=c+d",
                                             {},
                                             "application/x-www-form-urlencoded"});
  CHECK(response.body["passed"] == true);
  CHECK(engine.submitted.back().reference->source_code == "a\nb");
  CHECK(engine.submitted.back().candidate.source_code == "c d");
}

TEST_CASE_METHOD(KeckFixture, "what is missing is said with status 200") {
  for (const auto& response :
       {post_form("/compute_score", {{"torch_code", "x"}}), post_form("/compute_score", {}),
        rest.handle({"POST", "/compute_score", R"({"cuda_code": "x"})"})}) {
    CHECK(response.status == 200);
    has_four_fields(response);
    CHECK(response.body["formated"] == false);
    CHECK(response.body["compiled"] == false);
    CHECK(message(response) == "Cannot find cuda code block");
  }
  CHECK(message(post_form("/check_torch", {{"gt_torch", "x"}})) == "Cannot find torch code block");
  const RestResponse response = post_form("/compute_score", {{"cuda_code", "x"}});
  CHECK(response.body["formated"] == false);
  CHECK_THAT(message(response), Contains("torch_code"));
  CHECK(engine.submitted.empty());
  CHECK(
      rest.handle({"POST", "/check_torch", "--b", {}, "multipart/form-data; boundary=b"}).status ==
      400);
}

TEST_CASE_METHOD(KeckFixture, "what failed is said in a few words") {
  answer_with([](Evaluation& evaluation) {
    evaluation.verdict.code = VerdictCode::compilation_failed;
    evaluation.compiled = evaluation.correctness = false;
    evaluation.compilation_error = "note: x\n/a/b/c/d/e.cu(3): error: no such thing\nmore";
  });
  RestResponse response = score();
  CHECK(response.status == 200);
  CHECK(response.body["formated"] == true);
  CHECK(response.body["compiled"] == false);
  CHECK(message(response) == "failed: compilation error: c/d/e.cu(3): error: no such thing");

  answer_with([](Evaluation& evaluation) {
    evaluation.verdict = {VerdictCode::timed_out, "It did not end.", ""};
    evaluation.compiled = true;
  });
  response = score();
  CHECK(response.status == 200);
  CHECK(message(response) == "failed: test timed out");

  answer_with([](Evaluation& evaluation) {
    evaluation.verdict.code = VerdictCode::incorrect;
    evaluation.compiled = true;
    evaluation.correctness = false;
    evaluation.validation_error = "output 0 differs";
  });
  response = score();
  CHECK(response.body["compiled"] == true);
  CHECK(response.body["passed"] == false);
  CHECK(message(response) == "failed: test error: output 0 differs");
}

TEST_CASE_METHOD(KeckFixture, "our own failures keep their status and the four fields") {
  answer_with([](Evaluation& evaluation) { evaluation.error = "the judge died"; });
  RestResponse response = score();
  CHECK(response.status == 500);
  has_four_fields(response);
  CHECK_THAT(message(response), Contains("the judge died"));
  engine.refusal = Error{ErrorCode::overloaded, "the queue is full", true, {}};
  response = score();
  CHECK(response.status == 503);
  CHECK(response.retry_after_seconds);
  has_four_fields(response);
  engine.refusal = Error{ErrorCode::malformed_call, "too large", false, {}};
  response = score();
  CHECK(response.status == 200);
  CHECK(response.body["formated"] == false);
}

TEST_CASE_METHOD(KeckFixture, "healthz counts what a cluster would") {
  engine.stats_now.starting = {"cpu judge"};
  CHECK(get("/healthz").body["ray_initialized"] == false);
  engine.stats_now.starting.clear();
  assay::engine::DeviceUse gpu;
  gpu.device.kind = assay::schemas::DeviceKind::cuda;
  engine.stats_now.devices = {gpu, gpu, {}};
  engine.stats_now.devices[0].leased = true;
  const json body = get("/healthz").body;
  CHECK(body["ray_initialized"] == true);
  CHECK(body["cluster_resources"]["GPU"] == 2.0);
  CHECK(body["available_resources"]["GPU"] == 1.0);
  CHECK(body["cluster_resources"]["CPU"].get<double>() >= 1);
}

TEST_CASE("a compile log is cut to its errors and short paths") {
  CHECK(keck_compile_log("") == "empty log");
  CHECK(keck_compile_log("one\n\n two \nthree\nfour\nfive\nsix") == "one\ntwo \nthree\nfour\nfive");
  CHECK(keck_compile_log("x\nRuntimeError: bad\nRuntimeError: bad\ny") == "RuntimeError: bad");
  CHECK(keck_compile_log("/usr/lib/python3/torch/include/a.h:1: fatal error: b/c.h: none") ==
        "torch/include/a.h:1: fatal error: b/c.h: none");
  std::string many;
  for (int i = 0; i < 30; ++i) many += "k.cu(" + std::to_string(i) + "): error: e\n";
  const std::string cut = keck_compile_log(many + "error: " + std::string(5'000, 'x'));
  CHECK(std::count(cut.begin(), cut.end(), '\n') == 9);
  CHECK(keck_compile_log("error: " + std::string(5'000, 'x')).size() < 500);
}

TEST_CASE_METHOD(KeckFixture, "errors are about the fields of the form that was sent") {
  const std::string long_source(5 << 20, 'x');
  struct Case {
    const char *route, *reference, *candidate;
  };
  for (const Case& each : {Case{"/compute_score", "torch_code", "cuda_code"},
                           Case{"/check_torch", "gt_torch", "to_check_torch"}}) {
    const auto said = [&](const std::string& reference, const std::string& candidate) {
      return message(
          post_form(each.route, {{each.reference, reference}, {each.candidate, candidate}}));
    };
    CHECK_THAT(said("x", "  "),
               StartsWith("failed: " + std::string(each.candidate) + ": is empty"));
    CHECK_THAT(said(" ", "x"), StartsWith("failed: " + std::string(each.reference) + ": is empty"));
    CHECK_THAT(said("x", long_source), StartsWith("failed: " + std::string(each.candidate) + ": "));
  }
}

}  // namespace
