// SPDX-License-Identifier: Apache-2.0
// What the server says about itself: metrics, the OpenAPI document, the page that shows it.
#include <set>
#include <sstream>

#include <catch2/catch.hpp>

#include "mcp/auth.h"
#include "mcp/rest_routes.h"
#include "tests/mcp/rest_fixture.h"

namespace {

using assay::mcp::RestResponse;
using Catch::Contains;
using nlohmann::json;

struct RestServerFixture : assay::tests::RestFixture {
  std::string metrics() const {
    const RestResponse response = get("/metrics");
    CHECK(response.content_type == "text/plain; version=0.0.4; charset=utf-8");
    REQUIRE(response.text);
    return "\n" + *response.text;
  }
};

std::string lower(std::string text) {
  for (char& character : text) character = static_cast<char>(std::tolower(character));
  return text;
}

// Every "$ref" below `node`.
void collect_references(const json& node, std::set<std::string>& found) {
  if (node.is_object() && node.contains("$ref")) found.insert(node["$ref"].get<std::string>());
  if (node.is_structured())
    for (const json& child : node) collect_references(child, found);
}

TEST_CASE_METHOD(RestServerFixture, "metrics count jobs, stages, devices, cache and requests") {
  engine.stats_now.total = 7;
  engine.stats_now.active = 2;
  engine.stats_now.queued = 3;
  engine.stats_now.ended = {{"compare", "cuda", "correct", 4}};
  assay::engine::StageDurations compiling;
  compiling.stage = "compiling";
  compiling.counts[0] = 1;
  compiling.counts[2] = 2;
  compiling.counts.back() = 1;
  compiling.sum_seconds = 700.5;
  engine.stats_now.stages = {compiling};
  engine.stats_now.cache.emplace().hits = 5;
  assay::engine::DeviceUse gpu;
  gpu.device.kind = assay::schemas::DeviceKind::cuda;
  gpu.device.name = "A \"B\"\\\n";
  gpu.device.memory_used_bytes = 1'000'000'000'000;
  gpu.leased = true;
  engine.stats_now.devices = {gpu};
  rest.count("GET", "/job/abc", 200);
  rest.count("GET", "/job/def", 200);
  rest.count("BREW", "/secret", 404);
  rest.count("POST", "/mcp", 200);
  const std::string text = metrics();
  for (const char* line :
       {"\nassay_jobs_submitted_total 7\n", "\nassay_jobs_running 2\n", "\nassay_jobs_queued 3\n",
        "\nassay_jobs_total{kind=\"compare\",kernel_type=\"cuda\",verdict=\"correct\"} 4\n",
        "\nassay_stage_duration_seconds_bucket{stage=\"compiling\",le=\"0.01\"} 1\n",
        "\nassay_stage_duration_seconds_bucket{stage=\"compiling\",le=\"0.1\"} 3\n",
        "\nassay_stage_duration_seconds_bucket{stage=\"compiling\",le=\"600\"} 3\n",
        "\nassay_stage_duration_seconds_bucket{stage=\"compiling\",le=\"+Inf\"} 4\n",
        "\nassay_stage_duration_seconds_sum{stage=\"compiling\"} 700.5\n",
        "\nassay_stage_duration_seconds_count{stage=\"compiling\"} 4\n",
        "\nassay_compile_cache_requests_total{result=\"hit\"} 5\n", "\nassay_gpus 1\n",
        "\nassay_device_leased{kind=\"cuda\",index=\"0\",name=\"A \\\"B\\\"\\\\\\n\"} 1\n",
        ("\nassay_device_memory_used_bytes{kind=\"cuda\",index=\"0\",name=\"A \\\"B\\\"\\\\\\n\"} "
         "1000000000000\n"),
        "\nassay_build_info{version=\"1.2.3\"} 1\n",
        "\nassay_http_requests_total{method=\"GET\",route=\"/job/{job_id}\",status=\"200\"} 2\n",
        "\nassay_http_requests_total{method=\"other\",route=\"other\",status=\"404\"} 1\n",
        "\nassay_http_requests_total{method=\"POST\",route=\"/mcp\",status=\"200\"} 1\n",
        "\n# TYPE assay_stage_duration_seconds histogram\n"})
    CHECK_THAT(text, Contains(line));
}

TEST_CASE_METHOD(RestServerFixture, "what is not known has no line") {
  CHECK_THAT(metrics(), !Contains("assay_compile_cache"));
  CHECK_THAT(metrics(), Contains("assay_ready 1"));
  engine.stats_now.starting = {"zygote"};
  CHECK_THAT(metrics(), Contains("assay_ready 0"));
}

TEST_CASE_METHOD(RestServerFixture, "the OpenAPI document has exactly the routes that are served") {
  const json document = get("/openapi.json").body;
  CHECK(document["openapi"] == "3.1.0");
  CHECK(document["info"]["version"] == "1.2.3");
  std::set<std::string> described, served;
  for (const auto& [path, methods] : document["paths"].items())
    for (const auto& [method, operation] : methods.items())
      described.insert(std::string(method).append(" ").append(path));
  for (const auto& route : assay::mcp::rest_routes())
    served.insert(lower(route.method) + " " + route.path);
  CHECK(described == served);
}

TEST_CASE_METHOD(RestServerFixture,
                 "the OpenAPI document says what is refused before a route sees it") {
  const json document = get("/openapi.json").body;
  CHECK(document["components"]["securitySchemes"]["token"]["scheme"] == "bearer");
  CHECK(document["security"].dump() == R"([{"token":[]},{}])");
  for (const auto& [path, methods] : document["paths"].items()) {
    for (const auto& [method, operation] : methods.items()) {
      INFO(method << " " << path);
      const json& answers = operation["responses"];
      for (const char* status : {"403", "429", "503"}) CHECK(answers.contains(status));
      CHECK(answers.contains("401") != assay::mcp::is_open_path(path));
      CHECK(operation.contains("security") == assay::mcp::is_open_path(path));
      for (const char* status : {"400", "411", "413", "415"})
        CHECK((answers.contains(status) || !operation.contains("requestBody")));
    }
  }
  const json& states = document["paths"]["/jobs"]["get"]["parameters"][2]["schema"]["enum"];
  CHECK(states.size() == 8);
  CHECK(std::find(states.begin(), states.end(), "error") == states.end());
}

TEST_CASE_METHOD(RestServerFixture, "every reference in the OpenAPI document leads somewhere") {
  const json document = get("/openapi.json").body;
  std::set<std::string> references;
  collect_references(document, references);
  CHECK(references.size() >= 10);
  for (const std::string& reference : references) {
    INFO(reference);
    REQUIRE(reference.rfind("#/", 0) == 0);
    CHECK(document.contains(json::json_pointer(reference.substr(1))));
  }
  for (const auto& [name, schema] : document["components"]["schemas"].items()) {
    INFO(name);
    CHECK(references.count("#/components/schemas/" + name) == 1);
  }
}

TEST_CASE_METHOD(RestServerFixture, "the requests' schemas are those of the tools") {
  const json schemas = get("/openapi.json").body["components"]["schemas"];
  const json& flat = registry.find("evaluate_kernel")->input_schema["properties"];
  const json& nested = schemas["EvaluateRequest"]["properties"];
  for (const char* key : {"num_trials", "num_warmup", "atol", "rtol", "timeout", "extra_shapes",
                          "enable_device_metrics"}) {
    INFO(key);
    CHECK(nested[key] == flat[key]);
  }
  CHECK_FALSE(nested.contains("wait_seconds"));
  CHECK_FALSE(nested.contains("kernel_source"));
  CHECK(schemas["KernelCode"]["properties"]["io"] ==
        registry.find("compare_kernels")->input_schema["properties"]["custom_kernel_io"]);
  CHECK(schemas["Evaluation"] == registry.find("evaluate_kernel")->output_schema);
}

TEST_CASE_METHOD(RestServerFixture, "every example of a JSON body is taken without a warning") {
  const json document = get("/openapi.json").body;
  int examples = 0;
  for (const auto& [path, methods] : document["paths"].items()) {
    const auto pointer = json::json_pointer("/post/requestBody/content/application~1json/examples");
    if (!methods.contains(pointer)) continue;
    for (const json& example : methods[pointer]) {
      INFO(path);
      CHECK(post(path, example["value"]).status == 200);
      CHECK(engine.submitted.back().warnings.empty());
      ++examples;
    }
  }
  CHECK(examples == 4);
}

TEST_CASE_METHOD(RestServerFixture, "the page needs nothing from elsewhere and may do little") {
  const RestResponse response = get("/docs");
  CHECK(response.content_type == "text/html; charset=utf-8");
  CHECK_THAT(response.content_security_policy, Contains("default-src 'none'"));
  REQUIRE(response.text);
  CHECK_THAT(*response.text, Contains("fetch(\"openapi.json\")"));
  for (const char* foreign : {"http://", "https://", "src=", "@import", "url(", "innerHTML"})
    CHECK_THAT(*response.text, !Contains(foreign));
}

}  // namespace
