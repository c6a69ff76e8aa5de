// SPDX-License-Identifier: Apache-2.0
// OutputCapture: the pipe that is the target's stdout and stderr. Always drained, so that the
// writer never blocks; the first and the last bytes are kept, the rest is counted and dropped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "sandbox/exit_report.h"
#include "sandbox/fd.h"
#include "schemas/result.h"

namespace assay::sandbox {

class OutputCapture {
 public:
  // Keeps `cap_bytes` at most: half of them head, half tail.
  static schemas::Result<OutputCapture> create(std::uint64_t cap_bytes);

  int fd() const { return read_end_.get(); }  // -1 once every writer has gone
  int write_fd() const { return write_end_.get(); }
  void close_write_end() { write_end_.reset(); }

  // Takes what is there without blocking, a bounded amount at a time. False when nothing was left
  // to take.
  bool drain();

  void fill(ExitReport& report) const;

 private:
  void keep(const char* bytes, std::size_t count);

  UniqueFd read_end_, write_end_;
  std::size_t head_cap_ = 0, tail_cap_ = 0;
  std::string head_;
  std::string tail_;            // a ring once it is full
  std::size_t tail_start_ = 0;  // of the oldest byte
  std::uint64_t total_ = 0;
};

}  // namespace assay::sandbox
