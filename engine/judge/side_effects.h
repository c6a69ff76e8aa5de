// SPDX-License-Identifier: Apache-2.0
// What the calls of a check pass did to memory beside their outputs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/judge/contents.h"
#include "engine/judge/side.h"

namespace assay::engine::judge {

// Sentences for the answer: inputs that the calls overwrote, inout tensors that none of them
// changed. `contents` holds what was released to the `calls` calls of the last window. It is no
// proof of anything: the kernel's process may still write.
std::vector<std::string> side_effects(const Side& side, const Contents& contents,
                                      std::int64_t calls, TorchDevice device);

}  // namespace assay::engine::judge
