// SPDX-License-Identifier: Apache-2.0
// Compiles a `cuda` kernel by NVRTC for one architecture, without a GPU.
#pragma once

#include "engine/compiler/compile_task.h"
#include "schemas/result.h"

namespace assay::engine {

// Error: our own failure (no NVRTC). Everything that is the source's fault is an answer.
schemas::Result<CompileAnswer> compile_with_nvrtc(const CompileTask& task);

}  // namespace assay::engine
