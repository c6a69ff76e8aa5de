// SPDX-License-Identifier: Apache-2.0
#include "engine/runner_process.h"

#include <poll.h>
#include <utility>

#include "engine/exit_words.h"
#include "engine/worker_policy.h"
#include "schemas/worker_message.h"

namespace assay::engine {

using schemas::Error;
using schemas::ErrorCode;
using schemas::Json;
using schemas::Result;
using namespace std::chrono_literals;

namespace {

constexpr auto kDeathPatience = 5s;

}  // namespace

const char* runner_tier_name(RunnerTier tier) {
  return tier == RunnerTier::host ? "host" : "device";
}

RunnerProcess& RunnerProcess::operator=(RunnerProcess&& other) noexcept {
  std::swap(uid_, other.uid_);
  std::swap(process_, other.process_);
  std::swap(channel_, other.channel_);
  return *this;
}

RunnerProcess::~RunnerProcess() {
  if (process_.valid()) {
    static_cast<void>(end(sandbox::after(kDeathPatience)));
  }
}

bool RunnerProcess::alive() const {
  if (!process_.valid()) {
    return false;
  }
  pollfd entry{process_.keeper_fd(), POLLIN, 0};
  return ::poll(&entry, 1, 0) == 0;
}

void RunnerProcess::await_end(std::chrono::milliseconds patience) const {
  pollfd entry{process_.keeper_fd(), POLLIN, 0};
  static_cast<void>(::poll(&entry, 1, static_cast<int>(patience.count())));
}

Result<sandbox::ExitReport> RunnerProcess::end(sandbox::Deadline deadline) {
  if (alive()) {
    process_.kill();
  }
  return process_.wait(deadline);
}

schemas::Status RunnerProcess::prepare(const schemas::DeviceInfo& device,
                                       sandbox::Deadline deadline) {
  const Json request = {{"op", "prepare"},
                        {"device",
                         {{"kind", schemas::device_kind_name(device.kind)},
                          {"index", device.index},
                          {"uuid", device.uuid}}}};
  if (auto sent = channel_.send(schemas::dump_json(request), deadline); !sent) {
    return sent;
  }
  auto frame = channel_.receive(schemas::kMaxUntrustedFrameBytes, deadline, 0);
  if (!frame) {
    return frame.error();
  }
  if (!*frame) {
    const auto report = end(sandbox::after(kDeathPatience));
    return Error{
        ErrorCode::interrupted,
        "a new runner " + (report ? exit_words(*report) + ": " + sandbox::output_text(*report)
                                  : std::string("does not die")),
        true,
        {}};
  }
  const auto answer = schemas::parse_json((*frame)->bytes);
  if (answer && answer->is_object() && answer->value("ok", false)) {
    return schemas::success();
  }
  const std::string why = answer && answer->is_object()
                              ? schemas::read_runner_error(*answer).message
                              : std::string("no JSON");
  return Error{ErrorCode::internal, "a new runner could not open its device: " + why, true, {}};
}

RunnerStarter::RunnerStarter(const Installation& installation, sandbox::Spawner& spawner,
                             ZygoteProcess& zygote, sandbox::UidPool& uids, DeviceId device,
                             std::uint64_t memory_bytes)
    : installation_(installation),
      spawner_(spawner),
      zygote_(zygote),
      uids_(uids),
      device_(device),
      memory_bytes_(memory_bytes) {}

bool RunnerStarter::possible(RunnerTier tier) const {
  return tier == RunnerTier::device || zygote_.up();
}

Result<RunnerProcess> RunnerStarter::start(RunnerTier tier, const schemas::DeviceInfo& device,
                                           sandbox::Deadline deadline) {
  auto channels = sandbox::Channel::pair();
  if (!channels) {
    return channels.error();
  }
  auto& [judges, runners] = *channels;
  auto uid = uids_.take();
  if (!uid) {
    return uid.error();
  }
  RunnerProcess runner;
  runner.uid_ = std::move(*uid);
  runner.channel_ = std::move(judges);
  const std::vector<sandbox::DescriptorGrant> descriptors = {
      {runners.fd(), sandbox::kChannelDescriptor}};
  if (tier == RunnerTier::host) {
    sandbox::ForkRequest request;
    request.policy = host_runner_policy(installation_, device_, device.uuid, memory_bytes_);
    request.policy.outer_uid = runner.uid_.uid();
    request.descriptors = descriptors;
    request.argument = schemas::dump_json({{"channel_fd", sandbox::kChannelDescriptor}});
    auto process = zygote_.fork(request, deadline);
    if (!process) {
      return process.error();
    }
    runner.process_ = std::move(*process);
  } else {
    sandbox::SpawnRequest request;
    request.arguments = {installation_.runner, "--channel-fd",
                         std::to_string(sandbox::kChannelDescriptor)};
    request.policy = device_runner_policy(installation_, device_, device.uuid, memory_bytes_);
    request.policy.outer_uid = runner.uid_.uid();
    request.descriptors = descriptors;
    auto process = spawner_.spawn(request, deadline);
    if (!process) {
      return process.error();
    }
    runner.process_ = std::move(*process);
  }
  runners.close();
  if (auto prepared = runner.prepare(device, deadline); !prepared) {
    return prepared.error();
  }
  return runner;
}

}  // namespace assay::engine
