// SPDX-License-Identifier: Apache-2.0
#include "sandbox/spawn.h"

#include <deque>
#include <fcntl.h>
#include <future>
#include <limits.h>
#include <mutex>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "sandbox/fd.h"
#include "sandbox/keeper/messages.h"
#include "sandbox/process_maker.h"
#include "sandbox/system_error.h"

namespace assay::sandbox {
namespace {

using schemas::Result;
using schemas::Status;

constexpr auto kFarewellPatience = std::chrono::seconds(5);

// posix_spawn's list of what to do with descriptors: the channel in its place, /dev/null for the
// standard three, nothing else.
class FileActions {
 public:
  FileActions() { ::posix_spawn_file_actions_init(&actions_); }
  ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;

  void set(int null_fd, int channel_fd) {
    for (int standard = 0; standard <= 2; ++standard)
      ::posix_spawn_file_actions_adddup2(&actions_, null_fd, standard);
    ::posix_spawn_file_actions_adddup2(&actions_, channel_fd, kKeeperChannelFd);
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, kKeeperChannelFd + 1);
  }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

class SpawnAttributes {
 public:
  SpawnAttributes() {
    ::posix_spawnattr_init(&attributes_);
    sigset_t signals;
    ::sigemptyset(&signals);
    ::posix_spawnattr_setsigmask(&attributes_, &signals);
    ::sigfillset(&signals);
    ::posix_spawnattr_setsigdefault(&attributes_, &signals);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnAttributes() { ::posix_spawnattr_destroy(&attributes_); }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

// Above the numbers that the keeper's own descriptors will take.
UniqueFd out_of_the_way(int fd) {
  return UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, kKeeperChannelFd + 1));
}

}  // namespace

struct Spawner::State {
  struct Order {
    int channel_fd;
    std::promise<Status> done;
  };

  std::string keeper_path;
  UniqueFd null_fd, wake_fd;
  std::mutex mutex;
  std::deque<Order> orders;       // guarded by mutex
  bool stopping = false;          // guarded by mutex
  std::vector<UniqueFd> keepers;  // the thread's: pidfds of children not reaped yet
  std::thread thread;

  void wake() const {
    const std::uint64_t one = 1;
    (void)!::write(wake_fd.get(), &one, sizeof(one));
  }

  Status start_keeper(int channel_fd) {
    FileActions actions;
    actions.set(null_fd.get(), channel_fd);
    const SpawnAttributes attributes;
    char* arguments[] = {keeper_path.data(), nullptr};
    char* environment[] = {nullptr};
    pid_t pid = -1;
    const int error = ::posix_spawn(&pid, keeper_path.c_str(), actions.get(), attributes.get(),
                                    arguments, environment);
    if (error != 0)
      return make_error(schemas::ErrorCode::internal, system_message(keeper_path, error), true);
    keepers.emplace_back(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!keepers.back()) keepers.pop_back();
    return schemas::success();
  }

  void reap() {
    std::erase_if(keepers, [](const UniqueFd& keeper) {
      siginfo_t info{};
      return ::waitid(P_PIDFD, static_cast<id_t>(keeper.get()), &info, WEXITED | WNOHANG) != 0 ||
             info.si_pid != 0;
    });
  }

  // Sleeps until there is an order or a keeper has ended.
  void sleep(Deadline deadline) {
    std::vector<pollfd> sources{{wake_fd.get(), POLLIN, 0}};
    for (const UniqueFd& keeper : keepers) sources.push_back({keeper.get(), POLLIN, 0});
    ::poll(sources.data(), sources.size(), poll_timeout_ms(deadline));
    std::uint64_t count = 0;
    (void)!::read(wake_fd.get(), &count, sizeof(count));
    reap();
  }

  void run() {
    for (;;) {
      std::unique_lock lock(mutex);
      while (!orders.empty()) {
        Order order = std::move(orders.front());
        orders.pop_front();
        lock.unlock();
        order.done.set_value(start_keeper(order.channel_fd));
        lock.lock();
      }
      if (stopping) break;
      lock.unlock();
      sleep(no_deadline());
    }
    for (const UniqueFd& keeper : keepers)
      (void)::syscall(SYS_pidfd_send_signal, keeper.get(), SIGTERM, nullptr, 0);
    const Deadline deadline = after(kFarewellPatience);
    while (!keepers.empty() && Clock::now() < deadline) sleep(deadline);
  }
};

Spawner::Spawner(std::unique_ptr<State> state) : state_(std::move(state)) {}
Spawner::Spawner(Spawner&&) noexcept = default;
Spawner& Spawner::operator=(Spawner&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}

Spawner::~Spawner() {
  if (!state_) return;
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake();
  state_->thread.join();
}

Result<Spawner> Spawner::create(std::string keeper_path) {
  if (keeper_path.empty() || keeper_path[0] != '/' || ::access(keeper_path.c_str(), X_OK) != 0)
    return make_error(schemas::ErrorCode::internal, "no keeper program at '" + keeper_path + "'");
  auto state = std::make_unique<State>();
  state->keeper_path = std::move(keeper_path);
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  state->null_fd = out_of_the_way(null.get());
  state->wake_fd.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!state->null_fd || !state->wake_fd) return system_error("descriptors of the spawner");
  state->thread = std::thread([raw = state.get()] { raw->run(); });
  return Spawner(std::move(state));
}

Result<Process> Spawner::spawn(const SpawnRequest& request, Deadline deadline) {
  if (request.arguments.empty() || request.arguments[0].empty() || request.arguments[0][0] != '/')
    return make_error(schemas::ErrorCode::internal, "a program to spawn needs an absolute path");
  auto targets = targets_of(request.descriptors, kMaxFrameDescriptors);
  if (!targets) return std::move(targets).error();
  auto ends = Channel::pair();
  if (!ends) return std::move(ends).error();
  auto& [ours, theirs] = *ends;

  UniqueFd keeper_end = out_of_the_way(theirs.fd());
  if (!keeper_end) return system_error("descriptors of the keeper");
  std::future<Status> started;
  {
    const std::lock_guard lock(state_->mutex);
    state_->orders.push_back({keeper_end.get(), {}});
    started = state_->orders.back().done.get_future();
  }
  state_->wake();
  if (Status status = started.get(); !status) return std::move(status).error();
  keeper_end.reset();
  theirs.close();

  std::vector<int> descriptors;
  for (const DescriptorGrant& grant : request.descriptors) descriptors.push_back(grant.fd);
  const SpawnCommand command{kKeeperProtocol, request.arguments, request.policy, *targets};
  if (Status sent = ours.send(encode_message(Tag::spawn, command), descriptors, deadline); !sent)
    return std::move(sent).error();
  return ProcessMaker::await_start(std::move(ours), request.policy, deadline);
}

const std::string& Spawner::keeper_path() const {
  return state_->keeper_path;
}

std::string default_keeper_path() {
  char path[PATH_MAX];
  const ssize_t length = ::readlink("/proc/self/exe", path, sizeof(path));
  if (length <= 0) return {};
  const std::string self(path, static_cast<std::size_t>(length));
  return self.substr(0, self.find_last_of('/') + 1) + "assay-keeper";
}

}  // namespace assay::sandbox
