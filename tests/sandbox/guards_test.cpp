// SPDX-License-Identifier: Apache-2.0
// Each layer that is reported as applied must hold, and each guard has a control beside it: the
// same act succeeds where the guard is not. environments_test runs this program again in poorer
// surroundings, where layers are missing.
#include <algorithm>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <signal.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <catch2/catch.hpp>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "support.h"

using namespace sandbox_test;

namespace {

// A listener on the loopback device of this machine.
struct Listener {
  sandbox::UniqueFd socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::string port;
  Listener() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(socket.get(), 8) == 0);
    REQUIRE(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port = std::to_string(ntohs(address.sin_port));
  }
};

}  // namespace

TEST_CASE("only granted descriptors survive", "[guards]") {
  const sandbox::UniqueFd leaked(::open("/dev/null", O_RDONLY));  // not close-on-exec
  const sandbox::UniqueFd granted(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  REQUIRE(leaked);
  for (const sandbox::Policy& policy : {untrusted_policy(), trusted_policy()}) {
    CHECK(run({"fds"}, policy).output == "0 1 2 \n");
    CHECK(run({"fds"}, policy, {{granted.get(), 7}}).output == "0 1 2 7 \n");
    // Targets that cross the source's own numbers.
    CHECK(run({"fds"}, policy, {{granted.get(), leaked.get()}, {leaked.get(), granted.get()}})
              .output == "0 1 2 " + std::to_string(std::min(leaked.get(), granted.get())) + " " +
                             std::to_string(std::max(leaked.get(), granted.get())) + " \n");
  }
}

TEST_CASE("a keeper holds nothing of its owner's", "[guards]") {
  const ScratchDirectory scratch;
  const std::string path = scratch.path() + "/leak";
  const sandbox::UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  const sandbox::UniqueFd leaked(::fcntl(file.get(), F_DUPFD, 100));  // not close-on-exec
  const auto holds = [&](pid_t pid) {
    const auto files = open_files_of(pid);
    CHECK(!files.empty());
    return std::find(files.begin(), files.end(), path) != files.end();
  };
  CHECK(holds(::getpid()));
  sandbox::Process process = start({"hold"});
  const pid_t keeper = youngest_descendant("assay-keeper");
  REQUIRE(keeper > 0);
  if (::geteuid() == 0 && ::access("/proc/1/fd", R_OK) == 0) CHECK(!holds(keeper));
}

TEST_CASE("the environment is the policy's", "[guards]") {
  ::setenv("ASSAY_TEST_SECRET", "visible", 1);
  const Outcome outcome = run({"environment"});
  CHECK(outcome.output == "PATH=/usr/bin:/bin\nMARK=given\n");
  CHECK(run({"environment"}, trusted_policy()).output == "MARK=given\n");
}

TEST_CASE("it has a session, a directory and a host name of its own", "[guards]") {
  CHECK(run({"session"}).output == "own\n");
  CHECK(run({"directory"}).output == "/\n");
  sandbox::Policy policy = untrusted_policy();
  policy.working_directory = "/tmp";
  CHECK(run({"directory"}, policy).output == "/tmp\n");
  const Outcome named = run({"hostname"});
  if (applied(named.layers, "uts_namespace")) CHECK(named.output == "sandbox\n");
  CHECK(run({"hostname"}, trusted_policy()).output != "sandbox\n");
}

TEST_CASE("no network", "[guards]") {
  const Listener listener;
  CHECK(run({"connect", listener.port}, trusted_policy()).output == "ok\n");
  const Outcome outcome = run({"connect", listener.port});
  if (applied(outcome.layers, "network_namespace")) CHECK(outcome.output == "ENETUNREACH\n");
}

TEST_CASE("no shared memory by number", "[guards]") {
  const int key = 0x41530000 | (::getpid() & 0xffff);
  const int segment = ::shmget(key, 4096, IPC_CREAT | 0666);
  REQUIRE(segment >= 0);
  CHECK(run({"ipc", std::to_string(key)}, trusted_policy()).output == "ok\n");
  const Outcome outcome = run({"ipc", std::to_string(key)});
  if (applied(outcome.layers, "ipc_namespace")) CHECK(outcome.output == "ENOENT\n");
  ::shmctl(segment, IPC_RMID, nullptr);
  const Outcome made = run({"ipc", std::to_string(key), "make"});
  if (applied(made.layers, "no_system_v_memory")) CHECK(made.output == "ENOSPC\n");
}

TEST_CASE("writes stay inside", "[guards]") {
  const ScratchDirectory scratch;
  ::chmod(scratch.path().c_str(), 0777);
  const std::string outside = scratch.path() + "/outside";
  CHECK(run({"open", "create", outside}, trusted_policy()).output == "ok\n");
  sandbox::Policy policy = untrusted_policy();
  policy.binds.push_back({scratch.path(), "", true, false});
  const Outcome outcome = run({"open", "create", scratch.path() + "/other", "/usr/file", "/file",
                               "/dev/file", "/tmp/file", "/dev/shm/file"},
                              policy);
  if (!applied(outcome.layers, "file_tree")) return;
  CHECK(outcome.output == "EROFS\nEROFS\nEROFS\nEROFS\nok\nok\n");
  policy.binds.back().read_only = false;
  CHECK(run({"open", "create", scratch.path() + "/other"}, policy).output == "ok\n");
  policy.tmp_bytes = policy.shm_bytes = 1 << 20;
  CHECK(run({"grow", "/tmp/file", "1048576"}, policy).output == "ok\n");
  CHECK(run({"grow", "/tmp/file", "1048577"}, policy).output == "ENOSPC\n");
  CHECK(run({"grow", "/dev/shm/file", "1048577"}, policy).output == "ENOSPC\n");
}

TEST_CASE("what is not bound cannot be seen", "[guards]") {
  const ScratchDirectory scratch;
  const std::string data = scratch.path() + "/data";
  const std::string secret = scratch.path() + "/secret";
  REQUIRE(::mkdir(secret.c_str(), 0700) == 0);
  std::ofstream(data) << "jobs";
  std::ofstream(secret + "/key") << "key";
  CHECK(run({"open", "read", data, secret + "/key"}, trusted_policy()).output == "ok\nok\n");
  const Outcome outcome = run({"open", "read", data, secret + "/key", "/etc/shadow", "/var/log",
                               "/dev/null", "/dev/urandom", "/dev/kmsg", "/dev/tty", "/.old"});
  if (applied(outcome.layers, "file_tree"))
    CHECK(outcome.output == "ENOENT\nENOENT\nENOENT\nENOENT\nok\nok\nENOENT\nENOENT\nENOENT\n");
}

TEST_CASE("Landlock allows the tree's paths and nothing else", "[guards]") {
  const ScratchDirectory scratch;
  const std::string allowed = scratch.path() + "/allowed";
  REQUIRE(::mkdir(allowed.c_str(), 0755) == 0);
  std::ofstream(allowed + "/data") << "data";
  sandbox::Policy policy = untrusted_policy();
  policy.binds.push_back({allowed, "", true, false});
  const Words words = {"open", "read", allowed + "/data", "/dev/null", "/proc/self/maps"};
  const Outcome control = run(words, policy);
  CHECK(control.output == "ok\nok\nok\n");
  if (!applied(control.layers, "landlock")) return;
  policy.shows_proc = false;
  CHECK(run(words, policy).output == "ok\nok\nEACCES\n");
  // With a tree of its own the file is not even there.
  const Words other = {"open", "read", "/etc/hosts"};
  if (run(other, trusted_policy()).output != "ok\n") return;
  const Outcome outside = run(other, policy);
  CHECK(outside.output == (applied(outside.layers, "file_tree") ? "ENOENT\n" : "EACCES\n"));
}

TEST_CASE("a private home above the runtime does not hide it", "[guards]") {
  const ScratchDirectory scratch;
  const std::string home = scratch.path() + "/home";
  const std::string runtime = home + "/runtime";
  REQUIRE(::mkdir(home.c_str(), 0700) == 0);
  REQUIRE(::mkdir(runtime.c_str(), 0755) == 0);
  std::ofstream(home + "/key") << "key";
  std::ofstream(runtime + "/module") << "code";
  REQUIRE(::symlink("runtime", (home + "/link").c_str()) == 0);
  sandbox::Policy policy = untrusted_policy();
  policy.binds.push_back({home + "/link", "", true, false});
  const Outcome outcome =
      run({"open", "read", runtime + "/module", home + "/link/module", home + "/key"}, policy);
  if (applied(outcome.layers, "file_tree")) CHECK(outcome.output == "ok\nok\nENOENT\n");
}

TEST_CASE("a bind that is not there", "[guards]") {
  sandbox::Policy policy = untrusted_policy();
  policy.binds.push_back({"/not/there", "", true, true});
  const Outcome outcome = run({"exit", "0"}, policy);
  CHECK(outcome.report.clean());
  if (!applied(outcome.layers, "file_tree")) return;
  policy.binds.back().optional = false;
  auto refused = spawner().spawn({{program("sandbox_victim"), "exit", "0"}, policy, {}},
                                 sandbox::after(kPatience));
  REQUIRE(!refused);
  CHECK_THAT(refused.error().message, Catch::Contains("/not/there"));
}

TEST_CASE("only the given device nodes", "[guards]") {
  sandbox::Policy policy = untrusted_policy();
  policy.device_nodes = {"/dev/tty", "/dev/no-such-node"};
  const Outcome outcome = run({"open", "read", "/dev/kmsg", "/dev/no-such-node"}, policy);
  if (!applied(outcome.layers, "file_tree")) return;
  CHECK(outcome.output == "ENOENT\nENOENT\n");
  // No terminal to open, but the node is there.
  CHECK(run({"open", "read", "/dev/tty"}, policy).output == "ENXIO\n");
}

TEST_CASE("no privileges are left", "[guards]") {
  const Outcome outcome = run({"status"});
  CHECK(status_value(outcome.output, "CapEff") == "0000000000000000");
  CHECK(status_value(outcome.output, "CapPrm") == "0000000000000000");
  CHECK(status_value(outcome.output, "NoNewPrivs") == "1");
  if (applied(outcome.layers, "own_uid")) CHECK(status_value(outcome.output, "Groups") == " ");
  CHECK(!status_value(outcome.output, "Uid").starts_with("0\t"));
  if (applied(outcome.layers, "user_namespace"))
    CHECK(status_value(outcome.output, "CapBnd") == "0000000000000000");
  CHECK(status_value(run({"status"}, trusted_policy()).output, "NoNewPrivs") == "0");
}

TEST_CASE("no namespaces of its own making", "[guards]") {
  const Outcome outcome = run({"nested"});
  if (applied(outcome.layers, "no_nested_namespaces")) CHECK(outcome.output == "ENOSPC\n");
}

TEST_CASE("it sees its own processes only", "[guards]") {
  const Outcome outcome = run({"processes"});
  if (applied(outcome.layers, "pid_namespace")) CHECK(outcome.output == "2\n");  // init and itself
  const Outcome opened = run({"open", "read", "/proc/self/mem", "/proc/1/mem"});
  if (applied(opened.layers, "pid_namespace")) CHECK(opened.output == "ok\nEACCES\n");
  CHECK(std::stoi(run({"processes"}, trusted_policy()).output) > 2);
}

TEST_CASE("siblings cannot read each other's memory", "[guards]") {
  // The pid of the victim as the machine sees it, from a policy without a PID namespace of its own.
  Lifeline lifeline;
  sandbox::Process sibling = start({"hold"}, untrusted_policy(), {{lifeline.write_fd(), 5}});
  const std::string pidfd_info = "/proc/self/fdinfo/" + std::to_string(sibling.pidfd());
  std::ifstream info(pidfd_info);
  std::string pid;
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("Pid:\t")) pid = line.substr(5);
  REQUIRE(!pid.empty());
  const std::string memory = "/proc/" + pid + "/mem";
  const Outcome outcome = run({"open", "read", memory});
  if (applied(outcome.layers, "pid_namespace"))
    CHECK(outcome.output == "ENOENT\n");
  else if (applied(outcome.layers, "user_namespace") || applied(outcome.layers, "own_uid"))
    CHECK(outcome.output == "EACCES\n");
  sibling.kill();
  finish(sibling);

  sandbox::Process open_sibling = start({"hold"}, trusted_policy());
  std::ifstream open_info("/proc/self/fdinfo/" + std::to_string(open_sibling.pidfd()));
  for (std::string line; std::getline(open_info, line);)
    if (line.starts_with("Pid:\t")) pid = line.substr(5);
  CHECK(run({"open", "read", "/proc/" + pid + "/mem"}, trusted_policy()).output == "ok\n");
}

