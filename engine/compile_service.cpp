// SPDX-License-Identifier: Apache-2.0
#include "engine/compile_service.h"

#include <algorithm>
#include <utility>

#include "engine/compile_answer.h"
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

constexpr auto kCompilerStartPatience = std::chrono::seconds(10);
constexpr auto kClosedPatience = std::chrono::seconds(2);
constexpr auto kEndPatience = std::chrono::seconds(10);
constexpr int kMaxInterimFrames = 8;
constexpr int kOwnFailure = 1;  // assay-compiler's exit status for what is not the source's fault

struct ClearWaker {
  Cancellation& cancellation;
  ~ClearWaker() { cancellation.on_cancel({}); }
};

std::string request_bytes(const schemas::Kernel& kernel, const std::string& architecture,
                          const Installation& installation, const std::vector<Json>& extensions) {
  return schemas::dump_json({{"op", "compile"},
                             {"kernel", schemas::to_json(kernel)},
                             {"architecture", architecture},
                             {"include_directories", installation.include_directories},
                             {"nvrtc_library", installation.nvrtc_library},
                             {"nvcc", installation.nvcc()},
                             {"extensions", extensions}});
}

// The answer; what is told before it of errors goes to `so_far`, the last one staying.
Result<std::optional<sandbox::Frame>> receive_answer(sandbox::Channel& channel,
                                                     sandbox::Deadline deadline,
                                                     std::string& so_far) {
  for (int told = 0;; ++told) {
    auto frame = channel.receive(schemas::kMaxUntrustedFrameBytes, deadline, 1);
    if (!frame || !*frame || told == kMaxInterimFrames) return frame;
    auto interim = read_interim((*frame)->bytes);
    if (!interim) return frame;
    so_far = std::move(*interim);
  }
}

}  // namespace

CompileService::CompileService(const Installation& installation, sandbox::Spawner& spawner,
                               ZygoteProcess& zygote, sandbox::UidPool& uids,
                               const CompileLimits& limits)
    : installation_(installation),
      spawner_(spawner),
      zygote_(zygote),
      uids_(uids),
      limits_(limits),
      free_turns_(std::max<std::int64_t>(1, limits.parallel)) {}

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
                                            schemas::IsolationReport& isolation,
                                            const std::vector<Json>& extensions) {
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
  const bool own_limit = limits_.longest.count() > 0 && begin + limits_.longest < budget.deadline();
  const sandbox::Deadline deadline = own_limit ? begin + limits_.longest : budget.deadline();
  auto result = compile_now(kernel, architecture, deadline, cancellation, isolation, extensions);
  if (cancellation.cancelled()) {
    return Error{ErrorCode::cancelled, "cancelled while compiling", false, {}};
  }
  if (result && result->timed_out && own_limit) {
    // Whoever asks for it would wait as long in vain.
    result->timed_out = false;
    result->failure = "compiling took longer than the server allows (COMPILE_TIMEOUT, " +
                      std::to_string(limits_.longest.count()) + " s)" + result->so_far_text();
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

// NVRTC and nvcc have a program of their own; what is written in Python is compiled by a fork of
// the zygote.
Result<sandbox::Process> CompileService::start(schemas::KernelType type, std::uint32_t uid,
                                               int channel_fd) {
  const std::vector<sandbox::DescriptorGrant> descriptors = {
      {channel_fd, sandbox::kChannelDescriptor}};
  if (type == schemas::KernelType::cuda) {
    sandbox::SpawnRequest request;
    request.arguments = {installation_.compiler};
    request.policy = compiler_policy(installation_);
    request.policy.outer_uid = uid;
    request.descriptors = descriptors;
    return spawner_.spawn(request, sandbox::after(kCompilerStartPatience));
  }
  sandbox::ForkRequest request;
  request.policy = python_compiler_policy(installation_, limits_.jobs_per_build);
  request.policy.outer_uid = uid;
  request.descriptors = descriptors;
  request.argument =
      schemas::dump_json({{"channel_fd", sandbox::kChannelDescriptor}, {"serve", "compile"}});
  return zygote_.fork(request, sandbox::after(kCompilerStartPatience));
}

Result<BuildResult> CompileService::compile_now(const schemas::Kernel& kernel,
                                                const std::string& architecture,
                                                sandbox::Deadline deadline,
                                                Cancellation& cancellation,
                                                schemas::IsolationReport& isolation,
                                                const std::vector<Json>& extensions) {
  auto channels = sandbox::Channel::pair();
  if (!channels) {
    return channels.error();
  }
  auto& [own, theirs] = *channels;
  auto uid = uids_.take();
  if (!uid) {
    return uid.error();
  }
  auto process = start(kernel.type, uid->uid(), theirs.fd());
  if (!process) {
    return process.error();
  }
  theirs.close();
  schemas::merge(isolation, schemas::IsolationReport{process->isolation()});
  cancellation.on_cancel([&process = *process] { process.kill(); });
  const ClearWaker clear{cancellation};

  const auto sent =
      own.send(request_bytes(kernel, architecture, installation_, extensions), deadline);
  BuildResult result;
  auto frame = sent ? receive_answer(own, deadline, result.so_far)
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
  if (answered) {
    auto read = read_compile_answer(std::move(**frame));
    if (read) {
      return read;
    }
    result.failure = "the compiler was misled by the source: " + read.error().message;
    return result;
  }
  if (late) {
    result.timed_out = true;
    result.report.log = result.whole_log = result.so_far;
    return result;
  }
  if (!end) {
    return end.error();
  }
  // Where submitted code runs in the compiler it may choose any status.
  const bool runs_nothing_submitted = kernel.type == schemas::KernelType::cuda;
  if (runs_nothing_submitted && end->kind == sandbox::ExitKind::exited &&
      end->code == kOwnFailure) {
    return Error{
        ErrorCode::internal, "the compiler failed: " + sandbox::output_text(*end), false, {}};
  }
  result.process_end = process_end("compiler", "compile", *end);
  result.failure = "the compiler " + exit_words(*end) + " while it compiled the source";
  return result;
}

}  // namespace assay::engine
