// SPDX-License-Identifier: Apache-2.0
// How processes end, and that nothing of them is left.
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <iostream>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "sandbox/keeper/tree_kill.h"
#include "sandbox/uid_pool.h"
#include "support.h"

using namespace sandbox_test;
using sandbox::ExitKind;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

double seconds_since(sandbox::Clock::time_point start) {
  return std::chrono::duration<double>(sandbox::Clock::now() - start).count();
}

sandbox::Policy with_memory(std::uint64_t limit_bytes) {
  sandbox::Policy policy = untrusted_policy();
  policy.memory_limit_bytes = limit_bytes;
  policy.limits.file_size_bytes = 0;
  return policy;
}

void wait_for_output(sandbox::UniqueFd& pipe, const std::string& wanted) {
  std::string text;
  char byte = 0;
  while (text.find(wanted) == std::string::npos && ::read(pipe.get(), &byte, 1) == 1) text += byte;
  REQUIRE_THAT(text, Catch::Contains(wanted));
}

// A process of this uid that forks and leaves the rest to its child, and so on for seconds. Returns
// the process that reaps them.
pid_t start_hopping(std::uint32_t uid, int lifeline_fd) {
  const pid_t reaper = ::fork();
  if (reaper != 0) return reaper;
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (::fork() == 0) {
    if (::setresgid(uid, uid, uid) != 0 || ::setresuid(uid, uid, uid) != 0) ::_exit(1);
    const auto until = sandbox::Clock::now() + 5s;
    while (sandbox::Clock::now() < until)
      if (::fork() > 0) ::_exit(0);
    ::_exit(0);
  }
  ::close(lifeline_fd);
  while (::wait(nullptr) > 0 || errno == EINTR) {
  }
  ::_exit(0);
}

}  // namespace

TEST_CASE("exit, signal, abort and fault are told apart", "[guards]") {
  const Outcome exited = run({"exit", "7"});
  CHECK(exited.report.kind == ExitKind::exited);
  CHECK(exited.report.code == 7);
  CHECK(exited.output == "bye\n");
  CHECK(!exited.report.clean());
  CHECK(run({"exit", "0"}).report.clean());
  for (const auto& [words, signal] : std::vector<std::pair<Words, int>>{
           {{"abort"}, SIGABRT}, {{"signal", "11"}, SIGSEGV}, {{"signal", "9"}, SIGKILL}}) {
    const Outcome died = run(words);
    CHECK(died.report.kind == ExitKind::signaled);
    CHECK(died.report.signal == signal);
  }
}

TEST_CASE("a program that cannot be run is a failed set-up", "[guards]") {
  auto refused = spawner().spawn({{"/usr/bin/no-such-program"}, untrusted_policy(), {}},
                                 sandbox::after(kPatience));
  REQUIRE(!refused);
  CHECK_THAT(refused.error().message, Catch::Contains("exec /usr/bin/no-such-program"));
}

TEST_CASE("a deadline ends what ignores everything", "[guards][slow]") {
  for (const Words& words : {Words{"stubborn"}, Words{"spin"}, Words{"leave_and_hold"}}) {
    sandbox::Policy policy = untrusted_policy();
    policy.wall_limit = 300ms;
    Lifeline lifeline;
    const auto begin = sandbox::Clock::now();
    const Outcome outcome = run(words, policy, {{lifeline.write_fd(), 5}});
    lifeline.let_go();
    CHECK(outcome.report.kind == ExitKind::timed_out);
    CHECK(outcome.report.wall_seconds >= 0.3);
    CHECK(seconds_since(begin) < 5);
    CHECK(lifeline.cut(1s));
  }
}

TEST_CASE("what was left behind dies with the target", "[guards]") {
  Lifeline lifeline;
  const Outcome outcome = run({"leave_and_exit"}, untrusted_policy(), {{lifeline.write_fd(), 5}});
  lifeline.let_go();
  CHECK(outcome.report.clean());
  CHECK(lifeline.cut(1s));
  // The same from a trusted process, which has no namespace of its own to die with.
  Lifeline trusted;
  CHECK(run({"leave_and_exit"}, trusted_policy(), {{trusted.write_fd(), 5}}).report.clean());
  trusted.let_go();
  CHECK(trusted.cut(1s));
}

