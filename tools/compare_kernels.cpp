// SPDX-License-Identifier: Apache-2.0
#include "schemas/tool_schemas.h"
#include "tools/all_tools.h"
#include "tools/work_call.h"

namespace assay::tools {
namespace {

constexpr const char* kCompareDescription =
    "Checks a custom GPU kernel against a reference kernel on fresh inputs and measures both the "
    "same way: are the "
    "values right, and how many times faster is it? Reference and candidate run in separate "
    "isolated processes.\n"
    "Use it to prove that an optimised kernel is correct and faster. The reference makes the "
    "inputs (its get_inputs, "
    "or ref_kernel_io); the candidate's tensors bind to them in order. cuda needs custom_kernel_io "
    "with a launch.\n"
    "Runs the submitted code for real, sandboxed, without network. Costs a few seconds of a GPU "
    "(or of the CPU where "
    "there is none); at most `timeout` seconds, queueing not counted.\n"
    "Returns summary (read this first), verdict {code, summary, next_step}, kernel_exec_result "
    "{compiled, "
    "correctness, runtime in ms, runtime_stats, compilation_error, validation_error, metadata}, "
    "ref_runtime, timing "
    "with speedup and its interval, checks (worst element with index, both values and the allowed "
    "error), registers "
    "and spills, isolation. A wrong or crashing kernel is a normal answer.\n"
    "If it takes longer than wait_seconds you get {status: \"running\", job_id}: call "
    "get_job_status with it; the job "
    "goes on and its result is kept for an hour. The same request sent again gets the same job "
    "(joined: true); fresh: true runs it anew.";

schemas::Result<schemas::WorkRequest> read(const Call& call) {
  switch (call.form) {
    case ArgumentForm::flat: return schemas::read_compare_arguments(call.arguments);
    case ArgumentForm::nested: return schemas::read_rest_compare(call.arguments);
    case ArgumentForm::legacy: return schemas::read_rest_legacy(call.arguments);
  }
  return schemas::read_compare_arguments(call.arguments);
}

schemas::Result<Outcome> compare(engine::Engine& engine, JobJoin& join, const Call& call) {
  auto work = read(call);
  if (!work.ok()) return work.error();
  return run_work(engine, join, std::move(*work), call.context);
}

}  // namespace

Tool compare_kernels_tool(engine::Engine& engine, std::shared_ptr<JobJoin> join) {
  Tool tool;
  tool.name = "compare_kernels";
  tool.title = "Compare a kernel with its reference";
  tool.description = kCompareDescription;
  tool.input_schema = schemas::compare_kernels_input();
  tool.output_schema = schemas::evaluation_output();
  tool.may_take_long = true;
  tool.handler = [&engine, join = std::move(join)](const Call& call) {
    return compare(engine, *join, call);
  };
  return tool;
}

}  // namespace assay::tools
