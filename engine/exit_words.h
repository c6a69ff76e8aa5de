// SPDX-License-Identifier: Apache-2.0
// How a process ended, in words and as the record that clients get.
#pragma once

#include <string>

#include "sandbox/exit_report.h"
#include "schemas/evaluation.h"

namespace assay::engine {

// To follow a subject: "was killed by signal 11 (SIGSEGV)", "ended by itself with exit code 0",
// "ran out of memory".
std::string exit_words(const sandbox::ExitReport& report);
std::string signal_name(int signal);  // "SIGSEGV"

schemas::ProcessEnd process_end(const std::string& role, const std::string& at,
                                const sandbox::ExitReport& report);

}  // namespace assay::engine
