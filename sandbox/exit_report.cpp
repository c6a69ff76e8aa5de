// SPDX-License-Identifier: Apache-2.0
#include "sandbox/exit_report.h"

namespace assay::sandbox {

const char* exit_kind_name(ExitKind kind) {
  switch (kind) {
    case ExitKind::exited: return "exited";
    case ExitKind::signaled: return "signaled";
    case ExitKind::timed_out: return "timed_out";
    case ExitKind::out_of_memory: return "out_of_memory";
    case ExitKind::killed: return "killed";
    case ExitKind::setup_failed: return "setup_failed";
  }
  return "killed";
}

std::string output_text(const ExitReport& report) {
  const std::uint64_t kept = report.output_head.size() + report.output_tail.size();
  if (report.output_bytes <= kept) return report.output_head + report.output_tail;
  return report.output_head + "\n[... " + std::to_string(report.output_bytes - kept) +
         " bytes of output dropped ...]\n" + report.output_tail;
}

}  // namespace assay::sandbox
