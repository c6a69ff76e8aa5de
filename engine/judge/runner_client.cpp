// SPDX-License-Identifier: Apache-2.0
#include "engine/judge/runner_client.h"

#include <algorithm>
#include <chrono>
#include <poll.h>
#include <signal.h>
#include <unistd.h>
#include <utility>

#include <sys/syscall.h>

#include "engine/judge/runner_replies.h"

namespace assay::engine::judge {
namespace {

using schemas::Json;

// A runner that waits for a request reads it at once; one that does not within this time hangs.
constexpr std::chrono::seconds kSendPatience{30};
constexpr std::size_t kMaxReplyDescriptors = 1;

int pidfd_kill(int pidfd) {
  return static_cast<int>(syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0));
}

bool readable_within(int fd, int timeout_ms) {
  pollfd watched{fd, POLLIN, 0};
  return ::poll(&watched, 1, timeout_ms) > 0;
}

// Transferred values stay with the judge; a runner needs only shapes.
Json kernel_for_runner(const schemas::Kernel& kernel) {
  schemas::Kernel slim = kernel;
  if (slim.io)
    for (schemas::ArgSpec& argument : slim.io->args)
      if (argument.tensor) argument.tensor->data.reset();
  return schemas::to_json(slim);
}

template <typename Item>
Json json_array(const std::vector<Item>& items) {
  Json array = Json::array();
  for (const Item& item : items) array.push_back(schemas::to_json(item));
  return array;
}

}  // namespace

RunnerClient::RunnerClient(schemas::RunnerRole role, Tier tier, sandbox::Channel channel,
                           sandbox::UniqueFd pidfd, JobWatch& watch)
    : role_(role),
      tier_(tier),
      channel_(std::move(channel)),
      pidfd_(std::move(pidfd)),
      watch_(watch) {}

RunnerClient::~RunnerClient() {
  kill();
}

bool RunnerClient::kill() {
  return pidfd_kill(pidfd_.get()) == 0 || errno == ESRCH;
}

bool RunnerClient::dead() const {
  return readable_within(pidfd_.get(), 0);
}

bool RunnerClient::wait_dead(sandbox::Clock::duration patience) {
  return readable_within(pidfd_.get(), sandbox::poll_timeout_ms(sandbox::after(patience)));
}

void RunnerClient::bad_reply(const std::string& at, const std::string& what) const {
  throw Failure(Cause::bad_reply, role_, at, what);
}

void RunnerClient::send(const char* op, Json fields, const std::vector<int>& descriptors) {
  fields["op"] = op;
  watch_.check(role_, op);
  const auto deadline = std::min(watch_.deadline(), sandbox::after(kSendPatience));
  const auto status = channel_.send(schemas::dump_json(fields), descriptors, deadline);
  if (status) return;
  watch_.check(role_, op);
  if (status.error().code == schemas::ErrorCode::timed_out)
    bad_reply(op, "it does not read its requests");
  throw Failure(Cause::runner_gone, role_, op,
                "its process ended before \"" + std::string(op) + "\"");
}

RunnerClient::Reply RunnerClient::receive(const std::string& at) {
  while (true) {
    const int readable =
        watch_.wait(channel_.fd(), pidfd_.get(), sandbox::no_deadline(), role_, at);
    // What it sent before its end is still read: the channel comes first.
    auto frame = channel_.receive(schemas::kMaxUntrustedFrameBytes, sandbox::Deadline::min(),
                                  kMaxReplyDescriptors);
    if (!frame && frame.error().code == schemas::ErrorCode::timed_out) {
      if ((readable & 1) == 0) throw Failure(Cause::runner_gone, role_, at, "its process ended");
      continue;
    }
    if (!frame && frame.error().code == schemas::ErrorCode::interrupted)
      throw Failure(Cause::runner_gone, role_, at, "its process ended");
    if (!frame) bad_reply(at, frame.error().message);
    if (!*frame) throw Failure(Cause::runner_gone, role_, at, "its process ended");
    auto body = schemas::parse_json((*frame)->bytes);
    if (!body || !body->is_object()) bad_reply(at, "its answer is not a JSON object");
    const auto ok = body->find("ok");
    if (ok == body->end() || !ok->is_boolean()) bad_reply(at, "its answer has no \"ok\"");
    if (!ok->get<bool>()) {
      Failure failure(Cause::runner_error, role_, at, "");
      failure.error = schemas::read_runner_error(*body);
      failure.message = failure.error.message;
      throw failure;
    }
    return {std::move(*body), std::move((*frame)->descriptors)};
  }
}

RunnerClient::Reply RunnerClient::ask(const char* op, Json fields,
                                      const std::vector<int>& descriptors) {
  send(op, std::move(fields), descriptors);
  return receive(op);
}

