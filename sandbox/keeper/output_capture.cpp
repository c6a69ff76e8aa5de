// SPDX-License-Identifier: Apache-2.0
#include "sandbox/keeper/output_capture.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>
#include <vector>

#include "sandbox/system_error.h"

namespace assay::sandbox {
namespace {

constexpr int kPipeBytes = 1 << 20;  // fewer switches between a fast writer and us
constexpr std::size_t kReadBytes = std::size_t{256} << 10;

}  // namespace

schemas::Result<OutputCapture> OutputCapture::create(std::uint64_t cap_bytes) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return system_error("pipe");
  OutputCapture capture;
  capture.read_end_.reset(ends[0]);
  capture.write_end_.reset(ends[1]);
  (void)::fcntl(ends[0], F_SETPIPE_SZ, kPipeBytes);  // refused beyond a user's allowance
  if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) return system_error("O_NONBLOCK");
  capture.head_cap_ = cap_bytes / 2;
  capture.tail_cap_ = cap_bytes - capture.head_cap_;
  return capture;
}

bool OutputCapture::drain() {
  static std::vector<char> buffer(kReadBytes);
  if (!read_end_) return false;
  const ssize_t got = ::read(read_end_.get(), buffer.data(), buffer.size());
  if (got > 0) {
    keep(buffer.data(), static_cast<std::size_t>(got));
    return true;
  }
  if (got == 0) read_end_.reset();
  return got < 0 && errno == EINTR;
}

void OutputCapture::keep(const char* bytes, std::size_t count) {
  total_ += count;
  const std::size_t to_head = std::min(count, head_cap_ - head_.size());
  head_.append(bytes, to_head);
  bytes += to_head;
  count -= to_head;
  if (count >= tail_cap_) {
    tail_.assign(bytes + (count - tail_cap_), tail_cap_);
    tail_start_ = 0;
    return;
  }
  const std::size_t grown = std::min(count, tail_cap_ - tail_.size());
  tail_.append(bytes, grown);
  bytes += grown;
  count -= grown;
  // Full: overwrite the oldest, in at most two pieces.
  while (count > 0) {
    const std::size_t piece = std::min(count, tail_cap_ - tail_start_);
    std::copy_n(bytes, piece, tail_.begin() + static_cast<std::ptrdiff_t>(tail_start_));
    tail_start_ = (tail_start_ + piece) % tail_cap_;
    bytes += piece;
    count -= piece;
  }
}

void OutputCapture::fill(ExitReport& report) const {
  report.output_head = head_;
  report.output_tail = tail_.substr(tail_start_) + tail_.substr(0, tail_start_);
  report.output_bytes = total_;
}

}  // namespace assay::sandbox
