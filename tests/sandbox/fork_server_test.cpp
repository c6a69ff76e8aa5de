// SPDX-License-Identifier: Apache-2.0
#include "sandbox/fork_server.h"

#include <algorithm>
#include <fcntl.h>
#include <iostream>
#include <signal.h>
#include <thread>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "sandbox/process_table.h"
#include "support.h"

using namespace sandbox_test;
using sandbox::ExitKind;
using namespace std::chrono_literals;

namespace {

sandbox::ForkServer start_zygote(const Words& arguments = {}) {
  auto ends = sandbox::Channel::pair();
  REQUIRE(ends);
  sandbox::SpawnRequest request{{program("sandbox_zygote")}, trusted_policy(), {}};
  request.arguments.insert(request.arguments.end(), arguments.begin(), arguments.end());
  request.descriptors = {{ends->second.fd(), 3}};
  auto process = spawner().spawn(request, sandbox::after(kPatience));
  if (!process) FAIL(process.error().message);
  sandbox::ForkServer server(std::move(*process), std::move(ends->first));
  auto ready = server.wait_ready(sandbox::after(kPatience));
  if (!ready) FAIL(ready.error().message);
  return server;
}

sandbox::Process fork_child(sandbox::ForkServer& server, const std::string& argument,
                            const sandbox::Policy& policy = untrusted_policy(),
                            const std::vector<sandbox::DescriptorGrant>& grants = {}) {
  auto process = server.fork({policy, grants, argument}, sandbox::after(kPatience));
  if (!process) FAIL(process.error().message);
  return std::move(*process);
}

std::string output_of(sandbox::ForkServer& server, const std::string& argument) {
  sandbox::Process process = fork_child(server, argument);
  const auto report = finish(process);
  CHECK(report.clean());
  return output_text(report);
}

}  // namespace

TEST_CASE("a fork starts from the zygote's memory, confined", "[guards]") {
  auto server = start_zygote();
  const std::string state = output_of(server, "state");
  CHECK(state == "memory 42\nhooks 11\ntask PATH=/usr/bin:/bin\ntask MARK=given\n");
  CHECK(output_of(server, "fds") == "0 1 2 \n");
  CHECK(output_of(server, "environment") == "PATH=/usr/bin:/bin\nMARK=given\n");
  CHECK(output_of(server, "session") == "own\n");
  CHECK(output_of(server, "cuda") ==
        "memfd ok\neventfd ok\nfutex ok\nreserve ok\ncomm ok\nmaps ok\n");
  // Belongs to root in a process that is not dumpable, as one is that has changed its uid.
  CHECK(output_of(server, "open\nwrite\n/proc/self/mem") == "ok\n");
  const std::string status = output_of(server, "status");
  CHECK(status_value(status, "CapEff") == "0000000000000000");
  CHECK(status_value(status, "NoNewPrivs") == "1");
  CHECK(!status_value(status, "Uid").starts_with("0\t"));
  CHECK(status_value(status, "SigBlk") == "0000000000000000");

  sandbox::Process process = fork_child(server, "processes");
  const auto report = finish(process);
  if (applied(process.isolation(), "pid_namespace")) CHECK(report.output_head == "2\n");
  if (applied(process.isolation(), "file_tree")) {
    CHECK(output_of(server, "open\nread\n/etc/shadow\n/var/log\n/dev/null") ==
          "ENOENT\nENOENT\nok\n");
  }
}

TEST_CASE("granted descriptors reach the child of a fork", "[guards]") {
  auto server = start_zygote();
  const sandbox::UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  sandbox::Process process =
      fork_child(server, "fds", untrusted_policy(), {{null.get(), 3}, {null.get(), 9}});
  CHECK(output_text(finish(process)) == "0 1 2 3 9 \n");
}