Transfer RunnerClient::read_transfer(Reply& reply, const char* at, std::size_t max_bytes) const {
  Transfer transfer;
  transfer.buffer = reply_buffer(std::move(reply.descriptors), max_bytes, role_, at);
  transfer.values = values_in(reply.body, transfer.buffer, max_bytes, role_, at);
  return transfer;
}

void RunnerClient::prepare(const std::string& device_kind, std::int64_t device_index,
                           const std::string& device_uuid) {
  ask("prepare",
      {{"device", {{"kind", device_kind}, {"index", device_index}, {"uuid", device_uuid}}}});
}

Loaded RunnerClient::load(const schemas::Kernel& kernel, std::uint64_t seed,
                          const Transfer& init_inputs, const CompiledPart& compiled) {
  Json fields = {{"role", schemas::runner_role_name(role_)},
                 {"kernel", kernel_for_runner(kernel)},
                 {"seed", seed}};
  std::vector<int> descriptors;
  if (tier_ == Tier::device) {
    fields["kernel_name"] = compiled.kernel_name;
  } else if (init_inputs.present) {
    fields["init_inputs"] = json_array(init_inputs.values);
    if (init_inputs.buffer.valid()) descriptors.push_back(init_inputs.buffer.fd());
  }
  if (compiled.artifact_fd >= 0) {
    fields["launch"] = compiled.launch;
    descriptors.push_back(compiled.artifact_fd);
  }
  const Reply reply = ask("load", std::move(fields), descriptors);
  return read_loaded(reply.body, role_, "load");
}

Transfer RunnerClient::init_inputs(std::uint64_t seed, std::size_t max_bytes) {
  Reply reply = ask("init_inputs", {{"seed", seed}});
  return read_transfer(reply, "init_inputs", max_bytes);
}

void RunnerClient::ask_draw(std::uint64_t seed) {
  send("draw", {{"seed", seed}}, {});
}

Transfer RunnerClient::read_draw(std::size_t max_bytes) {
  Reply reply = receive("draw");
  return read_transfer(reply, "draw", max_bytes);
}

Weights RunnerClient::get_weights(std::size_t max_bytes) {
  Reply reply = ask("get_weights", Json::object());
  Weights weights;
  weights.buffer = reply_buffer(std::move(reply.descriptors), max_bytes, role_, "get_weights");
  weights.tensors = read_weights(reply.body, weights.buffer, max_bytes, role_, "get_weights");
  weights.skipped = read_skipped(reply.body, role_, "get_weights");
  return weights;
}

WeightsCopied RunnerClient::set_weights(const Weights& weights) {
  Json list = Json::array();
  for (const NamedTensor& weight : weights.tensors)
    list.push_back({{"name", weight.name},
                    {"dtype", schemas::dtype_name(weight.tensor.dtype)},
                    {"shape", weight.tensor.shape},
                    {"offset", weight.tensor.offset},
                    {"bytes", weight.tensor.bytes},
                    {"stands_for", weight.stands_for}});
  std::vector<int> descriptors;
  if (weights.buffer.valid()) descriptors.push_back(weights.buffer.fd());
  const Reply reply = ask("set_weights", {{"weights", std::move(list)}}, descriptors);
  return read_weights_copied(reply.body, role_, "set_weights");
}

void RunnerClient::bind(const BindRequest& request) {
  Json fields = {{"slots", request.slots},
                 {"arguments", json_array(request.arguments)},
                 {"outputs", request.outputs ? json_array(*request.outputs) : Json(nullptr)},
                 {"input_bytes", request.input_bytes},
                 {"output_bytes", request.output_bytes}};
  ask("bind", std::move(fields), {request.control_page_fd, request.input_fd, request.output_fd});
}

Probed RunnerClient::probe(std::int64_t slot) {
  const auto begin = sandbox::Clock::now();
  const Reply reply = ask("probe", {{"slot", slot}});
  const auto elapsed =
      std::chrono::duration_cast<std::chrono::nanoseconds>(sandbox::Clock::now() - begin);
  return read_probed(reply.body, elapsed.count(), role_, "probe");
}

std::string RunnerClient::begin_pass(const PassRequest& request) {
  send("pass",
       {{"kind", request.kind},
        {"window", request.window},
        {"slots", request.slots},
        {"mode", request.mode},
        {"warmup", request.warmup},
        {"seed", request.seed},
        {"tf32", false}},
       {});
  return read_ready_mode(receive("pass").body, request.mode, role_, "pass");
}

PassDone RunnerClient::finish_pass(std::size_t calls, std::int64_t elapsed_ns) {
  return read_pass_done(receive("pass").body, calls, elapsed_ns, role_, "pass");
}

void RunnerClient::fail_pass() {
  receive("pass");  // throws the runner's error
  bad_reply("pass", "it set an error status without an error");
}

}  // namespace assay::engine::judge
