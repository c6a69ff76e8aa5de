// SPDX-License-Identifier: Apache-2.0
// ExitReport: how a confined process and everything it started came to their end. Written by its
// keeper after the last of them is dead. The first cause wins: a process that ran out of memory and
// was then killed for it is `out_of_memory`.
#pragma once

#include <cstdint>
#include <string>

namespace assay::sandbox {

enum class ExitKind : std::uint8_t {
  exited,         // returned or called exit: `code`
  signaled,       // died of a signal that it raised or earned: `signal`
  timed_out,      // wall deadline or CPU limit
  out_of_memory,  // memory watchdog, or the host's out-of-memory killer
  killed,         // from outside: its owner asked, went away, or someone killed it
  setup_failed,   // never ran: `detail` says why
};
// "exited", "signaled", "timed_out", "out_of_memory", "killed", "setup_failed".
const char* exit_kind_name(ExitKind kind);

struct ExitReport {
  ExitKind kind = ExitKind::killed;
  std::int32_t code = 0;                // of exited
  std::int32_t signal = 0;              // of signaled; also set for timed_out by the CPU limit
  std::string detail;                   // a sentence for a person; may be empty
  std::string output_head;              // first bytes of stdout and stderr together
  std::string output_tail;              // last bytes, when they did not all fit into the head
  std::uint64_t output_bytes = 0;       // written in all
  std::uint64_t peak_memory_bytes = 0;  // as the watchdog counts; 0 when it did not watch
  double wall_seconds = 0;

  bool clean() const { return kind == ExitKind::exited && code == 0; }
};

// Head and tail as one text, with a line between them that says how many bytes were dropped.
std::string output_text(const ExitReport& report);

template <typename Archive>
void fields(Archive& archive, ExitReport& report) {
  archive(report.kind, report.code, report.signal, report.detail, report.output_head,
          report.output_tail, report.output_bytes, report.peak_memory_bytes, report.wall_seconds);
}

}  // namespace assay::sandbox
