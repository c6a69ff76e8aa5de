// SPDX-License-Identifier: Apache-2.0
#include "mcp/connection.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <netdb.h>
#include <poll.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace assay::mcp {
namespace {

constexpr std::size_t kMaxSkippedBytes = 16;
constexpr std::size_t kPieceBytes = std::size_t{16} << 10;
// What the system may keep for a peer that does not read; it doubles the number.
constexpr int kSendBufferBytes = 128 << 10;
// A peer that is silent at the level of TCP (its machine has gone) is given up after this time.
constexpr int kSilenceMilliseconds = 60'000;
// How long, and for how much, a closed connection still listens, so that the peer gets to read the
// answer before a reset throws it away.
constexpr std::chrono::milliseconds kLinger{1'000};
constexpr std::size_t kLingerBytes = std::size_t{1} << 20;
// Bodies below it are not counted: connections are.
constexpr std::uint64_t kUncountedBytes = std::uint64_t{64} << 10;
constexpr std::uint64_t kBudgetStepBytes = std::uint64_t{1} << 20;

int milliseconds_until(std::chrono::steady_clock::time_point until) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
}

// Their bytes.
std::size_t leading_empty_lines(std::string_view text) {
  std::size_t bytes = 0;
  while (text.substr(bytes, 2) == "\r\n") bytes += 2;
  return bytes;
}

// Of what did not arrive whole.
HttpRefusal refusal_of(Wait waited, const char* what) {
  switch (waited) {
    case Wait::timed_out: return {408, std::string(what) + " took too long to arrive", {}, true};
    case Wait::stopped: return stopping_refusal();
    default: return {0, "the peer has gone", {}, true};
  }
}

}  // namespace

HttpRefusal stopping_refusal() {
  return {503, "the server is stopping: try again", {{"Retry-After", "5"}}, true};
}

bool BodyBudget::take(std::uint64_t bytes) {
  std::uint64_t left = left_bytes_.load();
  while (left >= bytes)
    if (left_bytes_.compare_exchange_weak(left, left - bytes)) return true;
  return false;
}

bool BodyLease::grow_to(std::uint64_t bytes) {
  if (bytes <= std::max(taken_, kUncountedBytes)) return true;
  const std::uint64_t steps = (bytes - taken_ + kBudgetStepBytes - 1) / kBudgetStepBytes;
  if (!budget_.take(steps * kBudgetStepBytes)) return false;
  taken_ += steps * kBudgetStepBytes;
  return true;
}

Connection::Connection(int socket, StopEvents stops, ConnectionLimits limits)
    : socket_(socket), stops_(stops), limits_(limits) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getpeername(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0) {
    client_ = client_name(address);
    // The port lies at the same place in both families.
    port_ = ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
  }
  const int on = 1;
  ::setsockopt(socket_, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(socket_, SOL_SOCKET, SO_SNDBUF, &kSendBufferBytes, sizeof kSendBufferBytes);
  ::setsockopt(socket_, IPPROTO_TCP, TCP_USER_TIMEOUT, &kSilenceMilliseconds,
               sizeof kSilenceMilliseconds);
}

Connection::~Connection() {
  if (!broken_ && ::shutdown(socket_, SHUT_WR) == 0) {
    const auto until = Clock::now() + kLinger;
    std::array<char, kPieceBytes> piece;
    std::size_t seen = 0;
    while (seen < kLingerBytes && await(POLLIN, until, true) == Wait::ready) {
      const ssize_t count = ::recv(socket_, piece.data(), piece.size(), MSG_DONTWAIT);
      if (count <= 0) break;
      seen += static_cast<std::size_t>(count);
    }
  }
  ::close(socket_);
}

Wait Connection::await(short events, Clock::time_point until, bool idle) const {
  std::array<pollfd, 2> waits = {pollfd{socket_, events, 0},
                                 pollfd{idle ? stops_.idle : stops_.all, POLLIN, 0}};
  for (;;) {
    const int count = ::poll(waits.data(), waits.size(), milliseconds_until(until));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Wait::closed;
    // A peer that moves some bytes each time would otherwise never be cut off.
    if (!idle && waits[1].revents != 0) return Wait::stopped;
    if (waits[0].revents != 0) return Wait::ready;
    if (waits[1].revents != 0) return Wait::stopped;
    if (Clock::now() >= until) return Wait::timed_out;
  }
}

