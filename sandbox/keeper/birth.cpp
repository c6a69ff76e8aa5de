// SPDX-License-Identifier: Apache-2.0
// Watch's first half: from a command to a confined process that runs.
#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "sandbox/descriptor_table.h"
#include "sandbox/keeper/id_maps.h"
#include "sandbox/keeper/messages.h"
#include "sandbox/keeper/watch.h"
#include "sandbox/layers/capability_sets.h"
#include "sandbox/process_table.h"
#include "sandbox/system_error.h"

namespace assay::sandbox {
namespace {

constexpr auto kSetupPatience = std::chrono::seconds(30);
constexpr auto kMessagePatience = std::chrono::seconds(5);

// fork() with namespaces. Not the C library's: that one cannot take flags. The child of this call
// is an init that never leaves our code and forks the target by fork() itself.
pid_t fork_into(unsigned long namespaces) {
  return static_cast<pid_t>(::syscall(SYS_clone, namespaces | SIGCHLD, 0, 0, 0, 0));
}

bool granted(const std::vector<GrantedFd>& grants, int target) {
  return std::any_of(grants.begin(), grants.end(),
                     [target](const GrantedFd& grant) { return grant.target == target; });
}

}  // namespace

Watch::Watch(Job job, Channel owner)
    : job_(std::move(job)),
      owner_(std::move(owner)),
      setup_deadline_(after(kSetupPatience)),
      start_(Clock::now()) {}

void Watch::become_keeper() {
  ::prctl(PR_SET_NAME, "assay-keeper");
  ::setsid();
  ::umask(022);
  // What was inherited from a zygote (its channel to the front, other jobs' descriptors) is not
  // ours.
  std::vector<int> keep{owner_.fd()};
  for (const GrantedFd& grant : job_.descriptors) keep.push_back(grant.fd.get());
  for (int standard = 0; standard <= 2; ++standard) keep.push_back(standard);
  close_all_except(std::move(keep));

  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::prctl(PR_SET_DUMPABLE, 0);
  sigset_t watched;
  ::sigemptyset(&watched);
  ::sigaddset(&watched, SIGCHLD);
  ::sigaddset(&watched, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &watched, &original_mask_);
  ::sigdelset(&original_mask_, SIGCHLD);
  ::sigdelset(&original_mask_, SIGTERM);
  ::signal(SIGCHLD, SIG_DFL);
  signals_.reset(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
  // A signal that we survive, to end the tree in order. The owner's channel closes too if it died
  // before this.
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);

  privileged_ = has_effective_capability(CAP_SYS_ADMIN);
  if (::geteuid() == 0 && job_.policy.level == ConfineLevel::untrusted)
    (void)::setgroups(0, nullptr);
  host_kills_before_ = host_out_of_memory_kills();
}

bool Watch::give_birth() {
  auto link = Channel::pair();
  int end_pipe[2] = {-1, -1};
  UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!link || !null || ::pipe2(end_pipe, O_CLOEXEC | O_NONBLOCK) != 0) {
    end(ExitKind::setup_failed, system_message("descriptors for the target"));
    return false;
  }
  end_pipe_.reset(end_pipe[0]);
  UniqueFd end_writer(end_pipe[1]);
  link_ = std::move(link->first);
  layers_.clear();
  proc_.reset();
  tmp_.reset();
  shm_.reset();

  Newborn newborn{.policy = job_.policy,
                  .arguments = job_.arguments,
                  .descriptors = {},
                  .uid = ::geteuid(),
                  .gid = ::getegid(),
                  .privileged = privileged_,
                  .in_user_namespace = false,
                  .in_pid_namespace = false,
                  .refusals = refusals_,
                  .link = std::move(link->second),
                  .end_pipe = std::move(end_writer),
                  .signal_mask = original_mask_};
  for (const GrantedFd& grant : job_.descriptors)
    newborn.descriptors.push_back({grant.fd.duplicate(), grant.target});
  if (!granted(job_.descriptors, 0)) newborn.descriptors.push_back({null.duplicate(), 0});
  for (const int target : {1, 2})
    if (!granted(job_.descriptors, target))
      newborn.descriptors.push_back({UniqueFd::duplicate_of(output_.write_fd()), target});

  null.reset();  // the target must not come back with handles on the stack

  child_ = -1;
  child_reaped_ = false;
  in_pid_namespace_ = false;
  const bool namespaces =
      job_.policy.level == ConfineLevel::untrusted && refusals_.pid_namespace.empty();
  if (namespaces) {
    const unsigned long flags = privileged_ ? CLONE_NEWPID : CLONE_NEWPID | CLONE_NEWUSER;
    child_ = fork_into(flags);
    if (child_ < 0)
      newborn.refusals.pid_namespace = refusals_.pid_namespace = system_message("clone");
    newborn.in_pid_namespace = in_pid_namespace_ = child_ >= 0;
    newborn.in_user_namespace = in_pid_namespace_ && !privileged_;
  }
  if (child_ < 0) child_ = ::fork();
  if (child_ < 0) {
    end(ExitKind::setup_failed, system_message("fork"));
    return false;
  }
  if (child_ == 0) {
    become_target(std::move(newborn));
    return true;
  }
  child_pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, child_, 0)));
  return false;
}

