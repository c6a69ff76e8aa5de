// SPDX-License-Identifier: Apache-2.0
// What a tool is: a name, a description for an agent, schemas, honest annotations and a handler. A
// tool turns arguments into a request struct, calls the engine and writes one JSON document. It
// knows no JSON-RPC and no HTTP.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "schemas/json_reader.h"
#include "schemas/result.h"

namespace assay::tools {

using schemas::Json;

// What a call may use besides its arguments. Both functions may be empty; a handler calls them on
// its own thread.
struct CallContext {
  // `fraction` is the job's own progress, 0..1; `message` says what is being done.
  std::function<void(double fraction, const std::string& message)> progress;
  std::function<bool()> cancelled;  // true once the caller has withdrawn the call
  // Waits until the verdict instead of handing out a job handle after `wait_seconds`.
  bool wait_for_verdict = false;
  // What may follow the compiling, within the request's own time-out.
  std::optional<std::int64_t> run_timeout_seconds = {};
};

// The same request is written in three forms; behind the handler nothing knows which one was used.
enum class ArgumentForm {
  flat,    // one level of fields: kernel_source, kernel_type, …
  nested,  // KernelCode objects: kernel, ref_kernel, custom_kernel
  legacy,  // the oldest form: ref_code, custom_code (the nested ones are accepted too)
};

struct Call {
  const Json& arguments;
  ArgumentForm form = ArgumentForm::flat;
  CallContext context;
};

// How the document is to be understood. A bad kernel is `answered`.
enum class Standing {
  answered,
  pending,    // a job handle: the job is still being worked on
  timed_out,  // the kernel used up its time; the document holds what was known
  no_device,  // compiled, but nothing here can run it
  failed,     // our own failure; the document says why and whether to retry
};

struct Outcome {
  Standing standing = Standing::answered;
  Json document;         // an object with a `summary`
  std::string gpu_name;  // of the GPU that was used; empty when none was
};

// An Error is a malformed call, an unknown job or a refusal before any job was made.
using Handler = std::function<schemas::Result<Outcome>(const Call&)>;

// Hints for hosts; they must be true.
struct Annotations {
  bool read_only = true;
  bool destructive = false;
  bool idempotent = true;
  bool open_world = false;
};

struct Tool {
  std::string name;
  std::string title;
  std::string description;  // the purpose within the first 250 characters, at most 2,048 bytes
  Json input_schema;
  Json output_schema;
  Annotations annotations;
  bool may_take_long = false;  // longer than a second
  Handler handler;             // thread-safe; blocks
};

}  // namespace assay::tools
