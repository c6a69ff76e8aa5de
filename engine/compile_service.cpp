// SPDX-License-Identifier: Apache-2.0
#include "engine/compile_service.h"

#include <algorithm>
#include <utility>

#include "engine/exit_words.h"
#include "engine/worker_policy.h"
#include "sandbox/channel.h"
#include "sandbox/shared_memory.h"
#include "schemas/worker_message.h"

namespace assay::engine {

using schemas::Error;
using schemas::ErrorCode;
using schemas::Json;
using schemas::Result;

namespace {

constexpr int kChannelDescriptor = 3;
constexpr std::size_t kMaxSymbolBytes = 4096;
constexpr auto kStartPatience = std::chrono::seconds(10);
constexpr auto kClosedPatience = std::chrono::seconds(2);
constexpr auto kEndPatience = std::chrono::seconds(10);
constexpr int kOwnFailure = 1;  // assay-compiler's exit status for what is not the source's fault

struct ClearWaker {
  Cancellation& cancellation;
  ~ClearWaker() { cancellation.on_cancel({}); }
};

std::string request_bytes(const schemas::Kernel& kernel, const std::string& architecture,
                          const Installation& installation) {
  return schemas::dump_json({{"op", "compile"},
                             {"kernel", schemas::to_json(kernel)},
                             {"architecture", architecture},
                             {"include_directories", installation.include_directories},
                             {"nvrtc_library", installation.nvrtc_library}});
}

std::string capped(std::string text) {
  if (text.size() > kMaxCompileLogBytes) {
    text.resize(kMaxCompileLogBytes);
  }
  return text;
}

Error violation(const std::string& what) {
  return {ErrorCode::protocol_violation, "the compiler's answer " + what, false, {}};
}

Result<std::string> read_binary(std::vector<sandbox::UniqueFd> descriptors) {
  if (descriptors.size() != 1) {
    return violation("came with " + std::to_string(descriptors.size()) + " descriptors");
  }
  auto memory = sandbox::SharedMemory::adopt_for_reading(std::move(descriptors.front()), 1,
                                                         kMaxArtifactBytes / 2);
  if (!memory) {
    return memory.error();
  }
  std::string binary(memory->size(), '\0');
  if (auto read = memory->read(0, binary.data(), binary.size()); !read) {
    return read.error();
  }
  if (!binary.starts_with("\x7f"
                          "ELF")) {
    return violation("is no cubin");
  }
  return binary;
}

// Strictly: a field of the wrong type or a missing one refuses the whole answer.
Result<BuildResult> read_answer(sandbox::Frame frame) {
  const auto json = schemas::parse_json(frame.bytes);
  if (!json) {
    return violation("is no JSON: " + json.error().message);
  }
  schemas::Diagnostics diagnostics;
  schemas::ObjectReader reader(*json, "answer", diagnostics);
  BuildResult result;
  result.report.log = capped(reader.optional_string("log", kMaxCompileLogBytes * 4).value_or(""));
  if (!reader.bool_or("ok", false)) {
    const Json* error = reader.raw("error");
    static const Json nothing = Json::object();
    schemas::ObjectReader fields(error == nullptr ? nothing : *error, "answer.error", diagnostics);
    const auto kind = fields.required_word("kind", {"compile", "contract"});
    result.failure = capped(fields.required_string("message", kMaxCompileLogBytes * 4));
    if (!diagnostics.errors.empty()) {
      return violation("is malformed: " + diagnostics.errors.front().message);
    }
    if (kind == 0 && !result.report.log.empty()) {
      result.failure = result.report.log;
    }
    return result;
  }
  Artifact artifact;
  artifact.kernel_name = reader.required_string("kernel_name", kMaxSymbolBytes);
  result.report.tool = reader.required_string("tool", 64);
  if (const Json* kernels = reader.raw("kernels")) {
    result.report.kernels =
        schemas::read_compile_report({{"kernels", *kernels}}, "answer", diagnostics).kernels;
  }
  if (artifact.kernel_name.empty() || !diagnostics.errors.empty()) {
    return violation("is malformed" + (diagnostics.errors.empty()
                                           ? std::string()
                                           : ": " + diagnostics.errors.front().message));
  }
  auto binary = read_binary(std::move(frame.descriptors));
  if (!binary) {
    return binary.error();
  }
  artifact.binary = std::move(*binary);
  result.artifact = std::move(artifact);
  return result;
}

}  // namespace

CompileService::CompileService(const Installation& installation, sandbox::Spawner& spawner,
                               sandbox::UidPool& uids, std::int64_t parallel)
    : installation_(installation),
      spawner_(spawner),
      uids_(uids),
      free_turns_(std::max<std::int64_t>(1, parallel)) {}

bool CompileService::take_turn(Cancellation& cancellation) {
  cancellation.on_cancel([this] {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
  });
  const ClearWaker clear{cancellation};
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return free_turns_ > 0 || cancellation.cancelled(); });
  if (cancellation.cancelled()) {
    return false;
  }
  --free_turns_;
  return true;
}

