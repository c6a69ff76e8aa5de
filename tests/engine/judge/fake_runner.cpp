// SPDX-License-Identifier: Apache-2.0
#include "tests/engine/judge/fake_runner.h"

#include <chrono>
#include <optional>
#include <signal.h>
#include <stdexcept>
#include <unistd.h>
#include <utility>

#include <sys/syscall.h>
#include <sys/wait.h>

#include "sandbox/shared_memory.h"

namespace assay::tests {
namespace {

using schemas::Json;

template <typename T>
T must(schemas::Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(result).value();
}

class Serving {
 public:
  Serving(const FakeScript& script, sandbox::Channel channel)
      : script_(script), channel_(std::move(channel)) {}

  void run() {
    while (true) {
      auto frame = must(channel_.receive(std::size_t{64} << 20, sandbox::no_deadline()));
      if (!frame) return;
      const Json request = Json::parse(frame->bytes);
      const std::string op = request.at("op");
      if (op == "exit") return;
      script_.on_request(op);
      Json answer = {{"ok", true}};
      sandbox::SharedMemory values;
      if (op == "load")
        answer.update({{"takes_get_inputs", true}, {"has_weights", script_.has_weights}});
      if (op == "init_inputs") answer["values"] = Json::array();
      if (op == "draw") values = draw(request.at("seed"), answer);
      if (op == "get_weights") values = weights(answer);
      if (op == "set_weights")
        answer.update({{"copied", request.at("weights").size()}, {"skipped", Json::array()}});
      if (op == "bind") bind(request, std::move(frame->descriptors));
      if (op == "probe") probe(request.at("slot"), answer);
      if (op == "pass") {
        pass(request);
        continue;
      }
      send(op, answer, values);
    }
  }

 private:
  void send(const std::string& op, Json& answer, const sandbox::SharedMemory& values = {}) {
    script_.on_answer(op, answer);
    std::vector<int> descriptors;
    if (values.valid()) descriptors.push_back(values.fd());
    must(channel_.send(answer.dump(), descriptors, sandbox::no_deadline()));
  }

  sandbox::SharedMemory draw(std::uint64_t seed, Json& answer) const {
    const auto bytes = static_cast<std::size_t>(script_.draw_elements) * 4;
    auto memory = must(sandbox::SharedMemory::create(
        "draw", bytes * static_cast<std::size_t>(script_.draw_tensors)));
    Json values = Json::array();
    for (int tensor = 0; tensor < script_.draw_tensors; ++tensor) {
      std::vector<float> numbers(static_cast<std::size_t>(script_.draw_elements));
      std::uint64_t state = seed + static_cast<std::uint64_t>(tensor);
      for (float& number : numbers) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        number = static_cast<float>(static_cast<double>(state >> 40) / 16777216.0 - 0.5);
      }
      must(memory.write(bytes * static_cast<std::size_t>(tensor), numbers.data(), bytes));
      values.push_back({{"kind", "tensor"},
                        {"dtype", "float32"},
                        {"shape", {script_.draw_elements}},
                        {"offset", bytes * static_cast<std::size_t>(tensor)},
                        {"bytes", bytes}});
    }
    answer["values"] = values;
    answer["elapsed_ns"] = 1000;
    return memory;
  }

  static sandbox::SharedMemory weights(Json& answer) {
    auto memory = must(sandbox::SharedMemory::create("weights", 16));
    answer["weights"] = {{{"name", "layer.weight"},
                          {"dtype", "float32"},
                          {"shape", {2, 2}},
                          {"offset", 0},
                          {"bytes", 16}}};
    return memory;
  }

  void bind(const Json& request, std::vector<sandbox::UniqueFd> descriptors) {
    page_memory_ = must(sandbox::SharedMemory::adopt(std::move(descriptors.at(0)), 1, SIZE_MAX));
    page_ = must(page_memory_.map(sandbox::Access::read_write));
    input_memory_ = must(sandbox::SharedMemory::adopt(std::move(descriptors.at(1)), 1, SIZE_MAX));
    inputs_ = must(input_memory_.map(sandbox::Access::read_write));
    output_memory_ = must(sandbox::SharedMemory::adopt(std::move(descriptors.at(2)), 1, SIZE_MAX));
    outputs_ = must(output_memory_.map(sandbox::Access::read_write));
    arguments_.clear();
    output_bindings_.clear();
    for (const Json& argument : request.at("arguments")) {
      const auto binding = must(schemas::read_binding(argument));
      if (binding.kind == schemas::Value::Kind::tensor &&
          binding.tensor.role != schemas::ArgRole::output)
        arguments_.push_back(binding.tensor);
    }
    if (request.at("outputs").is_array())
      for (const Json& output : request.at("outputs"))
        output_bindings_.push_back(must(schemas::read_binding(output)).tensor);
  }

