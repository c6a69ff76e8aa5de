// SPDX-License-Identifier: Apache-2.0
#include "engine/judge/job_watch.h"

#include <algorithm>
#include <array>
#include <poll.h>
#include <utility>

#include "schemas/worker_message.h"

namespace assay::engine::judge {
namespace {

// The executor is trusted and reads all the time; a full socket for this long means that it hangs.
constexpr std::chrono::seconds kEventSendPatience{10};

}  // namespace

std::string word_of(const schemas::Json& message, const char* key) {
  const auto found = message.find(key);
  return found != message.end() && found->is_string() ? found->get<std::string>() : "";
}

JobWatch::JobWatch(sandbox::Channel& executor, std::string job_id, sandbox::Deadline deadline)
    : executor_(executor), job_id_(std::move(job_id)), deadline_(deadline) {}

sandbox::Clock::duration JobWatch::left() const {
  return std::max(deadline_ - sandbox::Clock::now(), sandbox::Clock::duration::zero());
}

void JobWatch::check(schemas::RunnerRole role, const std::string& at) {
  look(-1, -1, sandbox::Deadline::min(), role, at);
}

void JobWatch::check() {
  look(-1, -1, sandbox::Deadline::min(), std::nullopt, "");
}

int JobWatch::wait(int first_fd, int second_fd, sandbox::Deadline patience,
                   schemas::RunnerRole role, const std::string& at) {
  const Attending runner(*this);
  return look(first_fd, second_fd, patience, role, at);
}

int JobWatch::look(int first_fd, int second_fd, sandbox::Deadline patience,
                   std::optional<schemas::RunnerRole> role, const std::string& at) {
  while (true) {
    if (sandbox::Clock::now() >= deadline_) throw used_up(role, at);
    std::array<pollfd, 3> watched{
        {{executor_.fd(), POLLIN, 0}, {first_fd, POLLIN, 0}, {second_fd, POLLIN, 0}}};
    const int timeout = patience == sandbox::Deadline::min()
                            ? 0
                            : sandbox::poll_timeout_ms(std::min(patience, deadline_));
    const int ready = ::poll(watched.data(), watched.size(), timeout);
    if (ready > 0 && watched[0].revents != 0) read_executor(role, at);
    const int readable = (watched[1].revents != 0 ? 1 : 0) | (watched[2].revents != 0 ? 2 : 0);
    if (ready > 0 && readable != 0) return readable;
    if (sandbox::Clock::now() >= patience) return 0;
  }
}

JobWatch::Attending::Attending(JobWatch& watch) : watch_(watch) {
  watch_.attending_since_ = sandbox::Clock::now();
}

JobWatch::Attending::~Attending() {
  watch_.stop_attending();
}

void JobWatch::stop_attending() {
  if (attending_since_) runners_time_ += sandbox::Clock::now() - *attending_since_;
  attending_since_.reset();
}

Failure JobWatch::used_up(std::optional<schemas::RunnerRole> role, const std::string& at) {
  stop_attending();
  const auto seconds = [](sandbox::Clock::duration time) {
    return static_cast<std::int64_t>(std::chrono::round<std::chrono::seconds>(time).count());
  };
  const auto total = sandbox::Clock::now() - begin_;
  if (role && runners_time_ >= total / 2)
    return {Cause::deadline, *role, at, "the time for this job is used up"};
  return {Cause::deadline, "of " + std::to_string(seconds(total)) + " s, making inputs and " +
                               "checking outputs took " +
                               std::to_string(seconds(total - runners_time_)) + " s"};
}

void JobWatch::read_executor(std::optional<schemas::RunnerRole> role, const std::string& at) {
  const auto cancelled = [&](const std::string& message) {
    Failure failure(Cause::cancelled, message);
    failure.role = role;
    failure.at = at;
    return failure;
  };
  auto frame = executor_.receive(schemas::kMaxTrustedFrameBytes, sandbox::Deadline::min());
  if (!frame) {
    if (frame.error().code == schemas::ErrorCode::timed_out) return;  // half a frame
    throw cancelled("the executor's channel broke: " + frame.error().message);
  }
  if (!*frame) throw cancelled("the executor is gone");
  const auto message = schemas::parse_json((*frame)->bytes);
  if (!message || !message->is_object()) return;
  if (word_of(*message, "op") == "cancel" && word_of(*message, "job_id") == job_id_)
    throw cancelled("the job was cancelled");
}

void JobWatch::tell(const schemas::JobEvent& event) {
  schemas::Json message = schemas::to_json(event);
  message["op"] = "event";
  [[maybe_unused]] const auto status =
      executor_.send(schemas::dump_json(message), sandbox::after(kEventSendPatience));
}

}  // namespace assay::engine::judge
