// SPDX-License-Identifier: Apache-2.0
#include "engine/judge/side_effects.h"

#include <algorithm>

#include "engine/judge/same_bytes.h"

namespace assay::engine::judge {
namespace {

// What a kernel does to its arguments it does in every call: a few are enough.
constexpr std::int64_t kMostCalls = 4;

}  // namespace

std::vector<std::string> side_effects(const Side& side, const Contents& contents,
                                      std::int64_t calls, TorchDevice device) {
  std::vector<std::string> found;
  const std::int64_t looked = std::min(calls, kMostCalls);
  const SlotLayout& inputs = contents.layout();
  const auto released = [&](std::size_t input) {
    return inputs.rows(contents.staging().data(), input, looked);
  };
  for (std::size_t input = 0; input < inputs.tensors().size(); ++input)
    if (!same_bytes(inputs.rows(side.buffers.inputs->data(), input, looked), released(input),
                    device))
      found.push_back("the kernel writes into its input \"" + inputs.tensors()[input].name +
                      "\": a caller that uses it again finds other values");
  for (const auto& [input, output] : side.call.inouts) {
    const TensorPlace& place = side.call.outputs.tensors()[output];
    const TensorRows now = side.call.outputs.rows(side.buffers.outputs->data(), output, looked);
    if (place.elements > 0 && same_bytes(now, released(input), device))
      found.push_back("no call changed the inout tensor \"" + place.name +
                      "\": it holds what the calls were given");
  }
  return found;
}

}  // namespace assay::engine::judge
