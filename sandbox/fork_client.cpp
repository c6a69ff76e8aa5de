// SPDX-License-Identifier: Apache-2.0
// The front's side of fork_server.h.
#include <mutex>
#include <utility>

#include "sandbox/fork_server.h"
#include "sandbox/keeper/messages.h"
#include "sandbox/process_maker.h"
#include "sandbox/system_error.h"

namespace assay::sandbox {

using schemas::ErrorCode;
using schemas::Result;
using schemas::Status;

struct ForkServer::State {
  Process zygote;
  std::mutex mutex;          // one request and its answer at a time
  Channel channel;           // guarded by mutex
  bool ready = false;        // guarded by mutex
  bool out_of_step = false;  // guarded by mutex: an answer may still come that belongs to no one

  Result<Frame> receive(Deadline deadline) {
    auto frame = channel.receive(kMaxKeeperMessageBytes, deadline, 0);
    if (!frame) return std::move(frame).error();
    if (!*frame) return make_error(ErrorCode::interrupted, "the zygote ended", true);
    return std::move(**frame);
  }

  Status await_ready(Deadline deadline) {
    if (ready) return schemas::success();
    auto frame = receive(deadline);
    if (!frame) return std::move(frame).error();
    Ready message;
    if (!decode_message(frame->bytes, Tag::ready, message) || message.protocol != kKeeperProtocol)
      return make_error(ErrorCode::protocol_violation, "the zygote speaks another protocol");
    ready = true;
    return schemas::success();
  }

  Status request(const ForkCommand& command, const std::vector<int>& descriptors,
                 Deadline deadline) {
    const std::lock_guard lock(mutex);
    if (out_of_step) return make_error(ErrorCode::interrupted, "the zygote did not answer", true);
    if (Status status = await_ready(deadline); !status) return status;
    const std::string bytes = encode_message(Tag::fork, command);
    if (bytes.size() > kMaxForkRequestBytes)
      return make_error(ErrorCode::internal, "a fork request is too large");
    if (Status sent = channel.send(bytes, descriptors, deadline); !sent) return sent;
    auto frame = receive(deadline);
    Forked answer;
    if (!frame || !decode_message(frame->bytes, Tag::forked, answer)) {
      out_of_step = true;
      return frame ? make_error(ErrorCode::protocol_violation, "the zygote spoke out of turn")
                   : std::move(frame).error();
    }
    if (!answer.ok) return make_error(ErrorCode::internal, "zygote: " + answer.message);
    return schemas::success();
  }
};

ForkServer::ForkServer(Process zygote, Channel channel) : state_(std::make_unique<State>()) {
  state_->zygote = std::move(zygote);
  state_->channel = std::move(channel);
}
ForkServer::ForkServer(ForkServer&&) noexcept = default;
ForkServer& ForkServer::operator=(ForkServer&&) noexcept = default;
ForkServer::~ForkServer() = default;

Process& ForkServer::zygote() {
  return state_->zygote;
}

Status ForkServer::wait_ready(Deadline deadline) {
  const std::lock_guard lock(state_->mutex);
  return state_->await_ready(deadline);
}

Result<Process> ForkServer::fork(const ForkRequest& request, Deadline deadline) {
  auto targets = targets_of(request.descriptors, kMaxFrameDescriptors - 1);
  if (!targets) return std::move(targets).error();
  auto ends = Channel::pair();
  if (!ends) return std::move(ends).error();
  auto& [ours, theirs] = *ends;
  std::vector<int> descriptors{theirs.fd()};
  for (const DescriptorGrant& grant : request.descriptors) descriptors.push_back(grant.fd);
  const ForkCommand command{kKeeperProtocol, request.policy, *targets, request.argument};
  if (Status status = state_->request(command, descriptors, deadline); !status)
    return std::move(status).error();
  theirs.close();
  return ProcessMaker::await_start(std::move(ours), request.policy, deadline);
}

}  // namespace assay::sandbox
