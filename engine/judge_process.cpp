// SPDX-License-Identifier: Apache-2.0
#include "engine/judge_process.h"

#include <algorithm>
#include <utility>

#include "engine/exit_words.h"
#include "engine/worker_policy.h"
#include "sandbox/channel.h"

namespace assay::engine {

using schemas::Error;
using schemas::ErrorCode;
using schemas::Evaluation;
using schemas::Json;
using schemas::Result;
using namespace std::chrono_literals;

namespace {

constexpr auto kJudgeStartPatience = 120s;  // libtorch from a cold disk, and a CUDA context
constexpr auto kSendPatience = 10s;
constexpr auto kAnswerGrace = 10s;  // beyond the job's deadline, which the judge keeps itself
constexpr auto kCancelGrace = 5s;
constexpr auto kSlice = 200ms;  // how soon a cancelled wait gets its shorter deadline
constexpr auto kEndPatience = 5s;

Error judge_error(ErrorCode code, const std::string& what) {
  return {code, "the judge " + what, true, {}};
}

}  // namespace

struct JudgeProcess::Session {
  sandbox::Process process;
  sandbox::Channel channel;
  std::mutex sending;

  schemas::Status send(const Json& message, const std::vector<int>& descriptors = {}) {
    const std::lock_guard lock(sending);
    return channel.send(schemas::dump_json(message), descriptors, sandbox::after(kSendPatience));
  }
};

JudgeProcess::JudgeProcess(const Installation& installation, sandbox::Spawner& spawner,
                           DeviceId device, std::string gpu_uuid,
                           std::function<void(bool)> usable_changed)
    : installation_(installation),
      spawner_(spawner),
      id_(device),
      gpu_uuid_(std::move(gpu_uuid)),
      usable_changed_(std::move(usable_changed)) {
  supervisor_ = std::make_unique<Supervisor>(
      Supervisor::Hooks{[this] { return start(); }, [this] { return ended(); }});
}

JudgeProcess::~JudgeProcess() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    if (starting_) starting_->process.kill();  // or its start would be waited for
  }
  supervisor_.reset();
}

std::optional<schemas::DeviceInfo> JudgeProcess::device() const {
  const std::lock_guard lock(mutex_);
  return device_;
}

bool JudgeProcess::up() const {
  return session() != nullptr;
}

std::string JudgeProcess::trouble() const {
  return supervisor_->trouble();
}

std::shared_ptr<JudgeProcess::Session> JudgeProcess::session() const {
  const std::lock_guard lock(mutex_);
  return session_;
}

Result<int> JudgeProcess::start() {
  auto channels = sandbox::Channel::pair();
  if (!channels) {
    return channels.error();
  }
  auto& [own, theirs] = *channels;
  const bool gpu = id_.kind == schemas::DeviceKind::cuda;
  sandbox::SpawnRequest request;
  // A judge for a GPU sees that one only, as its device 0.
  request.arguments = {installation_.judge, "--device", gpu ? "cuda:0" : "cpu", "--channel-fd",
                       std::to_string(sandbox::kChannelDescriptor)};
  request.policy = judge_policy(installation_, id_, gpu_uuid_);
  request.descriptors = {{theirs.fd(), sandbox::kChannelDescriptor}};
  auto process = spawner_.spawn(request, sandbox::after(kJudgeStartPatience));
  if (!process) {
    return process.error();
  }
  theirs.close();
  auto session = std::make_shared<Session>();
  session->process = std::move(*process);
  session->channel = std::move(own);

  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return judge_error(ErrorCode::interrupted, "is not wanted any more");
    starting_ = session;
  }
  auto frame =
      session->channel.receive(schemas::kMaxTrustedFrameBytes, sandbox::after(kJudgeStartPatience));
  {
    const std::lock_guard lock(mutex_);
    starting_.reset();
  }
  if (!frame || !*frame) {
    session->process.kill();
    const auto end = session->process.wait(sandbox::after(kEndPatience));
    const std::string how = end ? exit_words(*end) + ": " + sandbox::output_text(*end) : "is stuck";
    return judge_error(ErrorCode::interrupted,
                       "for " + device_id_text(id_) + " did not start: it " + how);
  }
  const auto hello = schemas::parse_json((*frame)->bytes);
  schemas::Diagnostics diagnostics;
  if (!hello || !hello->is_object() || hello->value("op", "") != "hello" ||
      hello->value("version", 0) != schemas::kWorkerProtocolVersion || !hello->contains("device")) {
    return judge_error(ErrorCode::protocol_violation,
                       "speaks another version; build everything anew");
  }
  schemas::DeviceInfo device = schemas::read_device((*hello)["device"], "device", diagnostics);
  device.index = id_.index;
  const int end_fd = session->process.keeper_fd();
  {
    const std::lock_guard lock(mutex_);
    device_ = std::move(device);
    session_ = std::move(session);
  }
  usable_changed_(true);
  return end_fd;
}

