// SPDX-License-Identifier: Apache-2.0
// Watch's second half: the loop, the limits and the end.
#include "sandbox/keeper/watch.h"

#include <algorithm>
#include <array>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "sandbox/keeper/messages.h"
#include "sandbox/keeper/tree_kill.h"
#include "sandbox/process_table.h"
#include "sandbox/system_error.h"

namespace assay::sandbox {
namespace {

constexpr int kMemoryPollMs = 20;
constexpr auto kInitPatience = std::chrono::seconds(2);
constexpr auto kReportPatience = std::chrono::seconds(5);
constexpr std::size_t kMaxOwnerFrameBytes = 64;

double cpu_seconds_of(const rusage& usage) {
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::string megabytes(std::uint64_t bytes) {
  return std::to_string((bytes + (1u << 20) - 1) >> 20) + " MiB";
}

}  // namespace

bool Watch::run() {
  become_keeper();
  auto output = OutputCapture::create(job_.policy.output_cap_bytes);
  if (!output) {
    end(ExitKind::setup_failed, output.error().message);
    finish();
  }
  output_ = std::move(*output);
  const auto targets = [this](int target) {
    return std::any_of(job_.descriptors.begin(), job_.descriptors.end(),
                       [target](const GrantedFd& grant) { return grant.target == target; });
  };
  capturing_ = !targets(1) || !targets(2);
  if (give_birth()) return true;

  while (!cause_) {
    std::array<pollfd, 4> sources{{{owner_.fd(), POLLIN, 0},
                                   {signals_.get(), POLLIN, 0},
                                   {link_.fd(), POLLIN, 0},
                                   {output_.fd(), POLLIN, 0}}};
    ::poll(sources.data(), sources.size(), wait_ms());
    if (sources[3].revents != 0) output_.drain();
    // What a process said comes before the news that it is dead, and that before what is asked of
    // us.
    if (drain_link()) return true;
    if (!cause_ && sources[1].revents != 0) on_signal();
    if (!cause_ && sources[0].revents != 0) on_owner();
    if (!cause_) look_at_limits();
  }
  finish();
}

bool Watch::drain_link() {
  while (!cause_ && link_.valid()) {
    pollfd entry{link_.fd(), POLLIN, 0};
    if (::poll(&entry, 1, 0) <= 0) return false;
    if (on_link()) return true;
  }
  return false;
}

int Watch::wait_ms() const {
  const int deadline = poll_timeout_ms(phase_ == Phase::running ? wall_deadline_ : setup_deadline_);
  if (!memory_.watching()) return deadline;
  return deadline < 0 ? kMemoryPollMs : std::min(deadline, kMemoryPollMs);
}

void Watch::end(ExitKind kind, std::string detail) {
  if (cause_) return;
  cause_.emplace();
  cause_->kind = kind;
  cause_->detail = std::move(detail);
}

void Watch::on_owner() {
  auto received = owner_.receive(kMaxOwnerFrameBytes, Clock::now());
  if (!received && received.error().code == schemas::ErrorCode::timed_out) return;
  if (!received || !*received) return end(ExitKind::killed, "its owner went away");
  if (message_tag((*received)->bytes) == Tag::kill) end(ExitKind::killed, "its owner asked");
}

void Watch::on_signal() {
  signalfd_siginfo info{};
  bool told_to_end = false;
  while (::read(signals_.get(), &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info)))
    told_to_end = told_to_end || info.ssi_signo == SIGTERM;
  for (;;) {
    int status = 0;
    rusage usage{};
    const pid_t pid = ::wait4(-1, &status, WNOHANG, &usage);
    if (pid <= 0) break;
    if (pid == child_) on_child_end(status, cpu_seconds_of(usage));
  }
  if (told_to_end) end(ExitKind::killed, "its keeper was told to end");
}

void Watch::look_at_limits() {
  const auto now = Clock::now();
  if (phase_ != Phase::running && now >= setup_deadline_)
    return end(ExitKind::setup_failed, "the set-up took too long");
  if (now >= wall_deadline_)
    return end(ExitKind::timed_out,
               "ran longer than " + std::to_string(job_.policy.wall_limit.count()) + " ms");
  // A busy loop (output, signals) must not mean a busy look at memory.
  if (!memory_.watching() || now < next_memory_look_) return;
  next_memory_look_ = now + std::chrono::milliseconds(kMemoryPollMs / 2);
  if (memory_.over())
    end(ExitKind::out_of_memory, "used " + megabytes(memory_.charge_bytes()) + " of " +
                                     megabytes(job_.policy.memory_limit_bytes));
}

void Watch::on_child_end(int status, double cpu_seconds) {
  child_reaped_ = true;
  if (const auto target = target_end(status, cpu_seconds))
    return judge_end(target->status, target->cpu_seconds);
  if (host_out_of_memory_kills() > host_kills_before_)
    return end(ExitKind::out_of_memory, "the host ran out of memory");
  end(ExitKind::killed, asked_to_kill() ? "its owner asked" : "killed from outside");
}

// How the target ended, when anyone can know: an init that was killed took the answer with it.
std::optional<TargetEnd> Watch::target_end(int child_status, double cpu_seconds) const {
  TargetEnd target{child_status, cpu_seconds};
  if (in_pid_namespace_ &&
      ::read(end_pipe_.get(), &target, sizeof(target)) != static_cast<ssize_t>(sizeof(target)))
    return std::nullopt;
  return target;
}

// The owner tells us first when it kills by itself.
bool Watch::asked_to_kill() {
  pollfd entry{owner_.fd(), POLLIN, 0};
  if (::poll(&entry, 1, 0) <= 0) return false;
  auto received = owner_.receive(kMaxOwnerFrameBytes, Clock::now());
  return received && *received && message_tag((*received)->bytes) == Tag::kill;
}

void Watch::judge_end(int status, double cpu_seconds) {
  if (WIFEXITED(status)) {
    end(ExitKind::exited, "");
    cause_->code = WEXITSTATUS(status);
    return;
  }
  const int signal = WTERMSIG(status);
  const auto cpu_limit = static_cast<double>(job_.policy.limits.cpu_seconds);
  if (cpu_limit > 0 && (signal == SIGXCPU || (signal == SIGKILL && cpu_seconds >= cpu_limit))) {
    end(ExitKind::timed_out, "used up its CPU time");
  } else if (signal == SIGKILL && host_out_of_memory_kills() > host_kills_before_) {
    end(ExitKind::out_of_memory, "the host ran out of memory");
  } else if (signal == SIGKILL && asked_to_kill()) {
    end(ExitKind::killed, "its owner asked");
  } else if (signal == SIGXFSZ) {
    end(ExitKind::signaled, "a file grew beyond its limit");
  } else {
    end(ExitKind::signaled, "");
  }
  cause_->signal = signal;
}

// Kills the child and with it, in a PID namespace, the tree. Returns when it is dead.
void Watch::kill_child() {
  // Init ends the tree itself when asked, and tells how the target ended.
  const bool ask = in_pid_namespace_ && phase_ != Phase::confining;
  ::kill(child_, ask ? SIGTERM : SIGKILL);
  const Deadline patience = after(kInitPatience);
  int status = 0;
  rusage usage{};
  while (::wait4(child_, &status, WNOHANG, &usage) == 0) {
    output_.drain();
    if (ask && Clock::now() >= patience) ::kill(child_, SIGKILL);
    pollfd entry{child_pidfd_.get(), POLLIN, 0};
    ::poll(&entry, 1, kMemoryPollMs);
  }
  child_reaped_ = true;
  if (phase_ == Phase::confining || cause_->kind != ExitKind::killed) return;
  // It may have been dying of something else when we were told to kill it.
  const auto target = target_end(status, cpu_seconds_of(usage));
  if (!target || (WIFSIGNALED(target->status) && WTERMSIG(target->status) == SIGKILL)) return;
  cause_.reset();
  judge_end(target->status, target->cpu_seconds);
}

void Watch::finish() {
  const double wall_seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  // Closed first: a process that is still confining itself gives up on its own, too.
  link_.close();
  output_.close_write_end();
  if (child_ > 0 && !child_reaped_) kill_child();
  kill_descendants(in_pid_namespace_ || !own_uid_ ? 0 : job_.policy.outer_uid);
  while (output_.drain()) {
  }
  ExitReport report = *cause_;
  report.wall_seconds = wall_seconds;
  output_.fill(report);
  report.peak_memory_bytes = memory_.peak_bytes();
  (void)owner_.send(encode_message(Tag::ended, report), after(kReportPatience));
  ::_exit(0);
}

}  // namespace assay::sandbox
