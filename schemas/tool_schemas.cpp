// SPDX-License-Identifier: Apache-2.0
#include "schemas/tool_schemas.h"

#include "schemas/evaluation.h"
#include "schemas/evaluation_words.h"
#include "schemas/job.h"
#include "schemas/requests.h"

namespace assay::schemas {
namespace {

Json text(const char* description) {
  return {{"type", "string"}, {"description", description}};
}

Json word(const std::vector<std::string>& words, const char* description) {
  return {{"type", "string"}, {"enum", words}, {"description", description}};
}

Json integer(std::int64_t least, std::int64_t most, std::int64_t fallback,
             const char* description) {
  return {{"type", "integer"},
          {"minimum", least},
          {"maximum", most},
          {"default", fallback},
          {"description", description}};
}

Json number_of(const char* description) {
  return {{"type", "number"}, {"description", description}};
}

Json tolerance(const char* description) {
  Json schema = number_of(description);
  schema["minimum"] = 0;
  schema["maximum"] = kMaxTolerance;
  return schema;
}

Json object(Json properties, const std::vector<std::string>& required) {
  Json schema = {{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) schema["required"] = required;
  return schema;
}

Json source() {
  return text("Complete source code, at most 4 MiB.");
}

Json kernel_type() {
  return word(kernel_type_names(),
              "torch: Python, torch only; torch_cuda: Python with load_inline; triton; cuda: one "
              "__global__ kernel; "
              "multi_kernel: Python entry point.");
}

Json dim3(const char* description) {
  const Json size = {{"type", "integer"}, {"minimum", 1}};
  Json schema = object({{"x", size}, {"y", size}, {"z", size}}, {});
  schema["description"] = description;
  return schema;
}

Json io_contract(const char* description) {
  const Json init = object(
      {{"kind",
        {{"type", "string"}, {"enum", {"randn", "uniform", "zeros", "ones", "full", "arange"}}}},
       {"seed", {{"type", "integer"}, {"minimum", 0}}},
       {"mean", {{"type", "number"}}},
       {"std", {{"type", "number"}}},
       {"low", {{"type", "number"}}},
       {"high", {{"type", "number"}}},
       {"fill_value", {{"type", "number"}}},
       {"start", {{"type", "number"}}},
       {"step", {{"type", "number"}}}},
      {"kind"});
  Json data = object({{"data_b64", text("Little-endian contiguous bytes, base64.")},
                      {"compress", {{"type", "string"}, {"enum", {"none", "zlib"}}}}},
                     {"data_b64"});
  Json tensor =
      object({{"shape", {{"type", "array"}, {"items", {{"type", "integer"}, {"minimum", 0}}}}},
              {"dtype", {{"type", "string"}, {"enum", dtype_names()}, {"default", "float32"}}},
              {"init", init},
              {"data", std::move(data)}},
             {"shape"});
  tensor["description"] = "For type tensor.";
  const Json argument = object(
      {{"name", {{"type", "string"}}},
       {"type", {{"type", "string"}, {"enum", {"tensor", "int", "float", "bool", "str"}}}},
       {"value", {{"description", "For scalars: the number, boolean or string."}}},
       {"tensor_spec", std::move(tensor)},
       {"role", {{"type", "string"}, {"enum", {"input", "output", "inout"}}, {"default", "input"}}},
       {"is_meta", {{"type", "boolean"}, {"description", "A Triton constexpr."}}}},
      {"name", "type"});
  Json launch = object(
      {{"grid", dim3("Blocks.")},
       {"block", dim3("Threads per block (cuda).")},
       {"num_warps", {{"type", "integer"}}},
       {"num_stages", {{"type", "integer"}}},
       {"shared_mem", {{"type", "integer"}, {"description", "Dynamic shared memory, bytes."}}}},
      {});
  launch["description"] = "cuda needs grid and block.";
  Json contract = object({{"args",
                           {{"type", "array"},
                            {"description", "In the order of the kernel's parameters."},
                            {"items", argument}}},
                          {"launch", std::move(launch)}},
                         {"args"});
  contract["description"] = description;
  return contract;
}

Json metadata(const char* description) {
  Json schema =
      object({{"function_name", text("torch: the function to call.")},
              {"class_name", text("torch, triton: the class (Model).")},
              {"method_name", text("torch: its method (forward).")},
              {"kernel_name", text("cuda, triton: which kernel.")},
              {"entry_point", text("multi_kernel: required.")},
              {"compiler_options", {{"type", "array"}, {"items", {{"type", "string"}}}}},
              {"backend", {{"type", "string"}, {"enum", {"nvrtc", "nvcc"}}, {"default", "nvrtc"}}}},
             {});
  schema["description"] = description;
  return schema;
}

Json free_object(const char* description) {
  return {{"type", "object"}, {"description", description}};
}

// Of answers that may be longer than a host takes.
Json shortened() {
  return free_object(
      "Where the answer would be too long: {parts: what was cut, whole_at: where it is whole}.");
}

void add_run_options(Json& properties) {
  properties["extra_shapes"] = {
      {"type", "array"},
      {"items", {{"type", "object"}}},
      {"description",
       "Further shapes, checked but not timed: [{\"args\": {\"x\": [1000, 3], \"n\": 3000}, "
       "\"launch\": {\"grid\": {\"x\": 12}}}], by the contract's argument names."}};
  properties["num_trials"] =
      integer(kMinTrials, kMaxTrials, kDefaultTrials, "Timed calls; each one's output is checked.");
  properties["num_warmup"] = integer(0, kMaxWarmup, kDefaultWarmup, "Untimed calls before them.");
  properties["atol"] = tolerance("Absolute tolerance, as torch.allclose; default by dtype.");
  properties["rtol"] = tolerance("Relative tolerance; default by dtype.");
  properties["enable_device_metrics"] = {
      {"type", "boolean"},
      {"default", false},
      {"description",
       "Asks for hardware counters; this server reads none yet: device_metrics stays null."}};
}

void add_time_limits(Json& properties, std::int64_t default_timeout) {
  properties["timeout"] = integer(kMinTimeoutSeconds, kMaxTimeoutSeconds, default_timeout,
                                  "Seconds for compiling and running; queueing is not counted.");
  properties["wait_seconds"] = integer(0, kMaxWaitSeconds, kDefaultWaitSeconds,
                                       "Then a job_id is returned and the job goes on.");
  properties["fresh"] = {
      {"type", "boolean"},
      {"default", false},
      {"description", "Run anew; else an equal request of the last hour gives its answer."}};
  properties["idempotency_key"] = text("Names this request for retries, instead of its content.");
}

}  // namespace

Json evaluate_kernel_input() {
  Json properties = {{"kernel_source", source()},
                     {"kernel_type", kernel_type()},
                     {"io_contract", io_contract("Arguments and launch; serves the reference too. "
                                                 "Required for cuda, triton, multi_kernel; else "
                                                 "get_inputs() of the source is used.")},
                     {"metadata", metadata("How to find and build the kernel.")},
                     {"reference_kernel_source", text("Optional reference to check against.")},
                     {"reference_kernel_type",
                      {{"type", "string"}, {"enum", kernel_type_names()}, {"default", "torch"}}},
                     {"reference_kernel_metadata", free_object("As metadata.")}};
  add_run_options(properties);
  add_time_limits(properties, kDefaultTimeoutSeconds);
  return object(std::move(properties), {"kernel_source", "kernel_type"});
}

Json compare_kernels_input() {
  Json properties = {
      {"ref_kernel_source", text("Source of the reference, at most 4 MiB.")},
      {"ref_kernel_type",
       {{"type", "string"}, {"enum", kernel_type_names()}, {"default", "torch"}}},
      {"ref_kernel_io",
       free_object("Same form as custom_kernel_io. It makes the inputs; else get_inputs() of the "
                   "reference does.")},
      {"ref_kernel_metadata", free_object("As custom_kernel_metadata.")},
      {"custom_kernel_source", source()},
      {"custom_kernel_type", kernel_type()},
      {"custom_kernel_io",
       io_contract(
           "Arguments and launch. Required for cuda, triton, multi_kernel. Its tensors bind to the "
           "reference's in order.")},
      {"custom_kernel_metadata", metadata("How to find and build the kernel.")}};
  add_run_options(properties);
  add_time_limits(properties, kDefaultTimeoutSeconds);
  return object(std::move(properties),
                {"ref_kernel_source", "custom_kernel_source", "custom_kernel_type"});
}

Json validate_kernel_input() {
  Json properties = {
      {"kernel_source", source()},
      {"kernel_type", kernel_type()},
      {"io_contract",
       io_contract(
           "Arguments and launch. Required for cuda, triton, multi_kernel; else get_inputs() "
           "of the source is used.")},
      {"metadata", metadata("How to find and build the kernel.")}};
  add_time_limits(properties, kDefaultValidateTimeoutSeconds);
  return object(std::move(properties), {"kernel_source", "kernel_type"});
}

Json get_server_stats_input() {
  return {{"type", "object"}, {"additionalProperties", false}};
}

Json get_job_status_input() {
  return object(
      {{"job_id", text("As evaluate_kernel, compare_kernels or validate_kernel returned it.")},
       {"wait_seconds", integer(0, kMaxWaitSeconds, 0, "Wait up to this long for the job to end.")},
       {"section",
        {{"type", "string"},
         {"enum", {"status", "compile_log", "samples"}},
         {"default", "status"},
         {"description",
          "Page by page: compile_log, all that the compilers said; samples, every timed sample."}}},
       {"cursor",
        {{"type", "integer"},
         {"minimum", 0},
         {"default", 0},
         {"description", "Of a page: the next_cursor of the page before."}}}},
      {"job_id"});
}

Json evaluation_output() {
  Json verdict = object({{"code", word(verdict_code_names(), "What is concluded.")},
                         {"summary", text("Why.")},
                         {"next_step", text("What to do now.")}},
                        {"code", "summary"});
  Json properties = {
      {"summary", text("Read this first.")},
      {"status",
       word({"success", "error", "running"}, "running: the job goes on, call get_job_status.")},
      {"job_id", text("For get_job_status.")},
      {"verdict", std::move(verdict)},
      {"kernel_exec_result",
       {{"description",
         "compiled, correctness, runtime (mean, ms), runtime_stats, compilation_error, "
         "validation_error, metadata."}}},
      {"timing",
       free_object("ms: candidate, reference, speedup with its interval, how it was measured.")},
      {"checks",
       free_object("What was checked; the worst element with both values and the allowed error "
                   "(integers beyond 2^53 as strings).")},
      {"compile", {{"type", "array"}, {"description", "Logs, registers, spills, shared memory."}}},
      {"isolation", free_object("Layers applied, and missing with the reason.")},
      {"poll_after_ms", {{"type", "integer"}}},
      {"next", text("The call to make while the job runs.")},
      {"error", text("Our own failure, or why there is no run.")},
      {"retryable", {{"type", "boolean"}}},
      {"joined",
       {{"type", "boolean"},
        {"description", "true: the job of an equal request; fresh: true runs it anew."}}},
      {"job_age_s", number_of("With joined: seconds since that job was made.")},
      {"shortened", shortened()}};
  return object(std::move(properties), {"summary", "status"});
}

Json server_stats_output() {
  return object(
      {{"summary", text("Read this first.")},
       {"status", word({"starting", "healthy", "error"}, "starting: workers are being prepared.")},
       {"error", text("Our own failure.")},
       {"retryable", {{"type", "boolean"}}},
       {"gpus", {{"type", "array"}, {"description", "GPUs with memory in bytes and clocks."}}},
       {"job_stats",
        free_object("total, completed, failed, cancelled, active, queued, average_runtime_ms, "
                    "success_rate.")},
       {"compilation_metrics",
        free_object("total, success_rate, average_time_s, cache_hit_rate, cache.")},
       {"profiling_metrics",
        free_object("total, average_time_s, graph_capture_rate, correctness_rate.")},
       {"gpu_utilization", {{"type", "array"}}},
       {"throughput", free_object("requests_per_second, average_latency_s, active_jobs.")},
       {"uptime_s", number_of("Seconds since the server started.")},
       {"timestamp", text("UTC.")},
       {"unavailable", free_object("Why a figure is null, by its path.")}},
      {"summary", "status"});
}

Json job_status_output() {
  std::vector<std::string> states;
  for (const auto state :
       {JobState::submitted, JobState::compiling, JobState::validating, JobState::profiling,
        JobState::completed, JobState::failed, JobState::cancelled, JobState::interrupted})
    states.push_back(job_state_name(state));
  states.emplace_back("error");
  return object({{"summary", text("Read this first.")},
                 {"job_id", text("The job.")},
                 {"status", word(states, "How far the job is; error: there is no such job.")},
                 {"progress", number_of("0 to 1.")},
                 {"message", text("What is being done.")},
                 {"queue_position", {{"type", "integer"}}},
                 {"created_at", text("UTC.")},
                 {"stages", {{"type", "array"}, {"description", "Seconds per stage."}}},
                 {"poll_after_ms", {{"type", "integer"}}},
                 {"next", text("The call to make while the job runs.")},
                 {"error", {{"description", "Why there is no verdict, or null."}}},
                 {"retryable", {{"type", "boolean"}}},
                 {"result", {{"description", "The whole answer of the finished job, else null."}}},
                 {"shortened", shortened()},
                 {"text", text("A page of the section that was asked for.")},
                 {"next_cursor", {{"description", "Of the next page; null at the end."}}}},
                {"summary", "status"});
}

}  // namespace assay::schemas
