// SPDX-License-Identifier: Apache-2.0
#include "engine/zygote_process.h"

#include <utility>

#include "engine/exit_words.h"
#include "engine/worker_policy.h"

namespace assay::engine {

using schemas::Error;
using schemas::ErrorCode;
using schemas::Result;
using namespace std::chrono_literals;

namespace {

constexpr auto kZygoteStartPatience = 180s;  // torch from a cold disk
constexpr auto kEndPatience = 5s;

std::string end_words(sandbox::Process& process) {
  process.kill();
  const auto end = process.wait(sandbox::after(kEndPatience));
  return "the zygote " +
         (end ? exit_words(*end) + "\n" + sandbox::output_text(*end) : std::string("does not die"));
}

}  // namespace

ZygoteProcess::ZygoteProcess(const Installation& installation, sandbox::Spawner& spawner,
                             std::function<void()> came_up)
    : installation_(installation), spawner_(spawner), came_up_(std::move(came_up)) {
  supervisor_ = std::make_unique<Supervisor>(
      Supervisor::Hooks{[this] { return start(); }, [this] { return ended(); }});
}

ZygoteProcess::~ZygoteProcess() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    if (starting_) starting_->zygote().kill();  // or its start would be waited for
  }
  supervisor_.reset();
}

bool ZygoteProcess::up() const {
  return server() != nullptr;
}

std::string ZygoteProcess::trouble() const {
  return supervisor_->trouble();
}

std::shared_ptr<sandbox::ForkServer> ZygoteProcess::server() const {
  const std::lock_guard lock(mutex_);
  return server_;
}

Result<int> ZygoteProcess::start() {
  auto channels = sandbox::Channel::pair();
  if (!channels) {
    return channels.error();
  }
  auto& [own, theirs] = *channels;
  sandbox::SpawnRequest request;
  request.arguments = {installation_.python, "-I", installation_.zygote_script, "--channel-fd",
                       std::to_string(sandbox::kChannelDescriptor)};
  request.policy = zygote_policy(installation_);
  request.descriptors = {{theirs.fd(), sandbox::kChannelDescriptor}};
  auto process = spawner_.spawn(request, sandbox::after(kZygoteStartPatience));
  if (!process) {
    return process.error();
  }
  theirs.close();
  auto server = std::make_shared<sandbox::ForkServer>(std::move(*process), std::move(own));
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      return Error{ErrorCode::interrupted, "the zygote is not wanted any more", false, {}};
    }
    starting_ = server;
  }
  const auto ready = server->wait_ready(sandbox::after(kZygoteStartPatience));
  {
    const std::lock_guard lock(mutex_);
    starting_.reset();
  }
  if (!ready) {
    return Error{ErrorCode::interrupted, end_words(server->zygote()), true, {}};
  }
  const int end_fd = server->zygote().keeper_fd();
  {
    const std::lock_guard lock(mutex_);
    server_ = std::move(server);
  }
  came_up_();
  return end_fd;
}

std::string ZygoteProcess::ended() {
  std::shared_ptr<sandbox::ForkServer> server;
  {
    const std::lock_guard lock(mutex_);
    server = server_ ? std::exchange(server_, nullptr) : std::exchange(dying_, nullptr);
  }
  return end_words(server->zygote());
}

Result<sandbox::Process> ZygoteProcess::fork(const sandbox::ForkRequest& request,
                                             sandbox::Deadline deadline) {
  const auto server = this->server();
  if (!server) {
    return Error{ErrorCode::interrupted, "the zygote is not up: " + trouble(), true, {}};
  }
  auto process = server->fork(request, deadline);
  if (!process && process.error().code == ErrorCode::interrupted) {
    // It is gone or stuck: not up from now on, until the supervisor has seen its end and started
    // another.
    const std::lock_guard lock(mutex_);
    if (server_ == server) {
      server->zygote().kill();
      dying_ = std::exchange(server_, nullptr);
    }
  }
  return process;
}

}  // namespace assay::engine
