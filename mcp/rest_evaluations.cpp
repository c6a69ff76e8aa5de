// SPDX-License-Identifier: Apache-2.0
// The routes that evaluate a kernel sent as JSON. They wait for the verdict, or until the client
// has gone: its job then ends, as nobody else was told of it.
#include "mcp/rest_answers.h"
#include "mcp/rest_routes.h"

namespace assay::mcp {
namespace {

using tools::ArgumentForm;

RestResponse run(const RestParts& parts, const char* tool, ArgumentForm form,
                 const RestRequest& request) {
  auto body = schemas::parse_json(request.body);
  if (!body.ok()) return answer(body.error());
  tools::Call call{*body, form, {}};
  call.context.wait_for_verdict = true;
  call.context.cancelled = request.client_gone;
  auto outcome = parts.registry.call(tool, call);
  return outcome.ok() ? answer(std::move(*outcome)) : answer(outcome.error());
}

}  // namespace

RestResponse post_evaluate(const RestParts& parts, const RestRequest& request) {
  return run(parts, "evaluate_kernel", ArgumentForm::nested, request);
}

RestResponse post_compare(const RestParts& parts, const RestRequest& request) {
  return run(parts, "compare_kernels", ArgumentForm::nested, request);
}

RestResponse post_root(const RestParts& parts, const RestRequest& request) {
  return run(parts, "compare_kernels", ArgumentForm::legacy, request);
}

}  // namespace assay::mcp
