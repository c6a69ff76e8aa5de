// SPDX-License-Identifier: Apache-2.0
#include "mcp/openapi.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "mcp/auth.h"
#include "mcp/metrics.h"
#include "mcp/openapi_schemas.h"
#include "mcp/rest_answers.h"
#include "schemas/requests.h"

namespace assay::mcp {
namespace {

using schemas::Json;

constexpr const char* kFormTypes[] = {"multipart/form-data", "application/x-www-form-urlencoded"};

Json schema_of(const char* name) {
  return {{"$ref", std::string("#/components/schemas/") + name}};
}

Json content(const char* type, Json schema) {
  return {{type, {{"schema", std::move(schema)}}}};
}

Json json_answer(const char* description, const char* schema) {
  return {{"description", description}, {"content", content(kJsonType, schema_of(schema))}};
}

Json problem_answer(const char* description) {
  return {{"description", description}, {"content", content(kProblemType, schema_of("Problem"))}};
}

Json text_answer(const char* description, const char* type) {
  return {{"description", description}, {"content", content(type, {{"type", "string"}})}};
}

Json json_body(Json schema, Json examples) {
  return {{"required", true},
          {"content",
           {{kJsonType, {{"schema", std::move(schema)}, {"examples", std::move(examples)}}}}}};
}

Json form_body(const char* schema, const Json& examples) {
  Json types;
  for (const char* type : kFormTypes)
    types[type] = {{"schema", schema_of(schema)}, {"examples", examples}};
  return {{"required", true}, {"content", std::move(types)}};
}

Json job_id() {
  return {{"name", "job_id"},
          {"in", "path"},
          {"required", true},
          {"description", "As the answer that made the job said it."},
          {"schema", {{"type", "string"}}}};
}

Json query(const char* name, const char* description, Json schema) {
  return {
      {"name", name}, {"in", "query"}, {"description", description}, {"schema", std::move(schema)}};
}

Json whole_number(std::int64_t least, std::int64_t most) {
  return {{"type", "integer"}, {"minimum", least}, {"maximum", most}};
}

Json any_of(const std::vector<const char*>& names) {
  Json schemas = Json::array();
  for (const char* name : names) schemas.push_back(schema_of(name));
  return {{"anyOf", std::move(schemas)}};
}

// The answers of a route that waits for a verdict.
Json verdict_answers() {
  return {
      {"200", json_answer("The verdict. A wrong or crashing kernel is a normal answer: "
                          "compiled or correctness is false.",
                          "Evaluation")},
      {"400", json_answer("The request does not fit its schema.", "ClientError")},
      {"500", json_answer("Time-out while running, no GPU, or our own failure.", "ServerError")},
      {"503", json_answer("Busy or stopping; see Retry-After.", "ServerError")}};
}

Json keck_answers() {
  return {{"200", json_answer("Four fields; msg holds the figures of a kernel that passed, else "
                              "why it did not.",
                              "KeckAnswer")},
          {"400", json_answer("The form cannot be read.", "ClientError")},
          {"500", json_answer("No GPU, or our own failure.", "KeckAnswer")},
          {"503", json_answer("Busy or stopping; see Retry-After.", "KeckAnswer")}};
}

Json operation(const char* id, const char* tag, const char* summary, Json answers) {
  return {{"operationId", id},
          {"tags", {tag}},
          {"summary", summary},
          {"responses", std::move(answers)}};
}

Json with_body(Json operation, Json body) {
  operation["requestBody"] = std::move(body);
  return operation;
}

Json with_parameters(Json operation, Json parameters) {
  operation["parameters"] = std::move(parameters);
  return operation;
}

void add_evaluations(Json& paths) {
  paths["/evaluate"]["post"] = with_body(
      operation("evaluate", "evaluate", "Run and time one kernel, with or without a reference",
                verdict_answers()),
      json_body(schema_of("EvaluateRequest"), evaluate_examples()));
  paths["/compare"]["post"] =
      with_body(operation("compare", "evaluate", "Check a kernel against a reference and time both",
                          verdict_answers()),
                json_body(schema_of("CompareRequest"), compare_examples()));
  paths["/"]["post"] = with_body(
      operation("compareLegacy", "evaluate", "Compare, in the oldest form or a newer one",
                verdict_answers()),
      json_body(any_of({"LegacyRequest", "CompareRequest", "EvaluateRequest"}), root_examples()));
  paths["/compute_score"]["post"] =
      with_body(operation("computeScore", "Keck", "Check ModelNew against Model and time both",
                          keck_answers()),
                form_body("ScoreForm", score_examples()));
  paths["/check_torch"]["post"] = with_body(
      operation("checkTorch", "Keck", "Check one torch model against another", keck_answers()),
      form_body("CheckForm", check_examples()));
  paths["/healthz"]["get"] =
      operation("healthz", "Keck", "Whether the executor is ready, and its resources",
                {{"200", json_answer("Ready or not.", "Cluster")}});
}

void add_jobs(Json& paths, const Json& job_words) {
  Json states = job_words["enum"];
  states.erase(std::find(states.begin(), states.end(), "error"));  // says that there is no such job
  Json state = query("state", "Only jobs in this state.", {{"type", "string"}, {"enum", states}});
  state["example"] = "completed";
  Json limit = query("limit", "Jobs per page.", whole_number(1, 200));
  limit["example"] = 20;
  paths["/jobs"]["get"] = with_parameters(
      operation("listJobs", "jobs", "The jobs of the last hour, newest first",
                {{"200", json_answer("A page.", "JobList")},
                 {"400", problem_answer("A parameter is wrong.")}}),
      {limit,
       query("cursor", "next_cursor of the page before.", {{"type", "integer"}, {"minimum", 0}}),
       state});
  Json& job = paths["/job/{job_id}"];
  Json wait =
      query("wait", "Seconds to wait for the end.", whole_number(0, schemas::kMaxWaitSeconds));
  wait["example"] = 10;
  Json section =
      query("section",
            "Page by page: compile_log, all that the compilers said; samples, every timed "
            "sample.",
            {{"type", "string"}, {"enum", {"status", "compile_log", "samples"}}});
  section["example"] = "status";
  job["get"] = with_parameters(
      operation("getJob", "jobs", "How far a job is, and its result",
                {{"200", json_answer("The job.", "Job")},
                 {"400", json_answer("A parameter is wrong.", "ClientError")},
                 {"404", json_answer("Unknown, or older than an hour.", "ServerError")}}),
      {job_id(), wait, section,
       query("cursor", "next_cursor of the page before.", {{"type", "integer"}, {"minimum", 0}})});
  job["delete"] = with_parameters(
      operation("cancelJob", "jobs", "Cancel a job; one that has ended stays as it is",
                {{"200", json_answer("It has ended.", "Job")},
                 {"202", json_answer("It is about to end.", "Job")},
                 {"404", problem_answer("Unknown, or older than an hour.")}}),
      Json::array({job_id()}));
  paths["/job/{job_id}/events"]["get"] = with_parameters(
      operation(
          "watchJob", "jobs",
          "What happens to a job, as server-sent events: stage, progress, log, at last result",
          {{"200", text_answer("The stream; it ends with the job.", "text/event-stream")},
           {"406", problem_answer("The client does not accept text/event-stream.")},
           {"404", problem_answer("Unknown, or older than an hour.")}}),
      Json::array({job_id()}));
}

void add_server(Json& paths) {
  paths["/health"]["get"] =
      operation("health", "server", "Whether the server is ready, and for what",
                {{"200", json_answer("Ready or starting.", "Health")}});
  paths["/stats"]["get"] = operation("stats", "server", "Jobs, compilations, runs, GPUs, cache",
                                     {{"200", json_answer("Since the start.", "ServerStats")}});
  paths["/metrics"]["get"] = operation("metrics", "server", "The same for Prometheus",
                                       {{"200", text_answer("Text format 0.0.4.", kMetricsType)}});
  paths["/admin/cleanup-jobs"]["post"] =
      operation("cleanupJobs", "server",
                "Remove jobs that ended more than an hour ago (done every 5 minutes anyway)",
                {{"200", json_answer("How many went.", "Cleanup")}});
  paths["/openapi.json"]["get"] = operation(
      "openapi", "server", "This document",
      {{"200",
        {{"description", "OpenAPI 3.1."}, {"content", content(kJsonType, {{"type", "object"}})}}}});
  paths["/docs"]["get"] = operation("docs", "server", "A page to read and try these routes",
                                    {{"200", text_answer("HTML.", "text/html")}});
}

// What any route may say before it sees the request: in the form of its own errors, so both are
// named.
Json refusal_answer(const char* description) {
  return {{"description", description},
          {"content",
           {{kJsonType, {{"schema", schema_of("Refusal")}}},
            {kProblemType, {{"schema", schema_of("Problem")}}}}}};
}

void add_refusals(const std::string& path, Json& operation) {
  Json& answers = operation["responses"];
  const auto add = [&answers](const char* status, const char* description) {
    if (!answers.contains(status)) answers[status] = refusal_answer(description);
  };
  if (is_open_path(path))
    operation["security"] = Json::array();
  else
    add("401", "The server wants its token: Authorization: Bearer TOKEN.");
  add("403", "The Host or the Origin is not one that this server answers to.");
  add("429", "Too many requests or connections of this client; see Retry-After.");
  add("503", "Busy or stopping; see Retry-After.");
  if (!operation.contains("requestBody")) return;
  add("400", "The request cannot be read.");
  add("411", "Content-Length is missing.");
  add("413", "The body is larger than this route takes: 64 MiB with tensors, else 8 MiB.");
  add("415", "The body is encoded, or is not JSON where JSON is wanted.");
}

}  // namespace

Json openapi_document(const tools::Registry& registry, const std::string& version) {
  Json document = {{"openapi", "3.1.0"},
                   {"info",
                    {{"title", "Assay"},
                     {"version", version},
                     {"summary",
                      "Evaluates GPU kernels: do they compile, are they right, how fast "
                      "are they really?"},
                     {"license", {{"name", "Apache-2.0"}, {"identifier", "Apache-2.0"}}}}},
                   // A server that was started without a token wants none.
                   {"security", {{{"token", Json::array()}}, Json::object()}},
                   {"components",
                    {{"schemas", openapi_schemas(registry)},
                     {"securitySchemes", {{"token", {{"type", "http"}, {"scheme", "bearer"}}}}}}}};
  Json& paths = document["paths"];
  add_evaluations(paths);
  add_jobs(paths, document["components"]["schemas"]["Job"]["properties"]["status"]);
  add_server(paths);
  for (auto& [path, operations] : paths.items())
    for (Json& each : operations) add_refusals(path, each);
  return document;
}

}  // namespace assay::mcp
