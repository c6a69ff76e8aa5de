// SPDX-License-Identifier: Apache-2.0
#include "schemas/requests.h"

#include "schemas/extra_shapes.h"

namespace assay::schemas {
namespace {

const std::vector<std::string> kJobSectionNames = {"status", "compile_log", "samples"};
constexpr std::size_t kMaxJobIdBytes = 128;
constexpr std::int64_t kMaxCursor = std::int64_t{1} << 32;

std::string source_field(ObjectReader& reader, const std::string& key) {
  const std::size_t errors_before = reader.diagnostics().errors.size();
  std::string source = without_byte_order_mark(reader.required_string(key, kMaxSourceBytes));
  const bool readable = reader.has(key) && reader.diagnostics().errors.size() == errors_before;
  if (readable && source.find_first_not_of(" \t\r\n") == std::string::npos)
    reader.error(key, "is empty; send the kernel's source code");
  return source;
}

// The four fields of one kernel in a flat argument list, e.g. ref_kernel_source, ref_kernel_type,
// ref_kernel_io.
struct KernelFields {
  std::string source, type, io, metadata;
};

Kernel read_flat_kernel(ObjectReader& reader, const KernelFields& fields,
                        std::optional<KernelType> fallback) {
  Kernel kernel;
  kernel.source_code = source_field(reader, fields.source);
  const auto type = fallback ? reader.optional_word(fields.type, kernel_type_names())
                             : reader.required_word(fields.type, kernel_type_names());
  kernel.type = type ? static_cast<KernelType>(*type) : fallback.value_or(KernelType::torch);
  if (const Json* io = reader.raw(fields.io))
    kernel.io = read_io_contract(*io, reader.path_of(fields.io), reader.diagnostics());
  if (const Json* metadata = reader.raw(fields.metadata))
    kernel.metadata =
        read_metadata(*metadata, reader.path_of(fields.metadata), reader.diagnostics());
  check_kernel(kernel, reader.path_of(fields.io), reader.path_of(fields.metadata),
               reader.diagnostics());
  return kernel;
}

void read_run_options(ObjectReader& reader, WorkRequest& work) {
  work.num_trials = reader.int_or("num_trials", kDefaultTrials, kMinTrials, kMaxTrials);
  work.num_warmup = reader.int_or("num_warmup", kDefaultWarmup, 0, kMaxWarmup);
  work.atol = reader.optional_number("atol", 0, kMaxTolerance);
  work.rtol = reader.optional_number("rtol", 0, kMaxTolerance);
  work.timeout_seconds =
      reader.int_or("timeout", kDefaultTimeoutSeconds, kMinTimeoutSeconds, kMaxTimeoutSeconds);
  work.enable_device_metrics = reader.bool_or("enable_device_metrics", false);
  read_extra_shapes(reader, work);
}

// What only a caller over MCP can say: REST waits for the verdict and always measures.
void read_waiting(ObjectReader& reader, WorkRequest& work) {
  work.wait_seconds = reader.int_or("wait_seconds", kDefaultWaitSeconds, 0, kMaxWaitSeconds);
  work.joining.by_content = true;
  work.joining.fresh = reader.bool_or("fresh", false);
  work.joining.idempotency_key = reader.optional_string("idempotency_key", kMaxIdempotencyKeyBytes);
  if (work.joining.idempotency_key && work.joining.idempotency_key->empty())
    reader.error("idempotency_key", "is empty; leave it out or send a name for this request");
}

Result<WorkRequest> finished(ObjectReader& reader, WorkRequest work) {
  reader.finish();
  if (!reader.diagnostics().errors.empty()) return malformed(reader.diagnostics());
  work.warnings = reader.diagnostics().warnings;
  return work;
}

Kernel read_nested_kernel(ObjectReader& reader, const std::string& key) {
  if (const Json* kernel = reader.raw(key))
    return read_kernel(*kernel, reader.path_of(key), reader.diagnostics());
  reader.error(key, "is required: {source_code, kernel_type, io?, metadata?}");
  return {};
}

}  // namespace

const std::vector<std::string>& job_kind_names() {
  static const std::vector<std::string> names = {"evaluate", "compare", "validate"};
  return names;
}

const std::string& job_kind_name(JobKind kind) {
  return job_kind_names()[static_cast<std::size_t>(kind)];
}

Result<WorkRequest> read_evaluate_arguments(const Json& arguments) {
  Diagnostics diagnostics;
  ObjectReader reader(arguments, "", diagnostics);
  WorkRequest work;
  work.kind = JobKind::evaluate;
  work.candidate = read_flat_kernel(
      reader, {"kernel_source", "kernel_type", "io_contract", "metadata"}, std::nullopt);
  if (reader.has("reference_kernel_source")) {
    work.reference = read_flat_kernel(reader,
                                      {"reference_kernel_source", "reference_kernel_type",
                                       "io_contract", "reference_kernel_metadata"},
                                      KernelType::torch);
  } else {
    for (const char* key : {"reference_kernel_type", "reference_kernel_metadata"})
      if (reader.has(key))
        reader.warn(std::string(key) + " is ignored without reference_kernel_source");
  }
  read_run_options(reader, work);
  read_waiting(reader, work);
  return finished(reader, std::move(work));
}

Result<WorkRequest> read_compare_arguments(const Json& arguments) {
  Diagnostics diagnostics;
  ObjectReader reader(arguments, "", diagnostics);
  WorkRequest work;
  work.kind = JobKind::compare;
  work.candidate_io_path = "custom_kernel_io";
  work.reference_io_path = "ref_kernel_io";
  work.reference = read_flat_kernel(
      reader, {"ref_kernel_source", "ref_kernel_type", "ref_kernel_io", "ref_kernel_metadata"},
      KernelType::torch);
  work.candidate = read_flat_kernel(
      reader,
      {"custom_kernel_source", "custom_kernel_type", "custom_kernel_io", "custom_kernel_metadata"},
      std::nullopt);
  read_run_options(reader, work);
  read_waiting(reader, work);
  return finished(reader, std::move(work));
}

Result<WorkRequest> read_validate_arguments(const Json& arguments) {
  Diagnostics diagnostics;
  ObjectReader reader(arguments, "", diagnostics);
  WorkRequest work;
  work.kind = JobKind::validate;
  work.candidate = read_flat_kernel(
      reader, {"kernel_source", "kernel_type", "io_contract", "metadata"}, std::nullopt);
  work.num_trials = 1;
  work.num_warmup = 0;
  work.timeout_seconds = reader.int_or("timeout", kDefaultValidateTimeoutSeconds,
                                       kMinTimeoutSeconds, kMaxTimeoutSeconds);
  read_waiting(reader, work);
  return finished(reader, std::move(work));
}

Result<JobStatusRequest> read_job_status_arguments(const Json& arguments) {
  Diagnostics diagnostics;
  ObjectReader reader(arguments, "", diagnostics);
  JobStatusRequest request;
  request.job_id = reader.required_string("job_id", kMaxJobIdBytes);
  if (const Json* id = reader.raw("job_id"); id != nullptr && *id == Json(""))
    reader.error("job_id", "is empty; send the job_id that the answer of the call held");
  request.wait_seconds = reader.int_or("wait_seconds", 0, 0, kMaxWaitSeconds);
  if (const auto section = reader.optional_word("section", kJobSectionNames))
    request.section = static_cast<JobSection>(*section);
  request.cursor = reader.int_or("cursor", 0, 0, kMaxCursor);
  reader.finish();
  if (!diagnostics.errors.empty()) return malformed(diagnostics);
  return request;
}

Result<WorkRequest> read_rest_evaluate(const Json& body) {
  Diagnostics diagnostics;
  ObjectReader reader(body, "", diagnostics);
  WorkRequest work;
  work.kind = JobKind::evaluate;
  work.candidate_io_path = "kernel.io";
  work.reference_io_path = "ref_kernel.io";
  work.candidate = read_nested_kernel(reader, "kernel");
  if (reader.has("ref_kernel")) work.reference = read_nested_kernel(reader, "ref_kernel");
  read_run_options(reader, work);
  return finished(reader, std::move(work));
}

Result<WorkRequest> read_rest_compare(const Json& body) {
  Diagnostics diagnostics;
  ObjectReader reader(body, "", diagnostics);
  WorkRequest work;
  work.kind = JobKind::compare;
  work.candidate_io_path = "custom_kernel.io";
  work.reference_io_path = "ref_kernel.io";
  work.reference = read_nested_kernel(reader, "ref_kernel");
  work.candidate = read_nested_kernel(reader, "custom_kernel");
  read_run_options(reader, work);
  return finished(reader, std::move(work));
}

Result<WorkRequest> read_rest_legacy(const Json& body) {
  const auto has = [&body](const char* key) {  // null is as good as absent
    return body.is_object() && body.contains(key) && !body[key].is_null();
  };
  if (has("ref_kernel") || has("custom_kernel")) return read_rest_compare(body);
  if (has("kernel")) return read_rest_evaluate(body);
  Diagnostics diagnostics;
  ObjectReader reader(body, "", diagnostics);
  for (const char* key : {"ref_kernel", "custom_kernel", "kernel"}) (void)reader.raw(key);
  WorkRequest work;
  work.kind = JobKind::compare;
  work.reference.emplace();
  work.reference->source_code = source_field(reader, "ref_code");
  work.reference->type = KernelType::torch;
  work.candidate.source_code = source_field(reader, "custom_code");
  work.candidate.type = KernelType::torch_cuda;
  read_run_options(reader, work);
  return finished(reader, std::move(work));
}

}  // namespace assay::schemas
