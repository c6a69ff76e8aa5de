// SPDX-License-Identifier: Apache-2.0
// assay-runner as a process: what it answers where there is no GPU, and to requests that make no
// sense.
#include <chrono>
#include <cstdlib>
#include <signal.h>
#include <string>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <sys/wait.h>

#include "sandbox/channel.h"
#include "schemas/json_reader.h"
#include "schemas/worker_message.h"

namespace {

namespace sandbox = assay::sandbox;
namespace schemas = assay::schemas;
using schemas::Json;

constexpr auto kAnswer = std::chrono::seconds(30);

// assay-runner at the other end of a channel; killed at the end.
class Runner {
 public:
  Runner() {
    auto ends = sandbox::Channel::pair();
    REQUIRE(ends.ok());
    channel_ = std::move(ends->first);
    const std::string path = std::string(std::getenv("ASSAY_BUILD_DIR")) + "/bin/assay-runner";
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      ::dup2(ends->second.fd(), 9);
      ::execl(path.c_str(), "assay-runner", "--channel-fd", "9", nullptr);
      ::_exit(127);
    }
  }
  ~Runner() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  Json ask_text(const std::string& text) {
    REQUIRE(channel_.send(text, sandbox::after(kAnswer)).ok());
    auto frame = channel_.receive(schemas::kMaxUntrustedFrameBytes, sandbox::after(kAnswer));
    REQUIRE(frame.ok());
    REQUIRE(frame->has_value());
    return *schemas::parse_json((*frame)->bytes);
  }
  schemas::RunnerError error(const Json& request) {
    const Json answer = ask_text(request.dump());
    INFO(answer.dump());
    REQUIRE(answer.at("ok") == false);
    return schemas::read_runner_error(answer);
  }
  // Its exit status, after `last` was sent (when not empty) and the channel closed.
  int finish(const std::string& last) {
    if (!last.empty()) REQUIRE(channel_.send(last, sandbox::after(kAnswer)).ok());
    if (last.empty()) channel_.close();
    int status = 0;
    REQUIRE(::waitpid(std::exchange(pid_, -1), &status, 0) > 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  sandbox::Channel channel_;
  pid_t pid_ = -1;
};

const Json kPrepare = {{"op", "prepare"},
                       {"device", {{"kind", "cuda"}, {"index", 0}, {"uuid", ""}}}};

}  // namespace

TEST_CASE("without a driver `prepare` says so") {
  if (::access("/dev/nvidiactl", F_OK) == 0) return;
  Runner runner;
  for (int i = 0; i < 2; ++i) {  // and it can be asked again
    const auto error = runner.error(kPrepare);
    CHECK(error.kind == schemas::RunnerErrorKind::cuda);
    CHECK(error.message.find("no CUDA driver") != std::string::npos);
    CHECK(error.traceback.empty());
  }
}

TEST_CASE("steps out of order are protocol errors that name the state") {
  Runner runner;
  const auto error = runner.error({{"op", "load"}});
  CHECK(error.kind == schemas::RunnerErrorKind::protocol);
  CHECK(error.message == "load needs the state context, this runner is prepared");
  for (const char* const op : {"bind", "probe", "pass"})
    CHECK(runner.error({{"op", op}}).message.find("needs the state") != std::string::npos);
  for (const char* const op : {"draw", "init_inputs", "get_weights", "set_weights"})
    CHECK(runner.error({{"op", op}}).message == std::string("the device tier has no ") + op);
}

TEST_CASE("requests that make no sense are answered and survived") {
  Runner runner;
  for (const std::string& text :
       {std::string(""), std::string("[]"), std::string("{"), std::string(5000, '['),
        std::string(R"({"op":3})"), std::string(R"({"op":"no"})"), std::string("{}"),
        std::string(R"({"op":"prepare"})"), std::string(R"({"op":"prepare","device":3})"),
        std::string(R"({"op":"prepare","device":{"kind":"cpu"}})")}) {
    const Json answer = runner.ask_text(text);
    INFO(text << " " << answer.dump());
    CHECK(answer.at("ok") == false);
    CHECK(answer.at("error").at("kind") == "protocol");
  }
  CHECK(runner.finish(R"({"op":"exit"})") == 0);
}

TEST_CASE("it ends with its channel and refuses wrong arguments") {
  Runner runner;
  CHECK(runner.finish("") == 0);
  const std::string path = std::string(std::getenv("ASSAY_BUILD_DIR")) + "/bin/assay-runner";
  for (const char* const arguments :
       {"", "--channel-fd", "--channel-fd x", "--channel-fd 1", "--channel-fd 3 4"}) {
    const int status = std::system((path + " " + arguments + " 2>/dev/null").c_str());
    CHECK(WEXITSTATUS(status) == 64);
  }
}
