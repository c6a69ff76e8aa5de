// SPDX-License-Identifier: Apache-2.0
// Channel: frames over one end of a Unix stream socketpair. A frame is `u32 length (little endian)
// | bytes`, with descriptors attached (SCM_RIGHTS) to its first byte. The peer may be hostile: the
// receiver gives the cap, received descriptors are close-on-exec, descriptors on any other byte are
// dropped, and neither side can block the other beyond a deadline or raise SIGPIPE. One thread may
// send while another receives; nothing more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sandbox/clock.h"
#include "sandbox/fd.h"
#include "sandbox/frame.h"
#include "schemas/result.h"

namespace assay::sandbox {

// Where every worker process finds its end of the channel to the process that started it.
inline constexpr int kChannelDescriptor = 3;

class Channel {
 public:
  Channel() = default;
  // Adopts a connected Unix stream socket, blocking or not.
  explicit Channel(UniqueFd socket) : socket_(std::move(socket)) {}

  // Both ends of a new socketpair, close-on-exec.
  static schemas::Result<std::pair<Channel, Channel>> pair();

  // Sends one frame with at most kMaxFrameDescriptors borrowed descriptors. Errors: timed_out (the
  // peer does not read; when part of the frame was sent the channel is broken for sending),
  // interrupted (the peer is gone), protocol_violation (too large for the length field, too many
  // descriptors), internal.
  schemas::Status send(std::string_view bytes, std::span<const int> descriptors, Deadline deadline);
  schemas::Status send(std::string_view bytes, Deadline deadline) {
    return send(bytes, {}, deadline);
  }

  // Receives one frame of at most `max_bytes`. An empty optional: the peer closed between two
  // frames. Descriptors beyond `max_descriptors` are closed. Errors: timed_out (what has arrived of
  // a frame is kept, a later call goes on with it; a deadline in the past makes this a poll),
  // protocol_violation (longer than max_bytes, or the peer closed within a frame; the channel is
  // broken for receiving), interrupted (the connection was reset), internal.
  schemas::Result<std::optional<Frame>> receive(std::size_t max_bytes, Deadline deadline,
                                                std::size_t max_descriptors = kMaxFrameDescriptors);

  // For poll loops: readable means that receive() with a past deadline makes progress.
  int fd() const { return socket_.get(); }
  bool valid() const { return socket_.valid(); }
  void close() { socket_.reset(); }
  // Gives the socket away. REQUIRES: no partly received frame.
  UniqueFd release() { return std::move(socket_); }

 private:
  // One frame on its way in.
  struct Incoming {
    FrameHeader header = {};
    std::size_t header_bytes = 0;
    std::string body;
    std::size_t body_bytes = 0;
    std::vector<UniqueFd> descriptors;
  };
  enum class Step { complete, need_more, closed };
  schemas::Result<Step> read_some(std::size_t max_bytes, std::size_t max_descriptors);

  UniqueFd socket_;
  Incoming incoming_;
  bool send_broken_ = false;
  bool receive_broken_ = false;
};

}  // namespace assay::sandbox