TEST_CASE("kill ends the whole tree", "[guards]") {
  Lifeline lifeline;
  sandbox::Process process =
      start({"leave_and_hold"}, untrusted_policy(), {{lifeline.write_fd(), 5}});
  lifeline.let_go();
  CHECK(!lifeline.cut(100ms));  // control: it lives until then
  CHECK(!process.wait(sandbox::after(10ms)));
  process.kill();
  const auto report = finish(process);
  CHECK(report.kind == ExitKind::killed);
  CHECK(report.detail == "its owner asked");
  CHECK(lifeline.cut(1s));
}

TEST_CASE("a handle that goes out of scope kills", "[guards]") {
  Lifeline lifeline;
  { start({"leave_and_hold"}, untrusted_policy(), {{lifeline.write_fd(), 5}}); }
  lifeline.let_go();
  CHECK(lifeline.cut(3s));
}

TEST_CASE("a kill does not hide an end that came before it", "[guards]") {
  for (int turn = 0; turn < 20; ++turn) {
    Lifeline alive;
    sandbox::Process process = start({"abort"}, untrusted_policy(), {{alive.write_fd(), 5}});
    alive.let_go();
    REQUIRE(alive.cut(5s));  // its descriptors are closed: it is dying, and no one has been told
    process.kill();
    const auto report = finish(process);
    CHECK(report.kind == ExitKind::signaled);
    CHECK(report.signal == SIGABRT);
  }
}

TEST_CASE("another process can kill by pidfd", "[guards]") {
  sandbox::Process process = start({"hold"});
  const sandbox::UniqueFd pidfd = sandbox::UniqueFd::duplicate_of(process.pidfd());
  REQUIRE(pidfd);
  REQUIRE(::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0) == 0);
  pollfd entry{pidfd.get(), POLLIN, 0};
  CHECK(::poll(&entry, 1, 5000) == 1);
  const auto report = finish(process);
  if (applied(process.isolation(), "pid_namespace"))
    CHECK(report.kind == ExitKind::killed);
  else
    CHECK(report.signal == SIGKILL);
}

TEST_CASE("a gigabyte of output neither blocks nor stays", "[guards][slow]") {
  sandbox::Policy policy = untrusted_policy();
  policy.output_cap_bytes = 1000;
  const auto begin = sandbox::Clock::now();
  const Outcome outcome = run({"flood", std::to_string(1024 * kMiB)}, policy);
  CHECK(outcome.report.clean());
  CHECK(outcome.report.output_bytes == 1024 * kMiB + 9);
  CHECK(outcome.report.output_head.size() + outcome.report.output_tail.size() == 1000);
  CHECK(outcome.report.output_head.starts_with("first"));
  CHECK(outcome.report.output_tail.ends_with("last"));
  CHECK(seconds_since(begin) < 20);
}

TEST_CASE("memory", "[guards][slow]") {
  const std::string much = std::to_string(300 * kMiB);
  SECTION("within the limit") {
    const Outcome outcome = run({"hog", std::to_string(60 * kMiB)}, with_memory(100 * kMiB));
    CHECK(outcome.report.clean());
    CHECK(outcome.report.peak_memory_bytes > 50 * kMiB);
    CHECK(outcome.report.peak_memory_bytes < 70 * kMiB);
  }
  SECTION("beyond it") {
    const Outcome outcome = run({"hog", std::to_string(2048 * kMiB)}, with_memory(100 * kMiB));
    CHECK(outcome.report.kind == ExitKind::out_of_memory);
    CHECK_THAT(outcome.report.detail, Catch::Contains("of 100 MiB"));
  }
  SECTION("summed over the tree") {
    CHECK(run({"hog_by_children", much}, with_memory(150 * kMiB)).report.kind ==
          ExitKind::out_of_memory);
  }
  SECTION("shared pages count once") {
    const Outcome outcome =
        run({"share_by_children", std::to_string(60 * kMiB)}, with_memory(100 * kMiB));
    CHECK(outcome.report.clean());
    CHECK(outcome.output == "held\n");
  }
  SECTION("files in memory") {
    CHECK(run({"hog_memfd", much}, with_memory(100 * kMiB)).report.kind == ExitKind::out_of_memory);
    sandbox::Policy policy = with_memory(100 * kMiB);
    policy.tmp_bytes = policy.shm_bytes = 400 * kMiB;
    for (const char* file : {"/tmp/hog", "/dev/shm/hog"}) {
      sandbox::Process process = start({"hog_file", file, much}, policy);
      if (!applied(process.isolation(), "file_tree")) return;
      CHECK(finish(process).kind == ExitKind::out_of_memory);
    }
  }
}

