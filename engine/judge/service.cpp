// SPDX-License-Identifier: Apache-2.0
#include "engine/judge/service.h"

#include <chrono>
#include <string>
#include <utility>

#include "schemas/worker_message.h"

namespace assay::engine::judge {
namespace {

using schemas::Json;

constexpr std::chrono::seconds kSendPatience{30};

schemas::Status answer(sandbox::Channel& executor, const Json& message) {
  return executor.send(schemas::dump_json(message), sandbox::after(kSendPatience));
}

Json device_message(const char* op, const JudgeDevice& device) {
  return {{"op", op}, {"version", schemas::kWorkerProtocolVersion}, {"device", schemas::to_json(device.probe->now())}};
}

// A request that cannot be used still gets its result, or the executor would wait for it.
Json refusal(const Json& message, const schemas::Error& error) {
  schemas::Evaluation evaluation;
  const auto job_id = message.find("job_id");
  if (job_id != message.end() && job_id->is_string()) evaluation.job_id = job_id->get<std::string>();
  evaluation.error = "the judge cannot read its request: " + error.message;
  evaluation.verdict = {schemas::VerdictCode::infrastructure_failed,
                        "The server failed, not the kernel: " + evaluation.error + ".", "Tell the operator."};
  return {{"op", "result"}, {"evaluation", schemas::to_json(evaluation)}};
}

Json judge_job(const Json& message, std::vector<sandbox::UniqueFd> descriptors, JudgeDevice& device,
               sandbox::Channel& executor) {
  auto request = read_job_request(message, std::move(descriptors));
  if (!request) return refusal(message, request.error());
  Session session(std::move(*request), device, executor);
  return {{"op", "result"}, {"evaluation", schemas::to_json(session.run())}};
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
    const std::string op = message->value("op", "");
    schemas::Status status = schemas::success();
    if (op == "evaluate")
      status = answer(executor, judge_job(*message, std::move((*frame)->descriptors), device, executor));
    else if (op == "device")
      status = answer(executor, device_message("device", device));
    // A cancel that comes after its job's result is of no use any more.
    if (!status) return status;
  }
}

}  // namespace assay::engine::judge
