// SPDX-License-Identifier: Apache-2.0
// Any bytes as a frame from a runner, a compiler or another executor: strict reading, no crash, and
// what is accepted survives being written and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "schemas/evaluation.h"
#include "schemas/worker_message.h"

using namespace assay::schemas;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::int64_t kBufferBytes = 4096;
  const auto json = parse_json(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!json) return 0;
  if (const auto values = read_values(*json, kBufferBytes)) {
    Json written = Json::array();
    for (const auto& value : *values) {
      if (value.kind == Value::Kind::tensor &&
          value.tensor.offset + value.tensor.bytes > kBufferBytes)
        std::abort();
      written.push_back(to_json(value));
    }
    if (!read_values(written, kBufferBytes)) std::abort();
  }
  if (const auto binding = read_binding(*json))
    if (!read_binding(to_json(*binding))) std::abort();
  (void)read_output_shapes(*json);
  (void)read_runner_error(*json);
  (void)read_job_event(*json);
  (void)read_job_spec(*json);
  if (const auto evaluation = read_evaluation(*json)) {
    const Json once = to_json(*evaluation);
    const auto again = read_evaluation(once);
    if (!again || dump_json(to_json(*again)) != dump_json(once)) std::abort();
  }
  return 0;
}
