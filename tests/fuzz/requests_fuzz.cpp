// SPDX-License-Identifier: Apache-2.0
// Any bytes as a body or as tool arguments: a reader must answer with a request or with errors, and
// what it accepts must survive being written and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "schemas/job.h"
#include "schemas/requests.h"

using namespace assay::schemas;

namespace {

void check(const Result<WorkRequest>& work) {
  if (!work) {
    if (work.error().code != ErrorCode::malformed_call || work.error().message.empty())
      std::abort();
    return;
  }
  JobSpec spec;
  spec.job_id = "fuzz";
  spec.work = *work;
  const Json json = to_json(spec);
  const auto back = read_job_spec(json);
  if (!back || dump_json(to_json(*back)) != dump_json(json)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto json = parse_json(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!json) return 0;
  check(read_evaluate_arguments(*json));
  check(read_compare_arguments(*json));
  check(read_validate_arguments(*json));
  check(read_rest_evaluate(*json));
  check(read_rest_compare(*json));
  check(read_rest_legacy(*json));
  (void)read_job_status_arguments(*json);
  return 0;
}
