// SPDX-License-Identifier: Apache-2.0
#include "mcp/resources.h"

#include <optional>
#include <utility>

#include "mcp/io_contract_guide.h"

namespace assay::mcp {

using schemas::Error;
using schemas::ErrorCode;

namespace {

constexpr const char* kGuideUri = "assay://guide/io-contract";
constexpr const char* kJobPrefix = "assay://job/";
constexpr const char* kReportSuffix = "/report";
constexpr const char* kLogSuffix = "/compile-log";

Error not_found(std::string message) {
  return {ErrorCode::not_found, std::move(message), false, {}};
}

// The id in "assay://job/<id><suffix>".
std::optional<std::string> job_of(const std::string& uri, std::string_view suffix) {
  const std::string_view prefix = kJobPrefix;
  if (!uri.starts_with(prefix) || !uri.ends_with(suffix) ||
      uri.size() <= prefix.size() + suffix.size())
    return std::nullopt;
  std::string id = uri.substr(prefix.size(), uri.size() - prefix.size() - suffix.size());
  if (id.find('/') != std::string::npos) return std::nullopt;
  return id;
}

schemas::Result<Json> ask_status(const tools::Registry& registry, const Json& arguments) {
  auto outcome = registry.call("get_job_status", {arguments, tools::ArgumentForm::flat, {}});
  if (outcome.ok()) return std::move(outcome->document);
  return outcome.error().code == ErrorCode::malformed_call ? not_found(outcome.error().message)
                                                           : outcome.error();
}

schemas::Result<ReadResource> report(const std::string& uri, const std::string& job_id,
                                     const tools::Registry& registry) {
  auto job = ask_status(registry, {{"job_id", job_id}, {"wait_seconds", 0}});
  if (!job.ok()) return job.error();
  const Json& result = (*job)["result"];
  if (result.is_null())
    return not_found("job " + job_id +
                     " has no report yet: call get_job_status with wait_seconds to wait for it");
  return ReadResource{
      {{"uri", uri}, {"mimeType", "application/json"}, {"text", schemas::dump_json(result)}}};
}

schemas::Result<ReadResource> compile_log(const std::string& uri, const std::string& job_id,
                                          const tools::Registry& registry) {
  std::string text;
  Json cursor = 0;
  while (!cursor.is_null()) {
    auto page =
        ask_status(registry, {{"job_id", job_id}, {"section", "compile_log"}, {"cursor", cursor}});
    if (!page.ok()) return page.error();
    text += page->value("text", "");
    cursor = page->value("next_cursor", Json());
  }
  return ReadResource{{{"uri", uri}, {"mimeType", "text/plain"}, {"text", std::move(text)}}};
}

}  // namespace

Json resource_definitions() {
  return Json::array(
      {{{"uri", kGuideUri},
        {"name", "io-contract-guide"},
        {"title", "How to write an IO contract"},
        {"description",
         "Arguments, tensors, roles, launch: what io_contract must say for each kernel type, with "
         "requests that work. Read it before the first triton, cuda or multi_kernel request."},
        {"mimeType", "text/markdown"}}});
}

Json resource_template_definitions() {
  return Json::array(
      {{{"uriTemplate", std::string(kJobPrefix) + "{job_id}" + kReportSuffix},
        {"name", "job-report"},
        {"title", "Whole report of a finished job"},
        {"description",
         "Everything that is known of a job: verdict, evidence, timing, resources, isolation. "
         "Kept for an hour after its end."},
        {"mimeType", "application/json"}},
       {{"uriTemplate", std::string(kJobPrefix) + "{job_id}" + kLogSuffix},
        {"name", "job-compile-log"},
        {"title", "Whole compile log of a job"},
        {"description", "All that the compilers said, uncut."},
        {"mimeType", "text/plain"}}});
}

schemas::Result<ReadResource> read_resource_at(const std::string& uri,
                                               const tools::Registry& registry) {
  if (uri == kGuideUri)
    return ReadResource{
        {{"uri", uri}, {"mimeType", "text/markdown"}, {"text", io_contract_guide()}}, true};
  if (const auto job = job_of(uri, kReportSuffix)) return report(uri, *job, registry);
  if (const auto job = job_of(uri, kLogSuffix)) return compile_log(uri, *job, registry);
  return not_found("there is no resource " + schemas::shown_value(uri) + ": there are " +
                   kGuideUri + ", " + kJobPrefix + "{job_id}" + kReportSuffix + " and …" +
                   kLogSuffix);
}

}  // namespace assay::mcp
