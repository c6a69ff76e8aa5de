// SPDX-License-Identifier: Apache-2.0
// What owner, keeper, zygote and the process being confined say to each other. Every message is one
// frame.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sandbox/confinement.h"
#include "sandbox/exit_report.h"
#include "sandbox/policy.h"
#include "sandbox/wire.h"
#include "schemas/isolation.h"

namespace assay::sandbox {

inline constexpr std::uint32_t kKeeperProtocol = 1;
inline constexpr std::size_t kMaxKeeperMessageBytes = std::size_t{4} << 20;
inline constexpr int kKeeperChannelFd = 3;  // where assay-keeper finds its owner

// Every message starts with one of these.
enum class Tag : std::uint8_t {
  // owner -> keeper
  spawn,  // SpawnCommand and the granted descriptors
  kill,   // nothing more
  // keeper -> owner
  started,  // Started and a pidfd
  ended,    // ExitReport
  // front -> zygote
  fork,  // ForkCommand, the keeper's end of its channel and the granted descriptors
  // zygote -> front
  ready,   // Ready
  forked,  // Forked
  // the process being confined -> its keeper, over the set-up link
  map_ids,   // MapIds; answered
  restart,   // RestartRequest: the process ends itself and wants to be born again
  handles,   // Handles and the descriptors of those that are there, in that order
  layers,    // Layers: of one stage
  confined,  // nothing more: waits for an answer, then runs
  failed,    // Reason
  // keeper -> the process being confined
  answer,  // Answer
};

struct SpawnCommand {
  std::uint32_t protocol = kKeeperProtocol;
  std::vector<std::string> arguments;
  Policy policy;
  std::vector<std::int32_t> targets;  // of the descriptors that came along
};
struct ForkCommand {
  std::uint32_t protocol = kKeeperProtocol;
  Policy policy;
  std::vector<std::int32_t> targets;
  std::string argument;
};
struct Ready {
  std::uint32_t protocol = kKeeperProtocol;
};
struct Forked {
  bool ok = false;
  std::string message;
};
struct Started {
  std::vector<schemas::LayerReport> layers;
};
struct Layers {
  std::vector<schemas::LayerReport> layers;
};
struct Reason {
  std::string text;
};
struct RestartRequest {
  Restart without = Restart::none;
  std::string reason;
};
struct MapIds {
  std::vector<std::uint32_t> uids, gids;  // each mapped to itself
};
struct Handles {
  bool proc = false, tmp = false, shm = false;
};
struct Answer {
  bool ok = false;
  std::string message;
};
struct Nothing {};

template <typename Archive>
void fields(Archive& archive, schemas::LayerReport& report) {
  archive(report.layer, report.name, report.applied, report.reason);
}
template <typename Archive>
void fields(Archive& archive, SpawnCommand& message) {
  archive(message.protocol, message.arguments, message.policy, message.targets);
}
template <typename Archive>
void fields(Archive& archive, ForkCommand& message) {
  archive(message.protocol, message.policy, message.targets, message.argument);
}
template <typename Archive>
void fields(Archive& archive, Ready& message) {
  archive(message.protocol);
}
template <typename Archive>
void fields(Archive& archive, Forked& message) {
  archive(message.ok, message.message);
}
template <typename Archive>
void fields(Archive& archive, Started& message) {
  archive(message.layers);
}
template <typename Archive>
void fields(Archive& archive, Layers& message) {
  archive(message.layers);
}
template <typename Archive>
void fields(Archive& archive, Reason& message) {
  archive(message.text);
}
template <typename Archive>
void fields(Archive& archive, RestartRequest& message) {
  archive(message.without, message.reason);
}
template <typename Archive>
void fields(Archive& archive, MapIds& message) {
  archive(message.uids, message.gids);
}
template <typename Archive>
void fields(Archive& archive, Handles& message) {
  archive(message.proc, message.tmp, message.shm);
}
template <typename Archive>
void fields(Archive& archive, Answer& message) {
  archive(message.ok, message.message);
}
template <typename Archive>
void fields(Archive&, Nothing&) {}

template <typename T>
std::string encode_message(Tag tag, T message) {
  WireWriter writer;
  writer(tag, message);
  return writer.take();
}

inline std::optional<Tag> message_tag(std::string_view bytes) {
  if (bytes.empty()) return std::nullopt;
  return static_cast<Tag>(bytes.front());
}

// False unless the bytes are exactly one such message.
template <typename T>
bool decode_message(std::string_view bytes, Tag wanted, T& message) {
  Tag tag{};
  WireReader reader(bytes);
  reader(tag, message);
  return reader.complete() && tag == wanted;
}

}  // namespace assay::sandbox
