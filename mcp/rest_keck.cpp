// SPDX-License-Identifier: Apache-2.0
// Keck's routes: forms in, four fields out.
#include <algorithm>
#include <thread>

#include "mcp/form.h"
#include "mcp/keck.h"
#include "mcp/rest_answers.h"
#include "mcp/rest_routes.h"
#include "tools/stats_document.h"

namespace assay::mcp {
namespace {

using tools::Standing;

constexpr double kTolerance = 1e-2;  // both, as that server's clients know it

struct KeckForm {
  const char *reference, *candidate;  // names of the fields
  const char* candidate_type;
  const char* missing;  // what is said when the candidate is
  KeckTest test;
};

Json compare_body(const std::string& reference, const std::string& candidate, const KeckForm& form,
                  const RestOptions& options) {
  return {{"ref_kernel", {{"source_code", reference}, {"kernel_type", "torch"}}},
          {"custom_kernel", {{"source_code", candidate}, {"kernel_type", form.candidate_type}}},
          {"atol", kTolerance},
          {"rtol", kTolerance},
          {"timeout", std::min(options.compile_timeout_seconds + options.run_timeout_seconds,
                               schemas::kMaxTimeoutSeconds)}};
}

RestResponse said(Json body) {
  RestResponse response;
  response.body = std::move(body);
  return response;
}

// The client knows the fields of its form, not those of the body that was made of them.
schemas::Error in_words_of(const KeckForm& form, schemas::Error error) {
  for (auto& field : error.fields) {
    if (field.path.starts_with("custom_kernel")) field.path = form.candidate;
    if (field.path.starts_with("ref_kernel")) field.path = form.reference;
  }
  if (!error.fields.empty())
    error.message = error.fields.front().path + ": " + error.fields.front().message;
  return error;
}

// What cannot be read as a kernel was not well formed; the rest is ours.
RestResponse refused(const schemas::Error& error) {
  if (error.code == schemas::ErrorCode::malformed_call)
    return said(keck_unformed("failed: " + error.message));
  RestResponse response = answer(error);
  response.body = keck_unformed("failed: " + error.message);
  response.body["formated"] = true;
  return response;
}

RestResponse test(const RestParts& parts, const RestRequest& request, const KeckForm& form) {
  auto fields = read_form(request.form_type, request.body);
  if (!fields.ok()) return answer(fields.error());
  std::string& candidate = (*fields)[form.candidate];
  if (candidate.empty()) return said(keck_unformed(form.missing));
  std::string& reference = (*fields)[form.reference];
  if (reference.empty())
    return said(keck_unformed("failed: the field " + std::string(form.reference) + " is missing"));
  const Json body = compare_body(reference, candidate, form, parts.options);
  tools::Call call{body, tools::ArgumentForm::nested, {}};
  call.context.wait_for_verdict = true;
  call.context.cancelled = request.client_gone;
  call.context.run_timeout_seconds = parts.options.run_timeout_seconds;
  auto outcome = parts.registry.call("compare_kernels", call);
  if (!outcome.ok()) return refused(in_words_of(form, outcome.error()));
  // A time-out is an answer here; what is our failure keeps its status.
  const bool ours =
      outcome->standing != Standing::answered && outcome->standing != Standing::timed_out;
  const bool evaluated = outcome->document.contains("verdict");
  Json words;
  if (evaluated) {
    words = keck_answer(outcome->document, form.test);
  } else {
    words = keck_unformed("failed: " + outcome->document.value("error", "no verdict"));
    words["formated"] = true;
  }
  RestResponse response = answer(std::move(*outcome));
  response.body = std::move(words);
  if (!ours) response.status = 200;
  return response;
}

Json resources(double cpus, double gpus) {
  return {{"CPU", cpus}, {"GPU", gpus}};
}

}  // namespace

RestResponse post_compute_score(const RestParts& parts, const RestRequest& request) {
  return test(
      parts, request,
      {"torch_code", "cuda_code", "torch_cuda", "Cannot find cuda code block", KeckTest::score});
}

RestResponse post_check_torch(const RestParts& parts, const RestRequest& request) {
  return test(
      parts, request,
      {"gt_torch", "to_check_torch", "torch", "Cannot find torch code block", KeckTest::check});
}

RestResponse get_healthz(const RestParts& parts, const RestRequest&) {
  const engine::EngineStats stats = parts.engine.stats();
  const double cpus = std::max(1U, std::thread::hardware_concurrency());
  double gpus = 0, free_gpus = 0;
  for (const auto& use : stats.devices) {
    if (use.device.kind != schemas::DeviceKind::cuda) continue;
    ++gpus;
    if (!use.leased) ++free_gpus;
  }
  const double busy = std::min(cpus, static_cast<double>(stats.active));
  return said({{"ray_initialized", stats.starting.empty()},
               {"cluster_resources", resources(cpus, gpus)},
               {"available_resources", resources(cpus - busy, free_gpus)}});
}

}  // namespace assay::mcp
