// SPDX-License-Identifier: Apache-2.0
#include "engine/remote_executor.h"

#include <chrono>
#include <fcntl.h>
#include <future>
#include <signal.h>
#include <thread>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <sys/wait.h>

#include "engine/executor_protocol.h"

using namespace assay;
using namespace std::chrono_literals;

namespace {

// The executor's process at the other end of `channel`.
struct Peer {
  pid_t pid = -1;
  sandbox::Channel channel;

  Peer() {
    auto ends = sandbox::Channel::pair();
    REQUIRE(ends.ok());
    channel = std::move(ends->first);
    const int fd = ends->second.fd();
    pid = ::fork();
    if (pid == 0) {
      ::fcntl(fd, F_SETFD, 0);
      const std::string number = std::to_string(fd);
      ::execl(EXECUTOR_PROCESS_PATH, EXECUTOR_PROCESS_PATH, number.c_str(), nullptr);
      ::_exit(127);
    }
    REQUIRE(pid > 0);
  }
  int end() {
    int status = -1;
    ::waitpid(pid, &status, 0);
    pid = -1;
    return status;
  }
  ~Peer() {
    if (pid > 0) ::kill(pid, SIGKILL), end();
  }
};

schemas::JobSpec spec_of(const std::string& source, std::int64_t token,
                         const std::string& job_id = "job") {
  schemas::JobSpec spec;
  spec.job_id = job_id;
  spec.fencing_token = token;
  spec.work.candidate.source_code = source;
  return spec;
}

}  // namespace

TEST_CASE("jobs run in another process over a socket, with events in order") {
  Peer peer;
  engine::RemoteExecutor executor(std::move(peer.channel));
  std::vector<std::string> messages;
  engine::Cancellation cancellation;
  const auto result = executor.run(
      spec_of("fine", 1),
      [&](const schemas::JobEvent& event) { messages.push_back(event.message); }, cancellation);
  REQUIRE(result.ok());
  CHECK(result->verdict.code == schemas::VerdictCode::correct);
  CHECK(messages ==
        std::vector<std::string>{"compiling", "a line", "waiting for a device", "validating"});

  const auto failure = executor.run(
      spec_of("fail", 2), [](const auto&) {}, cancellation);
  REQUIRE_FALSE(failure.ok());
  CHECK(failure.error().message == "no luck");
  CHECK(failure.error().retryable);

  CHECK(executor.capacity().devices.at(0).name == "far away");
  CHECK(executor.capacity().parallel_jobs == 3);
}

TEST_CASE("a token that is not newer is refused; a newer one is the control") {
  Peer peer;
  engine::RemoteExecutor executor(std::move(peer.channel));
  engine::Cancellation cancellation;
  const auto ignore = [](const schemas::JobEvent&) {};
  REQUIRE(executor.run(spec_of("fine", 7), ignore, cancellation).ok());
  for (const std::int64_t token : {7, 6}) {
    const auto stale = executor.run(spec_of("fine", token), ignore, cancellation);
    REQUIRE_FALSE(stale.ok());
    CHECK(stale.error().code == schemas::ErrorCode::stale_token);
  }
  CHECK(executor.run(spec_of("fine", 5, "another job"), ignore, cancellation).ok());
  CHECK(executor.run(spec_of("fine", 8), ignore, cancellation).ok());
}

TEST_CASE("a newer attempt ends the older one, whose answer is not sent") {
  Peer peer;
  engine::RemoteExecutor executor(std::move(peer.channel));
  std::promise<void> running;
  engine::Cancellation cancel_old, cancel_new;
  auto old_attempt = std::async(std::launch::async, [&] {
    bool told = false;
    return executor.run(
        spec_of("hold", 1),
        [&](const schemas::JobEvent&) {
          if (!std::exchange(told, true)) running.set_value();
        },
        cancel_old);
  });
  running.get_future().wait();
  REQUIRE(executor
              .run(
                  spec_of("fine", 2), [](const auto&) {}, cancel_new)
              .ok());
  CHECK(old_attempt.wait_for(200ms) == std::future_status::timeout);
  ::kill(peer.pid, SIGKILL);
  const auto old_end = old_attempt.get();
  REQUIRE_FALSE(old_end.ok());
  CHECK(old_end.error().code == schemas::ErrorCode::interrupted);
  CHECK(old_end.error().retryable);
}

