// SPDX-License-Identifier: Apache-2.0
#include "engine/exit_words.h"

#include <cstring>

namespace assay::engine {

using sandbox::ExitKind;

std::string signal_name(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return name == nullptr ? "signal " + std::to_string(signal) : "SIG" + std::string(name);
}

std::string exit_words(const sandbox::ExitReport& report) {
  switch (report.kind) {
    case ExitKind::exited: return "ended by itself with exit code " + std::to_string(report.code);
    case ExitKind::signaled:
      return "was killed by signal " + std::to_string(report.signal) + " (" +
             signal_name(report.signal) + ")";
    case ExitKind::timed_out: return "used up its time";
    case ExitKind::out_of_memory:
      return "ran out of memory" + (report.detail.empty() ? "" : " (" + report.detail + ")");
    case ExitKind::killed: return "was killed from outside";
    case ExitKind::setup_failed: return "could not be started: " + report.detail;
  }
  return "ended";
}

schemas::ProcessEnd process_end(const std::string& role, const std::string& at,
                                const sandbox::ExitReport& report) {
  schemas::ProcessEnd end;
  end.role = role;
  end.at = at;
  end.kind = sandbox::exit_kind_name(report.kind);
  if (report.kind == ExitKind::exited) {
    end.code = report.code;
  }
  if (report.signal != 0) {
    end.signal = report.signal;
  }
  end.output_tail = sandbox::output_text(report);
  return end;
}

}  // namespace assay::engine
