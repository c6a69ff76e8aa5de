// SPDX-License-Identifier: Apache-2.0
// Which compiler options a caller may pass. A closed list: options change the code that is
// generated or the macros it sees, never which files are read or what kind of output is made.
#pragma once

#include <string>
#include <vector>

#include "schemas/kernel.h"
#include "schemas/result.h"

namespace assay::engine {

struct CompileOptions {
  std::string architecture;            // "sm_90", or "sm_90a" where the caller asked for it
  std::vector<std::string> forwarded;  // for the compiler, in their long form
  // nvcc: macros as #define and #undef lines. It hands its command line to a shell, where a macro's
  // text would be a command.
  std::vector<std::string> macro_lines;
  std::vector<std::string> notes;  // accepted, without effect here, and why
};

// `architecture` is that of the device. Error: malformed_call with the option and the reason.
schemas::Result<CompileOptions> read_compile_options(
    const std::vector<std::string>& options, const std::string& architecture,
    schemas::CudaBackend backend = schemas::CudaBackend::nvrtc);

}  // namespace assay::engine
