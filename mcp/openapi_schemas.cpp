// SPDX-License-Identifier: Apache-2.0
#include "mcp/openapi_schemas.h"

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace assay::mcp {
namespace {

using schemas::Json;
using tools::Registry;

constexpr const char* kReference = R"(import torch

def f(x):
    return torch.relu(x)

def get_inputs():
    return [torch.randn(64, 64)]
)";
constexpr const char* kCandidate = R"(import torch

def f(x):
    return x.clamp(min=0)
)";
constexpr const char* kModel = R"(import torch

class Model(torch.nn.Module):
    def forward(self, x):
        return torch.relu(x)

def get_inputs():
    return [torch.randn(64, 64)]

def get_init_inputs():
    return []
)";
constexpr const char* kModelNew = R"(import torch

class ModelNew(torch.nn.Module):
    def forward(self, x):
        return x.clamp(min=0)
)";

Json text(const char* description) {
  return {{"type", "string"}, {"description", description}};
}

Json nullable(const char* type, const char* description) {
  return {{"type", {type, "null"}}, {"description", description}};
}

Json object(Json properties, const std::vector<std::string>& required) {
  Json schema = {{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) schema["required"] = required;
  return schema;
}

Json reference_to(const char* name) {
  return {{"$ref", std::string("#/components/schemas/") + name}};
}

Json array_of(Json items) {
  return {{"type", "array"}, {"items", std::move(items)}};
}

const Json& input_of(const Registry& registry, const char* tool) {
  return registry.find(tool)->input_schema["properties"];
}

// The fields of evaluate_kernel that are not about one kernel and not about MCP.
Json run_options(const Registry& registry) {
  Json options = input_of(registry, "evaluate_kernel");
  for (const char* key :
       {"kernel_source", "kernel_type", "io_contract", "metadata", "reference_kernel_source",
        "reference_kernel_type", "reference_kernel_metadata", "wait_seconds"})
    options.erase(key);
  return options;
}

Json with(Json properties, std::initializer_list<std::pair<const char*, Json>> more) {
  for (const auto& [name, schema] : more) properties[name] = schema;
  return properties;
}

Json kernel_code(const Registry& registry) {
  const Json& fields = input_of(registry, "compare_kernels");
  return object({{"source_code", fields["custom_kernel_source"]},
                 {"kernel_type", fields["custom_kernel_type"]},
                 {"io", fields["custom_kernel_io"]},
                 {"metadata", fields["custom_kernel_metadata"]}},
                {"source_code", "kernel_type"});
}

void add_requests(Json& schemas, const Registry& registry) {
  const Json options = run_options(registry);
  const Json kernel = reference_to("KernelCode");
  schemas["KernelCode"] = kernel_code(registry);
  schemas["EvaluateRequest"] =
      object(with(options, {{"kernel", kernel}, {"ref_kernel", kernel}}), {"kernel"});
  schemas["CompareRequest"] =
      object(with(options, {{"ref_kernel", kernel}, {"custom_kernel", kernel}}),
             {"ref_kernel", "custom_kernel"});
  schemas["LegacyRequest"] =
      object(with(options, {{"ref_code", text("Source of the reference, of type torch.")},
                            {"custom_code", text("Source of the kernel, of type torch_cuda.")}}),
             {"ref_code", "custom_code"});
  // Nothing is required: what is missing is said in the answer, with status 200.
  schemas["ScoreForm"] =
      object({{"cuda_code", text("Python with ModelNew and load_inline.")},
              {"torch_code", text("Python with Model, get_inputs, get_init_inputs.")}},
             {});
  schemas["CheckForm"] =
      object({{"gt_torch", text("The reference: Model, get_inputs, get_init_inputs.")},
              {"to_check_torch", text("Python with ModelNew, or Model.")}},
             {});
}

void add_errors(Json& schemas) {
  const Json fields = array_of(object(
      {{"path", text("JSON path.")}, {"message", text("What is allowed.")}}, {"path", "message"}));
  schemas["ClientError"] = object({{"status", {{"const", "client_error"}}},
                                   {"error", text("What is wrong first.")},
                                   {"validation_errors", fields}},
                                  {"status", "error", "validation_errors"});
  schemas["ServerError"] =
      object({{"status", {{"const", "error"}}},
              {"error", text("Time-out, no GPU, or our own failure.")},
              {"job_id", nullable("string", "Null when no job was made.")},
              {"kernel_exec_result", nullable("object", "What was known by then.")},
              {"retryable", {{"type", "boolean"}}}},
             {"status", "error"});
  schemas["Refusal"] =
      object({{"status", {{"type", "string"}, {"enum", {"client_error", "error"}}}},
              {"error", text("What is wrong and what to do.")},
              {"validation_errors", fields}},
             {"status", "error"});
  schemas["Problem"] = object({{"type", text("about:blank")},
                               {"title", text("The status in words.")},
                               {"status", {{"type", "integer"}}},
                               {"detail", text("What is wrong and what to do.")},
                               {"errors", fields}},
                              {"type", "title", "status", "detail"});
  schemas["Problem"]["description"] = "RFC 9457.";
}

void add_answers(Json& schemas, const Registry& registry) {
  schemas["Evaluation"] = registry.find("compare_kernels")->output_schema;
  schemas["ServerStats"] = registry.find("get_server_stats")->output_schema;
  schemas["Job"] = registry.find("get_job_status")->output_schema;
  const Json& status = schemas["Job"]["properties"]["status"];
  const Json line = object({{"job_id", text("For GET /job/{job_id}.")},
                            {"kind", text("evaluate, compare or validate.")},
                            {"status", status},
                            {"created_at", text("UTC.")},
                            {"started_at", nullable("string", "UTC.")},
                            {"finished_at", nullable("string", "UTC.")},
                            {"message", text("What is being done, or was concluded.")},
                            {"error", nullable("string", "Why there is no verdict.")}},
                           {"job_id", "kind", "status", "created_at"});
  schemas["JobList"] =
      object({{"jobs", array_of(line)},
              {"limit", {{"type", "integer"}}},
              {"next_cursor", nullable("integer", "Of the next page; null at the end.")}},
             {"jobs", "limit", "next_cursor"});
  schemas["Health"] =
      object({{"status", {{"type", "string"}, {"enum", {"starting", "healthy"}}}},
              {"compilation_service", text("starting or ready.")},
              {"profiling_service", text("starting or ready.")},
              {"gpu_available", {{"type", "boolean"}}},
              {"gpu_count", {{"type", "integer"}}},
              {"devices", array_of({{"type", "object"}})},
              {"backends", {{"type", "object"}, {"description", "What each would meet here."}}},
              {"version", text("Of the server.")}},
             {"status", "gpu_available", "gpu_count", "backends", "version"});
  schemas["Cleanup"] = object({{"status", {{"const", "success"}}},
                               {"removed_jobs", {{"type", "integer"}}},
                               {"message", text("The same in words.")}},
                              {"status", "removed_jobs", "message"});
  const Json figures = object({{"torch_profile", nullable("object", "Null until it is made.")},
                               {"torch_time", nullable("number", "Seconds per call, median.")},
                               {"cuda_time", nullable("number", "Seconds per call, median.")},
                               {"speedup", nullable("number", "torch_time over cuda_time.")}},
                              {"torch_profile", "torch_time", "cuda_time", "speedup"});
  schemas["KeckAnswer"] =
      object({{"formated", {{"type", "boolean"}, {"description", "Both sources were sent."}}},
              {"compiled", {{"type", "boolean"}}},
              {"passed", {{"type", "boolean"}}},
              {"msg", {{"anyOf", {text("What failed."), figures}}}}},
             {"formated", "compiled", "passed", "msg"});
  const Json resources =
      object({{"CPU", {{"type", "number"}}}, {"GPU", {{"type", "number"}}}}, {"CPU", "GPU"});
  schemas["Cluster"] =
      object({{"ray_initialized",
               {{"type", "boolean"}, {"description", "Whether the executor is ready."}}},
              {"cluster_resources", resources},
              {"available_resources", resources}},
             {"ray_initialized", "cluster_resources", "available_resources"});
}

Json kernel(const char* source) {
  return {
      {"source_code", source}, {"kernel_type", "torch"}, {"metadata", {{"function_name", "f"}}}};
}

Json example(const char* summary, Json value) {
  return {{"summary", summary}, {"value", std::move(value)}};
}

Json comparison() {
  return {{"ref_kernel", kernel(kReference)},
          {"custom_kernel", kernel(kCandidate)},
          {"num_trials", 20},
          {"timeout", 60}};
}

}  // namespace

Json openapi_schemas(const Registry& registry) {
  Json schemas = Json::object();
  add_requests(schemas, registry);
  add_answers(schemas, registry);
  add_errors(schemas);
  return schemas;
}

Json evaluate_examples() {
  return {{"relu", example("A torch function, without a reference",
                           {{"kernel", kernel(kReference)}, {"num_trials", 20}})}};
}

Json compare_examples() {
  return {{"relu", example("Two torch functions", comparison())}};
}

Json root_examples() {
  return {
      {"legacy", example("The oldest form: torch against torch_cuda",
                         {{"ref_code", kModel}, {"custom_code", kModelNew}, {"num_trials", 20}})},
      {"compare", example("The form of POST /compare", comparison())}};
}

Json score_examples() {
  return {
      {"relu", example("Model and ModelNew", {{"torch_code", kModel}, {"cuda_code", kModelNew}})}};
}

Json check_examples() {
  return {{"relu", example("Two forms of one model",
                           {{"gt_torch", kModel}, {"to_check_torch", kModelNew}})}};
}

}  // namespace assay::mcp
