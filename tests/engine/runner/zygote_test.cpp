// SPDX-License-Identifier: Apache-2.0
// The zygote as the front uses it: forks that share nothing, quickly, each talking to a judge of
// its own.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "sandbox/fork_server.h"
#include "sandbox/shared_memory.h"
#include "sandbox/spawn.h"
#include "schemas/json_reader.h"
#include "schemas/worker_message.h"
#include "tests/engine/temporary_directory.h"

namespace {

namespace fs = std::filesystem;
namespace sandbox = assay::sandbox;
namespace schemas = assay::schemas;
using schemas::Json;

constexpr auto kStart = std::chrono::seconds(60);
constexpr auto kAnswer = std::chrono::seconds(30);
constexpr int kRunnerFd = 5;

std::string environment_path(const char* name) {
  const char* value = std::getenv(name);
  REQUIRE(value != nullptr);
  return fs::absolute(value).string();
}

std::string build_dir() {
  return environment_path("ASSAY_BUILD_DIR");
}

sandbox::Spawner& spawner() {
  static auto made = sandbox::Spawner::create(build_dir() + "/bin/assay-keeper");
  REQUIRE(made.ok());
  return *made;
}

// Python below a keeper, with the other end of a fork server's channel as descriptor 4.
sandbox::ForkServer start_python(const std::vector<std::string>& arguments) {
  auto ends = sandbox::Channel::pair();
  REQUIRE(ends.ok());
  sandbox::SpawnRequest request;
  request.arguments = {environment_path("ASSAY_PYTHON"), "-I"};
  request.arguments.insert(request.arguments.end(), arguments.begin(), arguments.end());
  request.policy.level = sandbox::ConfineLevel::trusted;
  request.policy.environment = {"PATH=/usr/bin:/bin"};
  request.descriptors = {{ends->second.fd(), 4}};
  auto process = spawner().spawn(request, sandbox::after(kStart));
  INFO((process.ok() ? std::string() : process.error().message));
  REQUIRE(process.ok());
  ends->second.close();
  return {std::move(process).value(), std::move(ends->first)};
}

sandbox::ForkServer start_zygote() {
  sandbox::ForkServer server =
      start_python({build_dir() + "/python/assay_runner/zygote.py", "--channel-fd", "4"});
  const auto ready = server.wait_ready(sandbox::after(kStart));
  INFO((ready.ok() ? std::string() : ready.error().message));
  REQUIRE(ready.ok());
  return server;
}

// A forked runner with the judge's end of its channel.
struct Runner {
  sandbox::Process process;
  sandbox::Channel channel;

  Json ask(const Json& request) {
    REQUIRE(channel.send(schemas::dump_json(request), sandbox::after(kAnswer)).ok());
    auto frame = channel.receive(schemas::kMaxUntrustedFrameBytes, sandbox::after(kAnswer));
    REQUIRE(frame.ok());
    REQUIRE(frame->has_value());
    memory = (*frame)->descriptors.empty() ? sandbox::UniqueFd()
                                           : std::move((*frame)->descriptors.front());
    auto answer = schemas::parse_json((*frame)->bytes);
    REQUIRE(answer.ok());
    return *answer;
  }
  Json load(const std::string& source) {
    REQUIRE(ask({{"op", "prepare"}, {"device", {{"kind", "cpu"}}}}).at("ok") == true);
    return ask({{"op", "load"},
                {"role", "inputs"},
                {"seed", 1},
                {"kernel", {{"source_code", source}, {"kernel_type", "torch"}}}});
  }
  // The text of the single string that get_inputs() returns.
  std::string draw_text() {
    const Json answer = ask({{"op", "draw"}, {"seed", 1}});
    INFO(answer.dump());
    REQUIRE(answer.at("ok") == true);
    return answer.at("values").at(0).at("value").get<std::string>();
  }

  sandbox::UniqueFd memory;
};

Runner fork_runner(sandbox::ForkServer& server, const sandbox::Policy& policy) {
  auto ends = sandbox::Channel::pair();
  REQUIRE(ends.ok());
  sandbox::ForkRequest request;
  request.policy = policy;
  request.descriptors = {{ends->second.fd(), kRunnerFd}};
  request.argument = Json{{"channel_fd", kRunnerFd}}.dump();
  auto process = server.fork(request, sandbox::after(kAnswer));
  INFO((process.ok() ? std::string() : process.error().message));
  REQUIRE(process.ok());
  return {std::move(process).value(), std::move(ends->first), {}};
}

sandbox::Policy trusted_policy() {
  sandbox::Policy policy;
  policy.level = sandbox::ConfineLevel::trusted;
  policy.environment = {"PATH=/usr/bin:/bin", "MARK=runner"};
  return policy;
}

sandbox::Policy untrusted_policy() {
  sandbox::Policy policy;
  policy.outer_uid = 64321;
  policy.environment = {"PATH=/usr/bin:/bin", "HOME=/tmp", "MARK=runner"};
  policy.binds = sandbox::system_binds();
  const fs::path prefix = fs::path(environment_path("ASSAY_PYTHON")).parent_path().parent_path();
  policy.binds.push_back({prefix.string(), "", true, false});
  policy.binds.push_back({build_dir() + "/python", "", true, false});
  return policy;
}

}  // namespace

TEST_CASE("a forked runner serves its judge and shares nothing with the next") {
  sandbox::ForkServer server = start_zygote();
  const char* const remember =
      "import sys, torch\n"
      "before = getattr(torch, 'mark', 'none')\n"
      "torch.mark = 'was here'\n"
      "def get_inputs():\n    return [before]\n";
  for (int i = 0; i < 2; ++i) {
    Runner runner = fork_runner(server, trusted_policy());
    REQUIRE(runner.load(remember).at("ok") == true);
    CHECK(runner.draw_text() == "none");
  }
}