std::string JudgeProcess::ended() {
  std::shared_ptr<Session> session;
  {
    const std::lock_guard lock(mutex_);
    session = session_ ? std::exchange(session_, nullptr) : std::exchange(dying_, nullptr);
  }
  usable_changed_(false);
  session->process.kill();
  const auto end = session->process.wait(sandbox::after(kEndPatience));
  return "the judge for " + device_id_text(id_) + " " +
         (end ? exit_words(*end) + "\n" + sandbox::output_text(*end) : "does not die");
}

Result<Evaluation> JudgeProcess::evaluate(const schemas::JobSpec& spec,
                                          const std::vector<JudgedRunner>& runners,
                                          sandbox::Deadline deadline, const EventSink& events,
                                          Cancellation& cancellation) {
  const std::shared_ptr<Session> session = this->session();
  if (!session) {
    return judge_error(ErrorCode::interrupted, "is not up");
  }
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - sandbox::Clock::now());
  Json list = Json::array();
  std::vector<int> descriptors;
  for (const JudgedRunner& runner : runners) {
    list.push_back({{"role", schemas::runner_role_name(runner.role)},
                    {"tier", runner.device_tier ? "device" : "host"},
                    {"kernel_name", runner.kernel_name},
                    {"launch", runner.launch},
                    {"artifact", runner.artifact_fd >= 0}});
    descriptors.push_back(runner.channel_fd);
    descriptors.push_back(runner.pidfd);
  }
  for (const JudgedRunner& runner : runners) {
    if (runner.artifact_fd >= 0) {
      descriptors.push_back(runner.artifact_fd);
    }
  }
  const auto sent = session->send({{"op", "evaluate"},
                                   {"job_id", spec.job_id},
                                   {"kind", schemas::job_kind_name(spec.work.kind)},
                                   {"spec", schemas::to_json(spec)},
                                   {"runners", std::move(list)},
                                   {"budget_ms", std::max<std::int64_t>(1, left.count())}},
                                  descriptors);
  if (!sent) {
    session->process.kill();
    return judge_error(ErrorCode::interrupted, "does not take the job: " + sent.error().message);
  }
  cancellation.on_cancel([session, job_id = spec.job_id] {
    static_cast<void>(session->send({{"op", "cancel"}, {"job_id", job_id}}));
  });
  auto result = converse(*session, deadline + kAnswerGrace, events, cancellation);
  cancellation.on_cancel({});
  if (!result) {
    // Whatever it is at, the next job must not wait for it.
    session->process.kill();
    const std::lock_guard lock(mutex_);
    if (session_ == session) {
      session_.reset();  // not up from now on; the supervisor sees its end
      dying_ = session;
    }
  }
  if (cancellation.cancelled()) {
    return Error{ErrorCode::cancelled, "cancelled while it ran", false, {}};
  }
  return result;
}

Result<Evaluation> JudgeProcess::converse(Session& session, sandbox::Deadline deadline,
                                          const EventSink& events, Cancellation& cancellation) {
  bool cancel_seen = false;
  while (true) {
    if (cancellation.cancelled() && !std::exchange(cancel_seen, true)) {
      deadline = std::min(deadline, sandbox::after(kCancelGrace));
    }
    auto frame = session.channel.receive(schemas::kMaxTrustedFrameBytes,
                                         std::min(deadline, sandbox::after(kSlice)));
    if (!frame && frame.error().code == ErrorCode::timed_out) {
      if (sandbox::Clock::now() >= deadline) {
        return judge_error(ErrorCode::timed_out, "did not answer in time and was restarted");
      }
      continue;
    }
    if (!frame || !*frame) {
      return judge_error(ErrorCode::interrupted, "ended while it was at the job");
    }
    const auto message = schemas::parse_json((*frame)->bytes);
    const std::string op = message && message->is_object() ? message->value("op", "") : "";
    if (op == "event") {
      if (const auto event = schemas::read_job_event(*message); event) {
        events(*event);
      }
    } else if (op == "result" && message->contains("evaluation")) {
      auto evaluation = schemas::read_evaluation((*message)["evaluation"]);
      if (!evaluation) {
        return judge_error(ErrorCode::protocol_violation,
                           "sent an evaluation that cannot be read: " + evaluation.error().message);
      }
      return evaluation;
    } else if (op != "device") {
      return judge_error(ErrorCode::protocol_violation, "sent what is no message of its protocol");
    }
  }
}

}  // namespace assay::engine
