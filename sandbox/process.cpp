// SPDX-License-Identifier: Apache-2.0
#include "sandbox/process.h"

#include <algorithm>
#include <mutex>
#include <poll.h>
#include <signal.h>
#include <unistd.h>
#include <utility>

#include <sys/syscall.h>

#include "sandbox/keeper/messages.h"
#include "sandbox/keeper/tree_kill.h"
#include "sandbox/process_maker.h"
#include "sandbox/system_error.h"
#include "schemas/isolation.h"

namespace assay::sandbox {
namespace {

using schemas::ErrorCode;
using schemas::Result;

constexpr auto kKillPatience = std::chrono::milliseconds(100);

void send_kill(int pidfd) noexcept {
  if (pidfd >= 0) (void)::syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0);
}

bool holds(const std::vector<schemas::LayerReport>& layers, const char* name) {
  return std::any_of(layers.begin(), layers.end(),
                     [name](const auto& layer) { return layer.name == name && layer.applied; });
}

}  // namespace

struct Process::State {
  Channel keeper;
  UniqueFd pidfd;
  std::vector<schemas::LayerReport> layers;
  std::uint32_t sweep_uid = 0;  // of a tree without PID namespace that has a uid to itself
  std::optional<ExitReport> report;
  bool keeper_lost = false;
  std::mutex kill_mutex;

  // The keeper kills, and reports what it saw; the signal is for one that no longer listens.
  bool ask_keeper() noexcept {
    const std::lock_guard lock(kill_mutex);
    return keeper.send(encode_message(Tag::kill, Nothing{}), after(kKillPatience)).ok();
  }
};

Process::Process(std::unique_ptr<State> state) : state_(std::move(state)) {}
Process::Process() noexcept = default;
Process::Process(Process&&) noexcept = default;
Process& Process::operator=(Process&& other) noexcept {
  std::swap(state_, other.state_);
  Process dying(std::move(other));
  return *this;
}

Process::~Process() {
  if (!state_ || state_->report) return;
  state_->ask_keeper();
  send_kill(state_->pidfd.get());
}

void Process::kill() noexcept {
  if (state_ && !state_->ask_keeper()) send_kill(state_->pidfd.get());
}

Result<ExitReport> Process::wait(Deadline deadline) {
  if (!state_) return make_error(ErrorCode::internal, "wait for no process");
  if (state_->report) return *state_->report;
  if (!state_->keeper_lost) {
    auto frame = state_->keeper.receive(kMaxKeeperMessageBytes, deadline);
    if (!frame && frame.error().code == ErrorCode::timed_out) return std::move(frame).error();
    ExitReport report;
    if (frame && *frame && decode_message((*frame)->bytes, Tag::ended, report)) {
      state_->report = std::move(report);
      return *state_->report;
    }
    state_->keeper_lost = true;
  }
  // Without its keeper the tree dies of its parent-death signals; this is for what is left.
  send_kill(state_->pidfd.get());
  if (state_->sweep_uid != 0) sweep_uid(state_->sweep_uid);
  pollfd entry{state_->pidfd.get(), POLLIN, 0};
  if (state_->pidfd && ::poll(&entry, 1, poll_timeout_ms(deadline)) <= 0)
    return make_error(ErrorCode::timed_out, "the process is not dead yet", true);
  ExitReport report;
  report.detail = "its keeper died";
  state_->report = std::move(report);
  return *state_->report;
}

int Process::keeper_fd() const {
  return state_ ? state_->keeper.fd() : -1;
}
int Process::pidfd() const {
  return state_ ? state_->pidfd.get() : -1;
}

const std::vector<schemas::LayerReport>& Process::isolation() const {
  static const std::vector<schemas::LayerReport> none;
  return state_ ? state_->layers : none;
}

Result<Process> ProcessMaker::await_start(Channel keeper, const Policy& policy, Deadline deadline) {
  auto frame = keeper.receive(kMaxKeeperMessageBytes, deadline, 1);
  if (!frame) return std::move(frame).error();
  if (!*frame) return make_error(ErrorCode::internal, "the keeper ended before it began", true);
  Started started;
  ExitReport report;
  if (decode_message((*frame)->bytes, Tag::ended, report))
    return make_error(ErrorCode::internal,
                      std::string("the process could not be started: ") + report.detail);
  if (!decode_message((*frame)->bytes, Tag::started, started))
    return make_error(ErrorCode::internal, "the keeper spoke out of turn");
  auto state = std::make_unique<Process::State>();
  state->keeper = std::move(keeper);
  state->layers = std::move(started.layers);
  if (holds(state->layers, "own_uid") && !holds(state->layers, "pid_namespace"))
    state->sweep_uid = policy.outer_uid;
  if (!(*frame)->descriptors.empty()) state->pidfd = std::move((*frame)->descriptors.front());
  return Process(std::move(state));
}

Result<std::vector<std::int32_t>> targets_of(const std::vector<DescriptorGrant>& grants,
                                             std::size_t max_grants) {
  if (grants.size() > max_grants) return make_error(ErrorCode::internal, "too many descriptors");
  std::vector<std::int32_t> targets;
  for (const DescriptorGrant& grant : grants) {
    if (grant.fd < 0 || grant.target < 0)
      return make_error(ErrorCode::internal, "a descriptor to hand over is not open");
    targets.push_back(grant.target);
  }
  return targets;
}

}  // namespace assay::sandbox