TEST_CASE("what CUDA needs still works", "[guards]") {
  CHECK(run({"cuda"}).output == "memfd ok\neventfd ok\nfutex ok\nreserve ok\ncomm ok\nmaps ok\n");
}

TEST_CASE("cpu time is limited", "[guards][slow]") {
  sandbox::Policy policy = untrusted_policy();
  policy.limits.cpu_seconds = 1;
  const Outcome outcome = run({"spin"}, policy);
  CHECK(outcome.report.kind == sandbox::ExitKind::timed_out);
  CHECK(outcome.report.signal == SIGXCPU);
}

TEST_CASE("a process that shall yield the processors does so in its group, too", "[guards]") {
  const bool grouped = std::filesystem::exists("/proc/self/autogroup");
  sandbox::Policy policy = untrusted_policy();
  CHECK(run({"priority"}, policy).output == (grouped ? "0 0\n" : "0 none\n"));
  policy.limits.niceness = 7;
  CHECK(run({"priority"}, policy).output == (grouped ? "7 7\n" : "7 none\n"));
}

TEST_CASE("limits", "[guards]") {
  SECTION("file size") {
    sandbox::Policy policy = untrusted_policy();
    policy.limits.file_size_bytes = 1 << 20;
    policy.binds.clear();
    policy.binds = sandbox::system_binds();
    policy.binds.push_back({program_directory(), "", true, false});
    const ScratchDirectory scratch;
    ::chmod(scratch.path().c_str(), 0777);
    policy.binds.push_back({scratch.path(), "", false, false});
    const std::string file = scratch.path() + "/file";
    CHECK(run({"grow", file, "1048576"}, policy).output == "ok\n");
    CHECK(run({"grow", file, "1048577", "ignore"}, policy).output == "EFBIG\n");
    const Outcome died = run({"grow", file, "1048577"}, policy);
    CHECK(died.report.kind == sandbox::ExitKind::signaled);
    CHECK(died.report.signal == SIGXFSZ);
    CHECK(died.report.detail == "a file grew beyond its limit");
  }
  SECTION("processes") {
    sandbox::Policy policy = untrusted_policy();
    policy.limits.tasks = 20;
    Lifeline lifeline;
    const Outcome outcome = run({"fork_bomb", "500"}, policy, {{lifeline.write_fd(), 5}});
    lifeline.let_go();
    CHECK(outcome.report.clean());
    const int children = std::stoi(outcome.output);
    // On a shared uid the count is what it was a moment before, and others come and go.
    CHECK(children <= 40);
    if (applied(outcome.layers, "task_limit")) CHECK(children == 19);
    CHECK(lifeline.cut(std::chrono::seconds(2)));  // all of them are dead
    policy.limits.tasks = 100;
    const int more = std::stoi(run({"fork_bomb", "50"}, policy).output);
    CHECK(more == 50);
  }
  SECTION("descriptors and core dumps") {
    CHECK(run({"limits"}).output == "256 0\n");
    CHECK(run({"limits"}, trusted_policy()).output != "256 0\n");
  }
}