TEST_CASE("runners draw alike from the same seed and differently from others") {
  sandbox::ForkServer server = start_zygote();
  const char* const source =
      "import random, torch\n"
      "def get_inputs():\n    return [f'{torch.rand(1).item()} {random.random()}']\n";
  Runner first = fork_runner(server, trusted_policy());
  Runner second = fork_runner(server, trusted_policy());
  first.load(source);
  second.load(source);
  const std::string one = first.draw_text();
  CHECK(one == second.draw_text());
  CHECK(one == first.draw_text());
  const Json other = second.ask({{"op", "draw"}, {"seed", 2}});
  CHECK(one != other.at("values").at(0).at("value").get<std::string>());
}

TEST_CASE("a zygote with a second thread refuses to serve") {
  const std::string script =
      "import sys, threading, time\n"
      "sys.path.insert(0, '" +
      build_dir() +
      "/python')\n"
      "from assay_runner import zygote\n"
      "zygote.preload()\n"
      "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
      "sys.exit(zygote.serve(4))\n";
  sandbox::ForkServer server = start_python({"-c", script});
  CHECK_FALSE(server.wait_ready(sandbox::after(kStart)).ok());
  const auto report = server.zygote().wait(sandbox::after(kAnswer));
  REQUIRE(report.ok());
  CHECK(report->kind == sandbox::ExitKind::exited);
  CHECK(report->code == 70);
  CHECK(sandbox::output_text(*report) == "assay zygote: cannot fork: 2 threads run\n");
}

TEST_CASE("a runner sees its own environment, not the zygote's") {
  sandbox::ForkServer server = start_zygote();
  Runner runner = fork_runner(server, trusted_policy());
  runner.load(
      "import os, threading\n"
      "def get_inputs():\n"
      "    return [' '.join([os.environ.get('MARK', ''), os.environ.get('OMP_NUM_THREADS', "
      "'unset'),\n"
      "                      os.popen('echo $MARK').read().strip()])]\n");
  CHECK(runner.draw_text() == "runner unset runner");
}

TEST_CASE("a confined runner works and cannot see the machine") {
  sandbox::ForkServer server = start_zygote();
  const assay::tests::TemporaryDirectory machine;
  const std::string source =
      "import os, torch\n"
      "def get_inputs():\n"
      "    torch.linalg.svd(torch.rand(64, 64))\n"
      "    return [f\"{os.getuid() != 0} {os.path.exists('" +
      machine.path() + "')} {os.path.exists('/etc/shadow')} {os.getcwd()}\"]\n";
  Runner control = fork_runner(server, trusted_policy());
  REQUIRE(control.load(source).at("ok") == true);
  CHECK(control.draw_text().find(" True True ") != std::string::npos);
  Runner runner = fork_runner(server, untrusted_policy());
  const Json loaded = runner.load(source);
  INFO(loaded.dump());
  REQUIRE(loaded.at("ok") == true);
  CHECK(runner.draw_text() == "True False False /");
}

TEST_CASE("how a runner ends is its keeper's to tell") {
  sandbox::ForkServer server = start_zygote();
  Runner quiet = fork_runner(server, trusted_policy());
  REQUIRE(quiet.channel.send(R"({"op":"exit"})", sandbox::after(kAnswer)).ok());
  auto report = quiet.process.wait(sandbox::after(kAnswer));
  REQUIRE(report.ok());
  CHECK(report->clean());

  Runner leaving = fork_runner(server, trusted_policy());
  REQUIRE(leaving.ask({{"op", "prepare"}, {"device", {{"kind", "cpu"}}}}).at("ok") == true);
  const Json exits = {{"op", "load"},
                      {"role", "inputs"},
                      {"seed", 1},
                      {"kernel",
                       {{"source_code", "import os\nprint('leaving', flush=True)\nos._exit(9)\n"},
                        {"kernel_type", "torch"}}}};
  REQUIRE(leaving.channel.send(exits.dump(), sandbox::after(kAnswer)).ok());
  report = leaving.process.wait(sandbox::after(kAnswer));
  REQUIRE(report.ok());
  CHECK(report->kind == sandbox::ExitKind::exited);
  CHECK(report->code == 9);
  CHECK(sandbox::output_text(*report) == "leaving\n");
}

TEST_CASE("the zygote ends when the front is gone") {
  sandbox::ForkServer server = start_zygote();
  sandbox::Process zygote = std::move(server.zygote());
  { const sandbox::ForkServer gone = std::move(server); }
  const auto report = zygote.wait(sandbox::after(kAnswer));
  REQUIRE(report.ok());
  INFO(sandbox::output_text(*report));
  CHECK(report->clean());
  CHECK(sandbox::output_text(*report).find("assay zygote: torch 2.") != std::string::npos);
}

TEST_CASE("a fork is quick") {
  sandbox::ForkServer server = start_zygote();
  std::vector<double> milliseconds;
  for (int i = 0; i < 5; ++i) {
    const auto begin = sandbox::Clock::now();
    Runner runner = fork_runner(server, i < 4 ? trusted_policy() : untrusted_policy());
    REQUIRE(runner.ask({{"op", "prepare"}, {"device", {{"kind", "cpu"}}}}).at("ok") == true);
    milliseconds.push_back(
        std::chrono::duration<double, std::milli>(sandbox::Clock::now() - begin).count());
  }
  std::printf("fork to prepared: trusted");
  for (std::size_t i = 0; i < 4; ++i) std::printf(" %.1f", milliseconds[i]);
  std::printf(" ms, confined %.1f ms\n", milliseconds[4]);
  for (const double each : milliseconds) CHECK(each < 2000.0);
}