TEST_CASE("the tree dies with its keeper", "[guards]") {
  Lifeline lifeline;
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  sandbox::UniqueFd output(ends[0]);
  sandbox::Process process =
      start({"leave_and_hold"}, untrusted_policy(), {{lifeline.write_fd(), 5}, {ends[1], 1}});
  ::close(ends[1]);
  lifeline.let_go();
  wait_for_output(output, "holding");
  const pid_t keeper = youngest_descendant("assay-keeper");
  REQUIRE(keeper > 0);
  REQUIRE(::kill(keeper, SIGKILL) == 0);
  // In a PID namespace the kernel sees to it, before anyone asks.
  const bool own_pids = applied(process.isolation(), "pid_namespace");
  if (own_pids) CHECK(lifeline.cut(3s));
  const auto report = finish(process);
  CHECK(report.kind == ExitKind::killed);
  CHECK(report.detail == "its keeper died");
  // With neither a PID namespace nor a uid of its own, only the target's parent-death signal is
  // left: the target is dead, what it left behind lives on.
  pollfd target{process.pidfd(), POLLIN, 0};
  CHECK(::poll(&target, 1, 0) == 1);
  const bool within_reach = own_pids || applied(process.isolation(), "own_uid");
  CHECK(lifeline.cut(within_reach ? 3s : 100ms) == within_reach);
}

TEST_CASE("a uid is swept clean of processes that fork and end all the time", "[guards]") {
  if (::geteuid() != 0) return;
  for (int turn = 0; turn < 10; ++turn) {
    Lifeline lifeline;
    const std::uint32_t uid = untrusted_policy().outer_uid;
    OwnChild reaper(start_hopping(uid, lifeline.write_fd()));
    lifeline.let_go();
    CHECK(!lifeline.cut(20ms));  // control: they live until then
    sandbox::sweep_uid(uid);
    CHECK(lifeline.cut(0ms));
  }
}

TEST_CASE("the tree dies with its owner", "[guards]") {
  Lifeline lifeline;
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  sandbox::UniqueFd output(ends[0]);
  const std::string uid = std::to_string(untrusted_policy().outer_uid);
  const std::string path = program("sandbox_owner");
  const std::string keeper = keeper_path();
  const std::string victim = program("sandbox_victim");
  const pid_t owner = ::fork();
  if (owner == 0) {
    ::dup2(ends[1], 1);
    ::dup2(lifeline.write_fd(), 5);
    ::fcntl(5, F_SETFD, 0);  // where it was 5 already, dup2 left it close-on-exec
    ::execl(path.c_str(), path.c_str(), keeper.c_str(), victim.c_str(), uid.c_str(), nullptr);
    ::_exit(127);
  }
  OwnChild killed(owner);
  ::close(ends[1]);
  lifeline.let_go();
  wait_for_output(output, "keeper ");
  CHECK(!lifeline.cut(100ms));
  killed.end();
  CHECK(lifeline.cut(5s));
}

TEST_CASE("uids are leased one by one") {
  sandbox::UidPool pool(200'000, 2);
  auto first = pool.take();
  auto second = pool.take();
  REQUIRE((first && second));
  if (::geteuid() != 0) {
    CHECK(first->uid() == 0);
    return;
  }
  CHECK(first->uid() != second->uid());
  CHECK(!pool.take());
  const std::uint32_t freed = first->uid();
  *first = sandbox::UidLease();
  auto third = pool.take();
  REQUIRE(third);
  CHECK(third->uid() == freed);
}

TEST_CASE("start-up time", "[latency]") {
  std::vector<double> milliseconds;
  for (int i = 0; i < 20; ++i) {
    const auto begin = sandbox::Clock::now();
    sandbox::Process process = start({"hold"});
    milliseconds.push_back(seconds_since(begin) * 1e3);
    process.kill();
    finish(process);
  }
  std::sort(milliseconds.begin(), milliseconds.end());
  std::cout << "spawn, confined, exec'd: median " << milliseconds[10] << " ms, best "
            << milliseconds[0] << " ms\n";
  CHECK(milliseconds[10] < 1000);
}
