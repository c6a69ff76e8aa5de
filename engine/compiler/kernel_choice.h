// SPDX-License-Identifier: Apache-2.0
// Which of an image's kernels is meant, and what each of them uses.
#pragma once

#include <string>
#include <vector>

#include "engine/compiler/compile_task.h"
#include "engine/compiler/cubin.h"

namespace assay::engine {

// Why there is no answer yet: the source is wrong, or only the kernel's name in it.
enum class FailedPart { source, name };
// `place`: what the log calls the line in which the name stands. A log without an error blames the
// source.
FailedPart failed_part(const std::string& log, const std::string& place);

// The answer of a compilation that went well: `cubin` read, the kernel chosen by `lowered` (what
// the compiler says that the name means; may be empty) or `wanted` (a symbol; empty: the only
// kernel). Outcome contract_error where there is no such kernel, compile_error where the image is
// too large. `log` gives the resources.
CompileAnswer answer_with(std::string cubin, const std::vector<CubinKernel>& kernels,
                          const std::string& wanted, const std::string& lowered,
                          const std::string& log);

}  // namespace assay::engine
