// SPDX-License-Identifier: Apache-2.0
#include "engine/runner/device_runner.h"

#include <chrono>
#include <exception>
#include <new>
#include <string>
#include <utility>

#include "engine/runner/failure.h"
#include "engine/runner/passes.h"
#include "sandbox/shared_memory.h"
#include "schemas/worker_message.h"

namespace assay::engine::runner {
namespace {

using schemas::Json;
using schemas::RunnerErrorKind;

constexpr std::chrono::seconds kSendPatience{60};
constexpr std::size_t kMaxCubinBytes = std::size_t{256} << 20;
constexpr std::size_t kMaxNameBytes = 4096;

Json error_answer(const schemas::RunnerError& error) {
  return {{"ok", false}, {"error", schemas::to_json(error)}};
}

std::vector<char> read_cubin(const std::vector<sandbox::UniqueFd>& descriptors) {
  if (descriptors.empty()) fail_protocol("load brought no cubin");
  const auto memory = value_or_fail(
      sandbox::SharedMemory::adopt_for_reading(descriptors.front().duplicate(), 1, kMaxCubinBytes));
  // A text image (PTX) must end with a zero; a cubin does not mind one.
  std::vector<char> cubin(memory.size() + 1, '\0');
  value_or_fail(memory.read(0, cubin.data(), memory.size()));
  return cubin;
}

}  // namespace

schemas::Status DeviceRunner::send(const Json& frame) {
  return channel_.send(schemas::dump_json(frame), sandbox::after(kSendPatience));
}

schemas::Status DeviceRunner::serve() {
  for (;;) {
    auto frame = channel_.receive(schemas::kMaxTrustedFrameBytes, sandbox::no_deadline());
    if (!frame) return std::move(frame).error();
    if (!*frame) return schemas::success();
    auto request = schemas::parse_json((*frame)->bytes);
    const bool readable = request.ok() && request->is_object();
    if (readable && request->value("op", Json()) == "exit") return schemas::success();
    const Json reply =
        readable ? answer(*request, std::move((*frame)->descriptors))
                 : error_answer(
                       {RunnerErrorKind::protocol, "", "a request must be a JSON object", "", {}});
    if (auto sent = send(reply); !sent) return sent;
  }
}

Json DeviceRunner::answer(const Json& request, Descriptors descriptors) {
  try {
    const auto found = request.find("op");
    const std::string op =
        found != request.end() && found->is_string() ? found->get<std::string>() : "";
    if (op == "prepare") return prepare(request);
    if (op == "load") return load(request, descriptors);
    if (op == "bind") return bind(request, std::move(descriptors));
    if (op == "probe") return probe_slot(request);
    if (op == "pass") return pass(request);
    if (op == "init_inputs" || op == "draw" || op == "get_weights" || op == "set_weights")
      fail_protocol("the device tier has no " + op);
    fail_protocol("unknown op " + schemas::shown_value(found != request.end() ? *found : Json()));
  } catch (const Failure& failure) {
    return error_answer(failure.error);
  } catch (const std::bad_alloc&) {
    return error_answer(
        {RunnerErrorKind::out_of_memory, "bad_alloc", "host memory ran out", "", {}});
  } catch (const std::exception& exception) {  // our own reading of a request failed
    return error_answer({RunnerErrorKind::protocol, "", exception.what(), "", {}});
  }
}

DeviceRunner::State DeviceRunner::state() const {
  if (memory_) return State::pass;
  if (kernel_) return State::loaded;
  return device_ ? State::context : State::prepared;
}

void DeviceRunner::demand(State needed, const char* op) const {
  static constexpr const char* kNames[] = {"prepared", "context", "loaded", "pass"};
  if (state() < needed)
    fail_protocol(std::string(op) + " needs the state " + kNames[static_cast<int>(needed)] +
                  ", this runner is " + kNames[static_cast<int>(state())]);
}

Json DeviceRunner::prepare(const Json& request) {
  schemas::Diagnostics diagnostics;
  const auto found = request.find("device");
  const Json wanted = found != request.end() ? *found : Json::object();
  schemas::ObjectReader reader(wanted, "device", diagnostics);
  if (reader.optional_string("kind", kMaxNameBytes) != "cuda")
    fail_protocol("the device tier runs on a device of kind \"cuda\" only");
  const std::string uuid = reader.optional_string("uuid", kMaxNameBytes).value_or("");
  if (!device_) {
    device_.emplace(uuid);
    try {  // its compilation takes longer than a window, and now nobody waits
      blocking_ = std::make_unique<BlockingKernel>(*device_);
    } catch (const Failure&) {  // the window that needs it says why
    }
  }
  return {{"ok", true}, {"tier", "device"}, {"state", "context"}};
}

Json DeviceRunner::load(const Json& request, const Descriptors& descriptors) {
  demand(State::context, "load");
  if (kernel_) fail_protocol("this runner has loaded its kernel");
  schemas::Diagnostics diagnostics;
  const auto found = request.find("kernel");
  if (found == request.end()) fail_protocol("load has no kernel");
  const schemas::Kernel kernel = schemas::read_kernel(*found, "kernel", diagnostics);
  schemas::ObjectReader reader(request, "load", diagnostics);
  const std::string name = reader.required_string("kernel_name", kMaxNameBytes);
  if (!diagnostics.errors.empty()) fail_protocol(schemas::malformed(diagnostics).message);
  const auto launch = request.find("launch");
  kernel_.emplace(*device_, kernel, name, launch == request.end() ? Json() : *launch,
                  read_cubin(descriptors));
  return {{"ok", true},
          {"takes_get_inputs", false},
          {"has_weights", false},
          {"resources", kernel_->resources()}};
}

Json DeviceRunner::bind(const Json& request, Descriptors descriptors) {
  demand(State::loaded, "bind");
  const BindRequest bind = read_bind_request(request);
  memory_.reset();  // the old arenas go before the new ones come
  memory_ = std::make_unique<BoundMemory>(*device_, *kernel_, bind, std::move(descriptors));
  return {{"ok", true}};
}

Json DeviceRunner::probe_slot(const Json& request) {
  demand(State::pass, "probe");
  const auto slot = request.find("slot");
  if (slot == request.end() || !slot->is_number_integer()) fail_protocol("probe needs a slot");
  return probe({*device_, *kernel_, *memory_, blocking_}, slot->get<std::int64_t>());
}

Json DeviceRunner::pass(const Json& request) {
  demand(State::pass, "pass");
  const PassPlan plan = read_pass_plan(request, memory_->slots());
  return run_pass({*device_, *kernel_, *memory_, blocking_}, plan, [this](const Json& ready) {
    if (auto sent = send(ready); !sent) fail_protocol(sent.error().message);
  });
}

}  // namespace assay::engine::runner
