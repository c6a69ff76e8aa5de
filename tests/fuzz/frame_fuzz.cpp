// SPDX-License-Identifier: Apache-2.0
// Any bytes, in pieces of any size and with descriptors on any piece, as a hostile peer's end of a
// channel: the frames that come out are those a plain reading of the bytes gives, no descriptor is
// lost, nothing crashes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <string>
#include <unistd.h>
#include <vector>

#include <sys/socket.h>

#include "sandbox/channel.h"

using namespace assay;

namespace {

constexpr std::size_t kCap = 512;

// What must come out of `bytes`; `broken`: they end within a frame, or a frame exceeds the cap.
std::vector<std::string> plain_frames(std::string_view bytes, bool& broken) {
  std::vector<std::string> frames;
  while (!bytes.empty()) {
    broken = true;
    if (bytes.size() < 4) return frames;
    std::size_t length = 0;
    for (std::size_t i = 0; i < 4; ++i)
      length |= std::size_t{static_cast<unsigned char>(bytes[i])} << 8 * i;
    if (length > kCap || bytes.size() - 4 < length) return frames;
    frames.emplace_back(bytes.substr(4, length));
    bytes.remove_prefix(4 + length);
    broken = false;
  }
  return frames;
}

void send_piece(int socket, std::string_view piece, bool with_descriptor) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  iovec part{const_cast<char*>(piece.data()), piece.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (with_descriptor) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    const int granted = STDERR_FILENO;  // the socket itself would keep this end open
    std::memcpy(CMSG_DATA(header), &granted, sizeof(int));
  }
  (void)::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

int lowest_free_descriptor() {
  const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::close(fd);
  return fd;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t piece_bytes = 1 + data[0];
  const unsigned descriptors_on = data[1];  // a bit for each of the first eight pieces
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const int free_before = lowest_free_descriptor();
  {
    bool broken = false;
    const std::vector<std::string> wanted = plain_frames(bytes, broken);
    auto pair = sandbox::Channel::pair();
    if (!pair) std::abort();
    sandbox::Channel& channel = pair->first;
    sandbox::UniqueFd raw = pair->second.release();
    std::vector<std::string> got;
    std::optional<schemas::ErrorCode> error;
    const auto receive_all = [&] {
      while (!error) {
        auto frame = channel.receive(kCap, sandbox::Clock::now(), 2);
        if (!frame) {
          if (frame.error().code == schemas::ErrorCode::timed_out) return;
          error = frame.error().code;
        } else if (!*frame) {
          error = schemas::ErrorCode::interrupted;  // the peer closed between two frames
        } else {
          if ((*frame)->descriptors.size() > 2) std::abort();
          got.push_back(std::move((*frame)->bytes));
        }
      }
    };
    for (std::size_t at = 0, piece = 0; at < bytes.size(); at += piece_bytes, ++piece) {
      send_piece(raw.get(), bytes.substr(at, piece_bytes),
                 piece < 8 && (descriptors_on >> piece & 1) != 0);
      receive_all();
    }
    raw.reset();
    receive_all();
    if (got != wanted) std::abort();
    const auto end =
        broken ? schemas::ErrorCode::protocol_violation : schemas::ErrorCode::interrupted;
    if (error != end) std::abort();
  }
  if (lowest_free_descriptor() != free_before) std::abort();
  return 0;
}
