// SPDX-License-Identifier: Apache-2.0
// Torch as the judge uses it: one thread (a second one would spin beside the runner that is being
// timed), and the CUDA half opened only for a GPU.
#pragma once

#include "engine/judge/tensor_rows.h"
#include "schemas/result.h"

namespace assay::engine::judge {

// Call once, before anything else that uses ATen. Error: no_device when libtorch_cuda.so does not
// load.
schemas::Status start_torch(const TorchDevice& device);

// Gives cached device memory back, so that a job leaves nothing behind.
void release_torch_memory(const TorchDevice& device);

}  // namespace assay::engine::judge