void CompileService::give_turn_back() {
  const std::lock_guard lock(mutex_);
  ++free_turns_;
  changed_.notify_all();
}

Result<BuildResult> CompileService::compile(const schemas::Kernel& kernel,
                                            const std::string& architecture, Budget& budget,
                                            Cancellation& cancellation,
                                            schemas::IsolationReport& isolation) {
  {
    const Budget::Pause waiting(budget);
    if (!take_turn(cancellation)) {
      return Error{ErrorCode::cancelled, "cancelled before compiling", false, {}};
    }
  }
  struct Turn {
    CompileService& service;
    ~Turn() { service.give_turn_back(); }
  } const turn{*this};
  const auto begin = sandbox::Clock::now();
  auto result = compile_now(kernel, architecture, budget, cancellation, isolation);
  if (cancellation.cancelled()) {
    return Error{ErrorCode::cancelled, "cancelled while compiling", false, {}};
  }
  if (result) {
    result->report.architecture = architecture;
    result->report.seconds = std::chrono::duration<double>(sandbox::Clock::now() - begin).count();
    if (result->artifact) {
      result->artifact->report = result->report;
    }
  }
  return result;
}

Result<BuildResult> CompileService::compile_now(const schemas::Kernel& kernel,
                                                const std::string& architecture,
                                                const Budget& budget, Cancellation& cancellation,
                                                schemas::IsolationReport& isolation) {
  auto channels = sandbox::Channel::pair();
  if (!channels) {
    return channels.error();
  }
  auto& [own, theirs] = *channels;
  auto uid = uids_.take();
  if (!uid) {
    return uid.error();
  }
  sandbox::SpawnRequest request;
  request.arguments = {installation_.compiler};
  request.policy = compiler_policy(installation_);
  request.policy.outer_uid = uid->uid();
  request.descriptors = {{theirs.fd(), kChannelDescriptor}};
  auto process = spawner_.spawn(request, sandbox::after(kStartPatience));
  if (!process) {
    return process.error();
  }
  theirs.close();
  schemas::merge(isolation, schemas::IsolationReport{process->isolation()});
  cancellation.on_cancel([&process = *process] { process.kill(); });
  const ClearWaker clear{cancellation};

  const auto sent = own.send(request_bytes(kernel, architecture, installation_), budget.deadline());
  auto frame = sent ? own.receive(schemas::kMaxUntrustedFrameBytes, budget.deadline(), 1)
                    : Result<std::optional<sandbox::Frame>>(sent.error());
  const bool late = !frame && frame.error().code == ErrorCode::timed_out;
  const bool answered = frame && *frame;
  if (answered || late || (!frame && frame.error().code == ErrorCode::protocol_violation)) {
    process->kill();
  }
  // The uid goes back only when nothing runs under it any more. One that closed its channel should
  // be ending.
  auto end = process->wait(sandbox::after(kClosedPatience));
  if (!end) {
    process->kill();
    end = process->wait(sandbox::after(kEndPatience));
  }
  BuildResult result;
  if (answered) {
    auto read = read_answer(std::move(**frame));
    if (read) {
      return read;
    }
    result.failure = "the compiler was misled by the source: " + read.error().message;
    return result;
  }
  if (late) {
    result.timed_out = true;
    return result;
  }
  if (!end) {
    return end.error();
  }
  if (end->kind == sandbox::ExitKind::exited && end->code == kOwnFailure) {
    return Error{
        ErrorCode::internal, "the compiler failed: " + sandbox::output_text(*end), false, {}};
  }
  result.process_end = process_end("compiler", "compile", *end);
  result.failure = "the compiler " + exit_words(*end) + " while it compiled the source";
  return result;
}

}  // namespace assay::engine