TEST_CASE("a forked process is reported and killed like a spawned one", "[guards][slow]") {
  auto server = start_zygote();
  sandbox::Process exits = fork_child(server, "exit\n7");
  CHECK(finish(exits).code == 7);
  sandbox::Process dies = fork_child(server, "abort");
  CHECK(finish(dies).signal == SIGABRT);

  Lifeline lifeline;
  sandbox::Process holds =
      fork_child(server, "leave_and_hold", untrusted_policy(), {{lifeline.write_fd(), 5}});
  lifeline.let_go();
  CHECK(!lifeline.cut(100ms));
  holds.kill();
  CHECK(finish(holds).kind == ExitKind::killed);
  CHECK(lifeline.cut(2s));

  sandbox::Policy policy = untrusted_policy();
  policy.memory_limit_bytes = 100 << 20;
  sandbox::Process hogs = fork_child(server, "hog\n1000000000", policy);
  CHECK(finish(hogs).kind == ExitKind::out_of_memory);
  policy.wall_limit = 200ms;
  sandbox::Process stays = fork_child(server, "stubborn", policy);
  CHECK(finish(stays).kind == ExitKind::timed_out);
}

TEST_CASE("what a fork inherits is not charged to it", "[guards][slow]") {
  auto server = start_zygote({"ballast"});
  sandbox::Policy policy = untrusted_policy();
  policy.memory_limit_bytes = 100 << 20;
  sandbox::Process modest = fork_child(server, "hog\n62914560", policy);
  CHECK(finish(modest).clean());
  sandbox::Process greedy = fork_child(server, "hog\n157286400", policy);
  CHECK(finish(greedy).kind == ExitKind::out_of_memory);
}

TEST_CASE("siblings of one zygote cannot read each other", "[guards]") {
  auto server = start_zygote();
  sandbox::Process sibling = fork_child(server, "hold");
  sandbox::Process prober = fork_child(server, "processes");
  const auto report = finish(prober);
  if (applied(prober.isolation(), "pid_namespace")) CHECK(report.output_head == "2\n");
  sibling.kill();
}

TEST_CASE("a zygote with a second thread refuses to fork") {
  auto server = start_zygote({"threads"});
  auto refused = server.fork({untrusted_policy(), {}, "exit\n0"}, sandbox::after(kPatience));
  REQUIRE(!refused);
  CHECK_THAT(refused.error().message, Catch::Contains("2 threads"));
  CHECK(server.zygote().wait(sandbox::Deadline{}).ok() == false);  // it still serves
}

TEST_CASE("fifty forks in a row leave nothing behind") {
  auto server = start_zygote();
  output_of(server, "exit\n0");
  const pid_t zygote = youngest_descendant("sandbox_zygote");
  REQUIRE(zygote > 0);
  const std::size_t in_zygote = open_files_of(zygote).size();
  const std::size_t in_front = open_files_of(::getpid()).size();
  std::vector<double> milliseconds;
  for (int i = 0; i < 50; ++i) {
    const auto begin = sandbox::Clock::now();
    sandbox::Process process = fork_child(server, "exit\n0");
    milliseconds.push_back(
        std::chrono::duration<double, std::milli>(sandbox::Clock::now() - begin).count());
    CHECK(finish(process).clean());
  }
  CHECK(open_files_of(zygote).size() == in_zygote);
  CHECK(open_files_of(::getpid()).size() == in_front);
  std::this_thread::sleep_for(1500ms);  // the zygote reaps once a second
  CHECK(sandbox::descendants_of(zygote).empty());
  std::sort(milliseconds.begin(), milliseconds.end());
  std::cout << "fork, confined: median " << milliseconds[25] << " ms, best " << milliseconds[0]
            << " ms\n";
}

TEST_CASE("forks die with their zygote, and the front sees it", "[guards]") {
  auto server = start_zygote();
  Lifeline lifeline;
  sandbox::Process child =
      fork_child(server, "leave_and_hold", untrusted_policy(), {{lifeline.write_fd(), 5}});
  lifeline.let_go();
  server.zygote().kill();
  CHECK(finish(server.zygote()).kind == ExitKind::killed);
  CHECK(finish(child).kind == ExitKind::killed);
  CHECK(lifeline.cut(3s));  // by its PID namespace, or by the zygote's keeper
  CHECK(!server.fork({untrusted_policy(), {}, "exit\n0"}, sandbox::after(1s)));
}
