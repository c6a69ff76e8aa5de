// SPDX-License-Identifier: Apache-2.0
#include "sandbox/channel.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <poll.h>

#include <sys/socket.h>
#include <sys/uio.h>

#include "sandbox/system_error.h"

namespace assay::sandbox {
namespace {

using schemas::Error;
using schemas::ErrorCode;
using schemas::Result;
using schemas::Status;

// The kernel's own bound on descriptors in one message: room for all of them means none is cut off
// unseen.
constexpr std::size_t kKernelMaxDescriptors = 253;
// A body grows as its bytes arrive, so that a header alone costs nothing.
constexpr std::size_t kBodyStepBytes = std::size_t{256} << 10;

union ControlBuffer {
  cmsghdr align;
  char bytes[CMSG_SPACE(sizeof(int) * kKernelMaxDescriptors)];
};

Status wait_for(int fd, short events, Deadline deadline, const char* what) {
  for (;;) {
    pollfd entry{fd, events, 0};
    const int ready = ::poll(&entry, 1, poll_timeout_ms(deadline));
    if (ready > 0) return schemas::success();
    if (ready < 0 && errno != EINTR) return system_error("poll");
    if (ready == 0 && Clock::now() >= deadline)
      return make_error(ErrorCode::timed_out, std::string(what) + " timed out", true);
  }
}

// Attaches `descriptors` to the message that starts a frame.
void attach(msghdr& message, ControlBuffer& control, std::span<const int> descriptors) {
  const std::size_t bytes = descriptors.size() * sizeof(int);
  message.msg_control = control.bytes;
  message.msg_controllen = CMSG_SPACE(bytes);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(bytes);
  std::memcpy(CMSG_DATA(header), descriptors.data(), bytes);
}

// Takes ownership of every descriptor that came; those beyond `max` are closed here.
void collect(msghdr& message, std::vector<UniqueFd>& into, std::size_t max) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      UniqueFd owned(fd);
      if (into.size() < max) into.push_back(std::move(owned));
    }
  }
}

}  // namespace

Result<std::pair<Channel, Channel>> Channel::pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return system_error("socketpair");
  return std::pair(Channel(UniqueFd(ends[0])), Channel(UniqueFd(ends[1])));
}

Status Channel::send(std::string_view bytes, std::span<const int> descriptors, Deadline deadline) {
  if (bytes.size() > std::numeric_limits<std::uint32_t>::max() ||
      descriptors.size() > kMaxFrameDescriptors)
    return make_error(ErrorCode::protocol_violation, "frame too large to send");
  if (send_broken_ || !valid())
    return make_error(ErrorCode::interrupted, "the channel is closed for sending");

  FrameHeader header = encode_frame_header(static_cast<std::uint32_t>(bytes.size()));
  const std::size_t total = header.size() + bytes.size();
  std::size_t sent = 0;
  while (sent < total) {
    iovec parts[2];
    std::size_t part_count = 0;
    if (sent < header.size()) parts[part_count++] = {header.data() + sent, header.size() - sent};
    const std::size_t body_sent = sent < header.size() ? 0 : sent - header.size();
    if (body_sent < bytes.size())
      parts[part_count++] = {const_cast<char*>(bytes.data()) + body_sent, bytes.size() - body_sent};

    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = part_count;
    ControlBuffer control;
    if (sent == 0 && !descriptors.empty()) attach(message, control, descriptors);

    const ssize_t written = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (written > 0) {
      sent += static_cast<std::size_t>(written);
      continue;
    }
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && (errno == EPIPE || errno == ECONNRESET)) {
      send_broken_ = true;
      return make_error(ErrorCode::interrupted, "the peer closed the channel");
    }
    if (written < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
      send_broken_ = sent > 0;
      return system_error("sendmsg");
    }
    if (Status ready = wait_for(socket_.get(), POLLOUT, deadline, "sending"); !ready) {
      send_broken_ = sent > 0;
      return ready;
    }
  }
  return schemas::success();
}

Result<Channel::Step> Channel::read_some(std::size_t max_bytes, std::size_t max_descriptors) {
  const bool in_header = incoming_.header_bytes < kFrameHeaderBytes;
  iovec part{};
  ControlBuffer control;
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (in_header) {
    part = {incoming_.header.data() + incoming_.header_bytes,
            kFrameHeaderBytes - incoming_.header_bytes};
    // Only the first byte may bring descriptors; without a control buffer the kernel drops any
    // others.
    if (incoming_.header_bytes == 0) {
      message.msg_control = control.bytes;
      message.msg_controllen = sizeof(control.bytes);
    }
  } else {
    const std::size_t length = decode_frame_header(incoming_.header);
    const std::size_t room =
        std::min(length, incoming_.body_bytes + kBodyStepBytes) - incoming_.body_bytes;
    if (incoming_.body.size() < incoming_.body_bytes + room)
      incoming_.body.resize(incoming_.body_bytes + room);
    part = {incoming_.body.data() + incoming_.body_bytes, room};
  }

  const ssize_t got = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (got < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return Step::need_more;
    receive_broken_ = true;
    if (errno == ECONNRESET) return make_error(ErrorCode::interrupted, "the connection was reset");
    return system_error("recvmsg");
  }
  if (message.msg_controllen > 0 && message.msg_control != nullptr)
    collect(message, incoming_.descriptors, max_descriptors);
  if (got == 0) {
    receive_broken_ = true;
    if (incoming_.header_bytes == 0) return Step::closed;
    return make_error(ErrorCode::protocol_violation, "the peer closed the channel within a frame");
  }

  if (in_header) {
    incoming_.header_bytes += static_cast<std::size_t>(got);
    if (incoming_.header_bytes < kFrameHeaderBytes) return Step::need_more;
    const std::uint32_t length = decode_frame_header(incoming_.header);
    if (length > max_bytes) {
      receive_broken_ = true;
      return make_error(ErrorCode::protocol_violation, "a frame of " + std::to_string(length) +
                                                           " bytes exceeds the limit of " +
                                                           std::to_string(max_bytes));
    }
  } else {
    incoming_.body_bytes += static_cast<std::size_t>(got);
  }
  return incoming_.body_bytes == decode_frame_header(incoming_.header) ? Step::complete
                                                                       : Step::need_more;
}

Result<std::optional<Frame>> Channel::receive(std::size_t max_bytes, Deadline deadline,
                                              std::size_t max_descriptors) {
  if (receive_broken_ || !valid())
    return make_error(ErrorCode::interrupted, "the channel is closed for receiving");
  for (;;) {
    if (Status ready = wait_for(socket_.get(), POLLIN, deadline, "receiving"); !ready)
      return std::move(ready).error();
    Result<Step> step = read_some(max_bytes, max_descriptors);
    if (!step) return std::move(step).error();
    if (*step == Step::closed) return std::optional<Frame>{};
    if (*step == Step::complete) {
      incoming_.body.resize(incoming_.body_bytes);
      Frame frame{std::move(incoming_.body), std::move(incoming_.descriptors)};
      incoming_ = Incoming{};
      return std::optional<Frame>(std::move(frame));
    }
  }
}

}  // namespace assay::sandbox
