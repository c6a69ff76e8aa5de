// SPDX-License-Identifier: Apache-2.0
#include "engine/judge/job_request.h"

#include <utility>

namespace assay::engine::judge {
namespace {

using schemas::Json;
using schemas::ObjectReader;

constexpr std::int64_t kMaxBudgetMs = 3'600'000;
constexpr std::size_t kMaxRunners = 3;
const std::vector<std::string> kRoles = {"inputs", "reference", "candidate"};
const std::vector<std::string> kTiers = {"host", "device"};

schemas::Error violation(const schemas::Diagnostics& diagnostics) {
  schemas::Error error = schemas::malformed(diagnostics);
  error.code = schemas::ErrorCode::protocol_violation;
  return error;
}

}  // namespace

RunnerGrant* JobRequest::find(schemas::RunnerRole role) {
  for (RunnerGrant& runner : runners)
    if (runner.role == role) return &runner;
  return nullptr;
}

schemas::Result<JobRequest> read_job_request(const Json& message,
                                             std::vector<sandbox::UniqueFd> descriptors) {
  schemas::Diagnostics diagnostics;
  ObjectReader reader(message, "evaluate", diagnostics);
  JobRequest request;
  request.budget_ms = reader.int_or("budget_ms", 0, 1, kMaxBudgetMs);
  const Json* spec = reader.raw("spec");
  if (spec == nullptr) {
    reader.error("spec", "is required");
  } else {
    auto read = schemas::read_job_spec(*spec);
    if (!read) return read.error();
    request.spec = std::move(*read);
  }
  reader.each("runners", kMaxRunners, true, [&](const Json& item, const std::string& path) {
    ObjectReader fields(item, path, diagnostics);
    RunnerGrant grant;
    grant.role = static_cast<schemas::RunnerRole>(fields.required_word("role", kRoles).value_or(0));
    grant.tier = fields.required_word("tier", kTiers).value_or(0) == 1 ? Tier::device : Tier::host;
    grant.kernel_name = fields.optional_string("kernel_name", 4096).value_or("");
    grant.has_artifact = fields.bool_or("artifact", false);
    if (const Json* launch = fields.raw("launch")) grant.launch = *launch;
    request.runners.push_back(std::move(grant));
  });
  if (!diagnostics.errors.empty()) return violation(diagnostics);

  std::size_t next = 0;
  const auto take = [&](sandbox::UniqueFd& into) {
    if (next < descriptors.size()) into = std::move(descriptors[next]);
    ++next;
  };
  for (RunnerGrant& grant : request.runners) {
    sandbox::UniqueFd channel;
    take(channel);
    take(grant.pidfd);
    grant.channel = sandbox::Channel(std::move(channel));
  }
  for (RunnerGrant& grant : request.runners)
    if (grant.has_artifact) take(grant.artifact);
  if (next != descriptors.size()) {
    diagnostics.errors.push_back({"evaluate", "brought " + std::to_string(descriptors.size()) +
                                                  " descriptors, not " + std::to_string(next)});
    return violation(diagnostics);
  }
  if (request.find(schemas::RunnerRole::candidate) == nullptr ||
      (request.spec.work.reference.has_value() !=
       (request.find(schemas::RunnerRole::reference) != nullptr))) {
    diagnostics.errors.push_back(
        {"evaluate.runners", "needs a candidate, and a reference where the job has one"});
    return violation(diagnostics);
  }
  return request;
}

}  // namespace assay::engine::judge
