// SPDX-License-Identifier: Apache-2.0
#include "schemas/tool_schemas.h"
#include "tools/all_tools.h"
#include "tools/work_call.h"

namespace assay::tools {
namespace {

constexpr const char* kValidateDescription =
    "Compiles a GPU kernel and calls it once in an isolated process: does it compile, run to its "
    "end and write every "
    "output? No reference, no timing: the cheapest check of a draft.\n"
    "Use it before evaluate_kernel or compare_kernels, which also check values and measure. "
    "Without a GPU a cuda "
    "kernel is still compiled for real, with registers and spills, and the answer says what was "
    "not run.\n"
    "Runs the submitted code for real, sandboxed, without network; about a second, at most "
    "`timeout` seconds.\n"
    "Returns summary (read this first), compiled, validated, compilation_error, validation_error, "
    "compilation_time in "
    "seconds, status, verdict {code, summary, next_step}, compile logs with registers and spills. "
    "A kernel that does "
    "not compile is a normal answer.\n"
    "If it takes longer than wait_seconds you get {status: \"running\", job_id}: call "
    "get_job_status with it. The same request sent again gets the same job (joined: true); fresh: "
    "true runs it anew. Next: "
    "compare_kernels with a reference.";

schemas::Result<Outcome> validate(engine::Engine& engine, JobJoin& join, const Call& call) {
  auto work = schemas::read_validate_arguments(call.arguments);
  if (!work.ok()) return work.error();
  return run_work(engine, join, std::move(*work), call.context);
}

}  // namespace

Tool validate_kernel_tool(engine::Engine& engine, std::shared_ptr<JobJoin> join) {
  Tool tool;
  tool.name = "validate_kernel";
  tool.title = "Check that a kernel compiles and runs";
  tool.description = kValidateDescription;
  tool.input_schema = schemas::validate_kernel_input();
  tool.output_schema = schemas::evaluation_output();
  tool.may_take_long = true;
  tool.handler = [&engine, join = std::move(join)](const Call& call) {
    return validate(engine, *join, call);
  };
  return tool;
}

}  // namespace assay::tools
