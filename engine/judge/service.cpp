// SPDX-License-Identifier: Apache-2.0
#include "engine/judge/service.h"

#include <chrono>
#include <exception>
#include <string>
#include <utility>

#include "engine/judge/torch_runtime.h"
#include "schemas/worker_message.h"

namespace assay::engine::judge {
namespace {

using schemas::Json;

constexpr std::chrono::seconds kResultSendPatience{30};

schemas::Status answer(sandbox::Channel& executor, const Json& message) {
  return executor.send(schemas::dump_json(message), sandbox::after(kResultSendPatience));
}

Json device_message(const char* op, const JudgeDevice& device) {
  return {{"op", op},
          {"version", schemas::kWorkerProtocolVersion},
          {"device", schemas::to_json(device.probe->now())}};
}

// A request that cannot be used still gets its result, or the executor would wait for it.
Json refusal(const Json& message, const schemas::Error& error) {
  schemas::Evaluation evaluation;
  evaluation.job_id = word_of(message, "job_id");
  evaluation.error = "the judge cannot take this job: " + error.message;
  evaluation.verdict = {schemas::VerdictCode::infrastructure_failed,
                        "The server failed, not the kernel: " + evaluation.error + ".",
                        "Tell the operator."};
  return {{"op", "result"}, {"evaluation", schemas::to_json(evaluation)}};
}

Json result_message(const schemas::Evaluation& evaluation) {
  return {{"op", "result"}, {"evaluation", schemas::to_json(evaluation)}};
}

struct Judged {
  schemas::Status answered;
  bool healthy = true;  // false: our own failure; a fresh process is safer than this one
};

// Answers before the session's memory is given back, which takes a GPU some milliseconds: the next
// request is read afterwards.
Judged judge_job(const Json& message, std::vector<sandbox::UniqueFd> descriptors,
                 JudgeDevice& device, sandbox::Channel& executor) {
  auto request = read_job_request(message, std::move(descriptors));
  if (!request) return {answer(executor, refusal(message, request.error())), true};
  try {
    Session session(std::move(*request), device, executor);
    const schemas::Evaluation evaluation = session.run();
    return {answer(executor, result_message(evaluation)), !session.failed_inside()};
  } catch (const std::exception& error) {
    return {answer(executor, refusal(message, {schemas::ErrorCode::internal, error.what()})),
            false};
  }
}

}  // namespace

schemas::Status serve(JudgeDevice& device, sandbox::Channel& executor) {
  if (auto status = answer(executor, device_message("hello", device)); !status) return status;
  while (true) {
    auto frame = executor.receive(schemas::kMaxTrustedFrameBytes, sandbox::no_deadline());
    if (!frame) return frame.error();
    if (!*frame) return schemas::success();
    const auto message = schemas::parse_json((*frame)->bytes);
    if (!message || !message->is_object()) continue;
    const std::string op = word_of(*message, "op");
    schemas::Status status = schemas::success();
    bool healthy = true;
    if (op == "evaluate") {
      const Judged judged = judge_job(*message, std::move((*frame)->descriptors), device, executor);
      release_torch_memory(device.torch);
      status = judged.answered;
      healthy = judged.healthy;
    } else if (op == "device") {
      status = answer(executor, device_message("device", device));
    }
    // A cancel that comes after its job's result is of no use any more.
    if (!status) return status;
    if (!healthy)
      return schemas::Error{schemas::ErrorCode::internal,
                            "a job failed inside the judge; it ends to be started afresh"};
  }
}

}  // namespace assay::engine::judge
