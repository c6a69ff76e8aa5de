// SPDX-License-Identifier: Apache-2.0
// Compiles a `cuda` kernel by nvcc for one architecture, without a GPU.
#pragma once

#include "engine/compiler/compile_task.h"
#include "schemas/result.h"

namespace assay::engine {

// Works in a folder of its own below TMPDIR. Error: our own failure (no nvcc). Everything that is
// the source's fault is an answer.
schemas::Result<CompileAnswer> compile_with_nvcc(const CompileTask& task);

}  // namespace assay::engine
