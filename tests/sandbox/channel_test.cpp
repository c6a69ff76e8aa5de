// SPDX-License-Identifier: Apache-2.0
#include "sandbox/channel.h"

#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <thread>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <sys/socket.h>

#include "sandbox/policy.h"
#include "sandbox/wire.h"

using namespace assay::sandbox;
using assay::schemas::ErrorCode;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kCap = 1 << 20;
const Deadline kPast{};

std::pair<Channel, Channel> make_pair() {
  auto pair = Channel::pair();
  REQUIRE(pair);
  return std::move(*pair);
}

void send_raw(const Channel& channel, std::string_view bytes) {
  REQUIRE(::send(channel.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(bytes.size()));
}

// One message of `bytes` with `count` descriptors of /dev/null.
void send_with_descriptors(const Channel& channel, std::string_view bytes, std::size_t count) {
  const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const std::vector<int> fds(count, null.get());
  std::vector<char> control(CMSG_SPACE(count * sizeof(int)));
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(count * sizeof(int));
  std::memcpy(CMSG_DATA(header), fds.data(), count * sizeof(int));
  REQUIRE(::sendmsg(channel.fd(), &message, 0) == static_cast<ssize_t>(bytes.size()));
}

long open_descriptors() {
  const auto listing = std::filesystem::directory_iterator("/proc/self/fd");
  return std::distance(begin(listing), end(listing));
}

ErrorCode error_of(assay::schemas::Result<std::optional<Frame>> result) {
  REQUIRE(!result);
  return result.error().code;
}

}  // namespace