// A message from the process that confines itself, or its end of the link closing: it runs, or it
// died.
bool Watch::on_link() {
  auto received = link_.receive(kMaxKeeperMessageBytes, Clock::now());
  if (!received && received.error().code == schemas::ErrorCode::timed_out) return false;
  if (!received || !*received) {
    link_.close();
    if (phase_ == Phase::released) {
      announce_start();
    } else {
      end(ExitKind::setup_failed, "the process died while it was being confined");
    }
    return false;
  }
  Frame& frame = **received;
  MapIds ids;
  RestartRequest restart;
  Handles handles;
  Layers layers;
  Reason reason;
  if (decode_message(frame.bytes, Tag::map_ids, ids)) {
    const schemas::Status mapped = write_id_maps(child_, ids);
    const Answer answer{mapped.ok(), mapped ? "" : mapped.error().message};
    (void)link_.send(encode_message(Tag::answer, answer), after(kMessagePatience));
  } else if (decode_message(frame.bytes, Tag::restart, restart)) {
    ::waitpid(child_, nullptr, 0);
    note_refusal(restart.without, std::move(restart.reason));
    return give_birth();
  } else if (decode_message(frame.bytes, Tag::handles, handles)) {
    auto next = frame.descriptors.begin();
    for (auto [there, fd] :
         {std::pair(handles.proc, &proc_), {handles.tmp, &tmp_}, {handles.shm, &shm_}})
      if (there && next != frame.descriptors.end()) *fd = std::move(*next++);
  } else if (decode_message(frame.bytes, Tag::layers, layers)) {
    for (schemas::LayerReport& layer : layers.layers) {
      if (layer.name == "own_uid") own_uid_ = layer.applied;
      layers_.push_back(std::move(layer));
    }
  } else if (message_tag(frame.bytes) == Tag::confined) {
    on_confined();
  } else if (decode_message(frame.bytes, Tag::failed, reason)) {
    end(ExitKind::setup_failed, reason.text);
  }
  return false;
}

void Watch::note_refusal(Restart what, std::string reason) {
  switch (what) {
    case Restart::none: return;
    case Restart::without_file_tree: refusals_.file_tree = std::move(reason); return;
    case Restart::without_pid_namespace: refusals_.pid_namespace = std::move(reason); return;
    case Restart::without_user_namespace:
      // An unprivileged process gets no other namespace then, but finds that out by itself.
      if (!privileged_ && refusals_.pid_namespace.empty()) refusals_.pid_namespace = reason;
      refusals_.user_namespace = std::move(reason);
      return;
  }
}

// Lets the target go. What its processes hold until now was there before it: a zygote's pages, our
// own code.
void Watch::on_confined() {
  output_.close_write_end();
  job_.descriptors.clear();
  memory_ = MemoryWatchdog(job_.policy.memory_limit_bytes, child_, std::move(proc_),
                           std::move(tmp_), std::move(shm_));
  memory_.set_baseline();
  start_ = Clock::now();
  if (job_.policy.wall_limit.count() > 0) wall_deadline_ = start_ + job_.policy.wall_limit;
  phase_ = Phase::released;
  (void)link_.send(encode_message(Tag::answer, Answer{true, ""}), after(kMessagePatience));
}

void Watch::announce_start() {
  phase_ = Phase::running;
  Started started{layers_};
  for (schemas::LayerReport& layer : own_layers()) started.layers.push_back(std::move(layer));
  const int pidfd = child_pidfd_.get();
  const std::span<const int> descriptors(&pidfd, child_pidfd_ ? 1 : 0);
  (void)owner_.send(encode_message(Tag::started, started), descriptors, after(kMessagePatience));
}

std::vector<schemas::LayerReport> Watch::own_layers() const {
  const auto report = [](const char* layer, const char* name, bool applied, const char* reason) {
    return schemas::LayerReport{layer, name, applied, applied ? "" : reason};
  };
  std::vector<schemas::LayerReport> layers;
  if (job_.policy.wall_limit.count() > 0) layers.push_back(report("L0", "wall_limit", true, ""));
  layers.push_back(report("L0", "output_cap", capturing_, "output goes to granted descriptors"));
  if (job_.policy.level == ConfineLevel::untrusted)
    layers.push_back(report("L6", "memory_watchdog", memory_.watching(), "no limit was asked for"));
  return layers;
}

}  // namespace assay::sandbox
