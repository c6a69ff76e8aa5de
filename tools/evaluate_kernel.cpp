// SPDX-License-Identifier: Apache-2.0
#include "schemas/tool_schemas.h"
#include "tools/all_tools.h"
#include "tools/work_call.h"

namespace assay::tools {
namespace {

constexpr const char* kEvaluateDescription =
    "Compiles one GPU kernel, runs it in an isolated process, checks its output and measures how "
    "fast it is. With "
    "reference_kernel_source it also says whether the values are right and how much faster it is "
    "than the reference.\n"
    "Use it for one kernel (torch, cuda, …) with or without a reference; use compare_kernels when "
    "the two kernels "
    "need IO contracts of their own, and validate_kernel when you only want to know that it "
    "compiles and runs.\n"
    "Runs the submitted code for real, sandboxed, without network. Costs a few seconds of a GPU "
    "(or of the CPU where "
    "there is none); at most `timeout` seconds, queueing not counted. cuda needs io_contract with "
    "a launch.\n"
    "Returns summary (read this first), verdict {code, summary, next_step}, kernel_exec_result "
    "{compiled, "
    "correctness, runtime in ms, runtime_stats, compilation_error, validation_error, metadata}, "
    "ref_runtime, checks "
    "(worst element with index, both values and the allowed error), timing, registers and spills, "
    "isolation. A wrong "
    "or crashing kernel is a normal answer.\n"
    "If it takes longer than wait_seconds you get {status: \"running\", job_id}: call "
    "get_job_status with it; the job "
    "goes on and its result is kept for an hour. The same request sent again gets the same job "
    "(joined: true); fresh: true runs it anew.";

schemas::Result<Outcome> evaluate(engine::Engine& engine, JobJoin& join, const Call& call) {
  auto work = call.form == ArgumentForm::flat ? schemas::read_evaluate_arguments(call.arguments)
                                              : schemas::read_rest_evaluate(call.arguments);
  if (!work.ok()) return work.error();
  return run_work(engine, join, std::move(*work), call.context);
}

}  // namespace

Tool evaluate_kernel_tool(engine::Engine& engine, std::shared_ptr<JobJoin> join) {
  Tool tool;
  tool.name = "evaluate_kernel";
  tool.title = "Evaluate a GPU kernel";
  tool.description = kEvaluateDescription;
  tool.input_schema = schemas::evaluate_kernel_input();
  tool.output_schema = schemas::evaluation_output();
  tool.may_take_long = true;
  tool.handler = [&engine, join = std::move(join)](const Call& call) {
    return evaluate(engine, *join, call);
  };
  return tool;
}

}  // namespace assay::tools