TEST_CASE("frames arrive whole and in order") {
  auto [ours_here, theirs] = make_pair();
  Channel& ours = ours_here;  // a lambda of C++20 may not capture a binding everywhere
  for (const std::string& text : {std::string("one"), std::string(), std::string(700'000, 'x')}) {
    std::thread sender([&] { CHECK(ours.send(text, after(5s))); });
    auto frame = theirs.receive(kCap, after(5s));
    sender.join();
    REQUIRE((frame && *frame));
    CHECK((*frame)->bytes == text);
    CHECK((*frame)->descriptors.empty());
  }
}

TEST_CASE("the length is little endian") {
  auto [ours, theirs] = make_pair();
  send_raw(ours, std::string("\x02\x00\x00\x00hi", 6));
  auto frame = theirs.receive(kCap, after(1s));
  REQUIRE((frame && *frame));
  CHECK((*frame)->bytes == "hi");
}

TEST_CASE("a frame may come in pieces, over several calls") {
  auto [ours, theirs] = make_pair();
  const std::string whole("\x05\x00\x00\x00hello", 9);
  for (const char byte : whole.substr(0, 8)) {
    send_raw(ours, {&byte, 1});
    CHECK(error_of(theirs.receive(kCap, kPast)) == ErrorCode::timed_out);
  }
  send_raw(ours, whole.substr(8));
  auto frame = theirs.receive(kCap, kPast);
  REQUIRE((frame && *frame));
  CHECK((*frame)->bytes == "hello");
}

TEST_CASE("end of file between frames is no error, within one it is") {
  {
    auto [ours, theirs] = make_pair();
    CHECK(ours.send("last", after(1s)));
    ours.close();
    auto frame = theirs.receive(kCap, after(1s));
    CHECK((frame && *frame));
    auto end = theirs.receive(kCap, after(1s));
    CHECK((end && !*end));
  }
  for (const std::string& part :
       {std::string("\x05\x00", 2), std::string("\x05\x00\x00\x00hel", 7)}) {
    auto [ours, theirs] = make_pair();
    send_raw(ours, part);
    ours.close();
    CHECK(error_of(theirs.receive(kCap, after(1s))) == ErrorCode::protocol_violation);
  }
}

TEST_CASE("the receiver's cap holds") {
  auto [ours, theirs] = make_pair();
  CHECK(ours.send(std::string(100, 'x'), after(1s)));
  auto fits = theirs.receive(100, after(1s));
  CHECK((fits && *fits));
  CHECK(ours.send(std::string(101, 'x'), after(1s)));
  CHECK(error_of(theirs.receive(100, after(1s))) == ErrorCode::protocol_violation);
  CHECK(error_of(theirs.receive(1000, after(1s))) ==
        ErrorCode::interrupted);  // broken from then on
}

TEST_CASE("a header alone reserves no memory") {
  auto [ours, theirs] = make_pair();
  send_raw(ours, std::string("\xff\xff\xff\x7f", 4));
  CHECK(error_of(theirs.receive(std::size_t{1} << 31, after(50ms))) == ErrorCode::timed_out);
}

TEST_CASE("a peer that does not read cannot block the sender") {
  auto [ours, theirs] = make_pair();
  const auto begin = Clock::now();
  const auto sent = ours.send(std::string(std::size_t{8} << 20, 'x'), after(100ms));
  REQUIRE(!sent);
  CHECK(sent.error().code == ErrorCode::timed_out);
  CHECK(Clock::now() - begin < 2s);
  const auto again = ours.send("more", after(100ms));  // it would land within the half-sent frame
  REQUIRE(!again);
  CHECK(again.error().code == ErrorCode::interrupted);
}

TEST_CASE("a peer that is gone raises no signal") {
  auto [ours, theirs] = make_pair();
  theirs.close();
  const auto sent = ours.send("anyone", after(1s));
  REQUIRE(!sent);
  CHECK(sent.error().code == ErrorCode::interrupted);
}

TEST_CASE("descriptors travel with the first byte") {
  auto [ours, theirs] = make_pair();
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  const int to_send[] = {writer.get(), writer.get()};
  CHECK(ours.send("two", to_send, after(1s)));
  writer.reset();
  auto frame = theirs.receive(kCap, after(1s));
  REQUIRE((frame && *frame));
  REQUIRE((*frame)->descriptors.size() == 2);
  for (const UniqueFd& fd : (*frame)->descriptors) CHECK(::fcntl(fd.get(), F_GETFD) == FD_CLOEXEC);
  CHECK(::write((*frame)->descriptors[1].get(), "x", 1) == 1);
  char byte = 0;
  CHECK(::read(reader.get(), &byte, 1) == 1);
}

TEST_CASE("descriptors beyond the limit are closed") {
  auto [ours, theirs] = make_pair();
  const long before = open_descriptors();
  send_with_descriptors(ours, std::string("\x01\x00\x00\x00x", 5), 100);
  {
    auto frame = theirs.receive(kCap, after(1s));
    REQUIRE((frame && *frame));
    CHECK((*frame)->descriptors.size() == kMaxFrameDescriptors);
    CHECK(open_descriptors() == before + static_cast<long>(kMaxFrameDescriptors));
  }
  send_with_descriptors(ours, std::string("\x01\x00\x00\x00x", 5), 3);
  {
    auto frame = theirs.receive(kCap, after(1s), 1);
    REQUIRE((frame && *frame));
    CHECK((*frame)->descriptors.size() == 1);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("descriptors on a later byte are dropped") {
  const std::string whole("\x02\x00\x00\x00hi", 6);
  for (const std::size_t first : {std::size_t{2}, std::size_t{4}, std::size_t{5}}) {
    auto [ours, theirs] = make_pair();
    const long before = open_descriptors();
    send_raw(ours, whole.substr(0, first));
    CHECK(error_of(theirs.receive(kCap, kPast)) == ErrorCode::timed_out);
    send_with_descriptors(ours, whole.substr(first), 4);
    auto frame = theirs.receive(kCap, after(1s));
    REQUIRE((frame && *frame));
    CHECK((*frame)->bytes == "hi");
    CHECK((*frame)->descriptors.empty());
    CHECK(open_descriptors() == before);
  }
}

TEST_CASE("a policy survives the wire, and nothing else does") {
  Policy policy;
  policy.outer_uid = 4711;
  policy.binds = system_binds();
  policy.binds[1].optional = false;
  policy.wall_limit = 1234ms;
  policy.environment = {"A=1", std::string("B=\0x", 4)};
  const std::string bytes = encode(policy);
  Policy back;
  REQUIRE(decode(bytes, back));
  CHECK(encode(back) == bytes);
  CHECK(back.environment == policy.environment);
  for (const std::size_t cut : {std::size_t{0}, std::size_t{1}, bytes.size() / 2, bytes.size() - 1})
    CHECK(!decode(std::string_view(bytes).substr(0, cut), back));
  CHECK(!decode(bytes + "x", back));
  std::string huge_count = encode(std::vector<std::string>{});
  huge_count[3] = '\x7f';
  std::vector<std::string> strings;
  CHECK(!decode(huge_count, strings));
}