TEST_CASE("cancelling reaches the other process") {
  Peer peer;
  engine::RemoteExecutor executor(std::move(peer.channel));
  engine::Cancellation cancellation;
  auto run = std::async(std::launch::async, [&] {
    return executor.run(
        spec_of("hold", 1), [](const auto&) {}, cancellation);
  });
  std::this_thread::sleep_for(50ms);
  cancellation.cancel();
  REQUIRE(run.wait_for(5s) == std::future_status::ready);
  CHECK(run.get().error().code == schemas::ErrorCode::cancelled);
}

TEST_CASE("closing the connection ends what runs there") {
  Peer peer;
  const std::string run = encode(engine::ExecutorRequest{engine::RunMessage{spec_of("hold", 1)}});
  REQUIRE(peer.channel.send(run, sandbox::after(5s)).ok());
  REQUIRE(peer.channel.receive(1 << 20, sandbox::after(5s)).ok());  // it runs
  peer.channel.close();
  CHECK(peer.end() == 0);
}

TEST_CASE("an answer that no run waits for is dropped and counted") {
  auto ends = sandbox::Channel::pair();
  REQUIRE(ends.ok());
  engine::RemoteExecutor executor(std::move(ends->first));
  schemas::Evaluation evaluation;
  const auto send = [&](const std::string& job_id, std::int64_t token) {
    REQUIRE(ends->second
                .send(encode(engine::ExecutorAnswer{
                          engine::ResultMessage{{job_id, token}, evaluation}}),
                      sandbox::after(1s))
                .ok());
  };
  engine::Cancellation cancellation;
  auto run = std::async(std::launch::async, [&] {
    return executor.run(
        spec_of("x", 2), [](const auto&) {}, cancellation);
  });
  REQUIRE(ends->second.receive(1 << 20, sandbox::after(5s)).ok());
  evaluation.verdict.summary = "old";
  send("job", 1);        // an older attempt
  send("other job", 2);  // another job with this token
  evaluation.verdict.summary = "new";
  send("job", 2);
  const auto result = run.get();
  REQUIRE(result.ok());
  CHECK(result->verdict.summary == "new");
  CHECK(executor.stale_answers() == 2);
}

TEST_CASE("what a cache did crosses the socket") {
  engine::CapacityMessage message;
  CHECK_FALSE(std::get<engine::CapacityMessage>(
                  *engine::decode_answer(encode(engine::ExecutorAnswer{message})))
                  .capacity.cache);
  message.capacity.cache = engine::CacheUse{1, 2, 3, 4, 5, 6, 7, 8.5};
  const auto answer = engine::decode_answer(encode(engine::ExecutorAnswer{message}));
  REQUIRE(answer.ok());
  const auto& cache = std::get<engine::CapacityMessage>(*answer).capacity.cache;
  REQUIRE(cache);
  CHECK(cache->hits == 1);
  CHECK(cache->misses == 2);
  CHECK(cache->evictions == 3);
  CHECK(cache->dropped == 4);
  CHECK(cache->entries == 5);
  CHECK(cache->bytes == 6);
  CHECK(cache->max_bytes == 7);
  CHECK(cache->seconds_saved == 8.5);
}

TEST_CASE("messages survive bytes; nonsense is refused") {
  const auto request =
      engine::decode_request(encode(engine::ExecutorRequest{engine::CancelMessage{{"j", 3}}}));
  REQUIRE(request.ok());
  CHECK(std::get<engine::CancelMessage>(*request).run == engine::RunId{"j", 3});
  CHECK_FALSE(engine::decode_request("{\"op\":\"run\"}").ok());
  CHECK_FALSE(engine::decode_request("{\"op\":\"dance\"}").ok());
  CHECK_FALSE(engine::decode_answer("{\"op\":\"result\",\"job_id\":\"j\"}").ok());
  CHECK_FALSE(engine::decode_answer("]").ok());
}