  std::byte* address(const schemas::TensorBinding& binding, std::int64_t slot) const {
    return (binding.in_output_arena ? outputs_ : inputs_).data() + binding.offset +
           slot * binding.stride;
  }

  FakeCall call(std::int64_t slot) const {
    FakeCall call;
    for (const auto& argument : arguments_)
      call.inputs.push_back(reinterpret_cast<float*>(address(argument, slot)));
    for (const auto& output : output_bindings_) call.outputs.push_back(address(output, slot));
    call.elements = arguments_.empty() ? 0 : *schemas::element_count(arguments_[0].shape);
    call.slot = slot;
    return call;
  }

  void probe(std::int64_t slot, Json& answer) {
    FakeCall one = call(slot);
    std::vector<std::byte> scratch(static_cast<std::size_t>(one.elements) * 8 + 64);
    if (one.outputs.empty()) one.outputs.assign(8, scratch.data());
    const auto begin = sandbox::Clock::now();
    script_.compute(one);
    const std::chrono::nanoseconds elapsed = sandbox::Clock::now() - begin;
    std::vector<schemas::OutputShape> shapes = script_.outputs;
    if (shapes.empty()) shapes.push_back({arguments_.at(0).dtype, arguments_[0].shape, {}});
    answer["outputs"] = Json::array();
    for (schemas::OutputShape& shape : shapes) {
      shape.strides.assign(shape.shape.size(), 1);
      answer["outputs"].push_back(schemas::to_json(shape));
    }
    answer["elapsed_ns"] = elapsed.count();
  }

  void pass(const Json& request) {
    auto& page = *reinterpret_cast<engine::ControlPage*>(page_.data());
    const std::uint32_t window = request.at("window");
    const bool timed = request.at("kind") == "time";
    std::vector<FakeCall> calls;
    for (const std::int64_t slot : request.at("slots")) {
      calls.push_back(call(slot));
      calls.back().window = window;
      calls.back().timed = timed;
    }
    Json ready = {{"ok", true}, {"ready", true}, {"mode", "stream"}};
    send("ready", ready);
    while (page.release.load() != window)
      engine::control_wait(page.release, page.release.load(), 10'000);
    script_.before_calls(page, window, timed);
    Json calls_ns = Json::array();
    for (const FakeCall& one : calls) {
      const auto begin = sandbox::Clock::now();
      script_.compute(one);
      calls_ns.push_back(std::chrono::nanoseconds(sandbox::Clock::now() - begin).count());
    }
    page.done.store(window);
    engine::control_wake(page.done);
    script_.after_done(calls, timed);
    Json answer = {{"ok", true}, {"calls_ns", calls_ns}, {"copy_ns", 0}, {"mode", "stream"}};
    send("pass", answer);
  }

  const FakeScript& script_;
  sandbox::Channel channel_;
  sandbox::SharedMemory page_memory_, input_memory_, output_memory_;
  sandbox::Mapping page_, inputs_, outputs_;
  std::vector<schemas::TensorBinding> arguments_, output_bindings_;
};

}  // namespace

FakeRunner start_fake_runner(const FakeScript& script) {
  auto [mine, theirs] = must(sandbox::Channel::pair());
  FakeRunner runner;
  runner.pid = fork();
  if (runner.pid == 0) {
    mine.close();
    for (const int number : {SIGSEGV, SIGABRT, SIGTERM})
      signal(number, SIG_DFL);  // not the test's own handlers
    try {
      Serving(script, std::move(theirs)).run();
    } catch (const std::exception&) {
      _exit(3);
    }
    _exit(0);
  }
  runner.pidfd.reset(static_cast<int>(syscall(SYS_pidfd_open, runner.pid, 0)));
  runner.judge_end = std::move(mine);
  return runner;
}

int reap(pid_t pid) {
  int status = 0;
  waitpid(pid, &status, 0);
  return status;
}

}  // namespace assay::tests