Wait Connection::receive(Clock::time_point until, bool idle) {
  const Wait waited = await(POLLIN, until, idle);
  if (waited != Wait::ready) return waited;
  std::array<char, kPieceBytes> piece;
  const ssize_t count = ::recv(socket_, piece.data(), piece.size(), MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return Wait::ready;
  if (count < 0) broken_ = true;
  if (count <= 0) return Wait::closed;
  kept_.append(piece.data(), static_cast<std::size_t>(count));
  return Wait::ready;
}

Wait Connection::await_request(std::chrono::milliseconds patience) {
  if (!kept_.empty()) return Wait::ready;  // a pipelined request, or its beginning
  return receive(Clock::now() + patience, true);
}

ParsedHead Connection::read_head() {
  const auto until = Clock::now() + limits_.head_limit;
  std::size_t searched = 0, skipped = 0;
  for (;;) {
    // Some empty lines before a request are ignored, as after the body of an old client.
    if (searched == 0) {
      const std::size_t empty = leading_empty_lines(kept_);
      kept_.erase(0, empty);
      skipped += empty;
    }
    if (skipped > kMaxSkippedBytes)
      return {{}, HttpRefusal{400, "empty lines instead of a request", {}, true}};
    const std::size_t end = kept_.find("\r\n\r\n", searched);
    if (end != std::string::npos && end + 4 <= kMaxHeadBytes)
      return parse_request_head(take_kept(end + 4));
    if (kept_.size() >= kMaxHeadBytes)
      return {
          {},
          HttpRefusal{431,
                      "the headers are larger than " + std::to_string(kMaxHeadBytes >> 10) + " KiB",
                      {},
                      true}};
    searched = kept_.size() < 3 ? 0 : kept_.size() - 3;
    if (const Wait waited = receive(until, false); waited != Wait::ready)
      return {{}, refusal_of(waited, "the request's head")};
  }
}

Connection::Body Connection::read_body(std::uint64_t bytes, BodyLease& lease) {
  const auto start = Clock::now();
  Body body{take_kept(bytes), std::nullopt};
  // Address space only, until bytes come: one piece of memory instead of a chain of doublings.
  body.text.reserve(bytes);
  while (body.text.size() < bytes) {
    const std::chrono::duration<double> earned(
        static_cast<double>(body.text.size()) /
        static_cast<double>(limits_.min_body_bytes_per_second));
    const auto deadline =
        start + limits_.read_timeout + std::chrono::duration_cast<Clock::duration>(earned);
    const auto waited = receive(std::min(deadline, Clock::now() + limits_.read_timeout), false);
    if (waited != Wait::ready) {
      body.refused = refusal_of(waited, "the request's body");
      return body;
    }
    if (!lease.grow_to(body.text.size() + kept_.size())) {
      body.refused = HttpRefusal{
          503, "too many large bodies at a time: try again", {{"Retry-After", "5"}}, true};
      return body;
    }
    body.text += take_kept(bytes - body.text.size());
  }
  return body;
}

bool Connection::discard(std::uint64_t bytes) {
  const auto until = Clock::now() + limits_.read_timeout;
  std::uint64_t left = bytes - take_kept(bytes).size();
  while (left > 0) {
    if (receive(until, false) != Wait::ready) return false;
    left -= take_kept(left).size();
  }
  return true;
}

std::string Connection::take_kept(std::uint64_t bytes) {
  if (bytes >= kept_.size()) return std::exchange(kept_, {});
  std::string taken = kept_.substr(0, bytes);
  kept_.erase(0, bytes);
  return taken;
}

bool Connection::write(std::string_view bytes) {
  const auto until = Clock::now() + limits_.write_timeout;
  while (!broken_ && !bytes.empty()) {
    const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(count));
    } else if (count == 0 || (errno != EAGAIN && errno != EINTR) ||
               await(POLLOUT, until, false) != Wait::ready) {
      broken_ = true;
    }
  }
  return !broken_;
}

void Connection::write_at_once(std::string_view bytes) {
  (void)::send(socket_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

bool Connection::peer_has_gone() const {
  if (broken_) return true;
  std::array<pollfd, 2> waits = {pollfd{socket_, POLLRDHUP, 0}, pollfd{stops_.all, POLLIN, 0}};
  return ::poll(waits.data(), waits.size(), 0) > 0 &&
         ((waits[0].revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0 || waits[1].revents != 0);
}

}  // namespace assay::mcp
