// SPDX-License-Identifier: Apache-2.0
#include "engine/runner/passes.h"

#include <limits>

#include "engine/runner/failure.h"

namespace assay::engine::runner {
namespace {

using schemas::Json;

constexpr std::int64_t kMaxWarmup = 10'000;
const std::vector<std::string> kKinds = {"check", "time", "profile", "sanitize"};
const std::vector<std::string> kModes = {"stream", "graph", "events"};

[[noreturn]] void fail_aborted() {
  fail(schemas::RunnerErrorKind::protocol, "Aborted", "the judge gave the window up");
}

void warm_up(PassContext context, const PassPlan& plan) {
  // No slots: an empty window, by which the judge learns what a window costs in itself.
  for (std::int64_t i = 0; i < plan.warmup && !plan.slots.empty(); ++i) {
    const std::int64_t slot = plan.slots[static_cast<std::size_t>(i) % plan.slots.size()];
    context.kernel.launch(context.device, context.memory.parameters(slot));
  }
  context.device.synchronize();
}

// A mode that this device cannot have becomes a stream; `reason` says why.
std::unique_ptr<Window> make_window(PassContext context, const PassPlan& plan,
                                    std::string& reason) {
  if (plan.slots.empty()) return make_stream_window(context, plan);
  try {
    if (plan.mode == PassMode::graph) return make_graph_window(context, plan);
    if (plan.mode == PassMode::events) return make_events_window(context, plan);
  } catch (const Failure& failure) {
    reason = failure.error.message;
  }
  return make_stream_window(context, plan);
}

}  // namespace

PassPlan read_pass_plan(const Json& request, std::int64_t slots) {
  schemas::Diagnostics diagnostics;
  schemas::ObjectReader reader(request, "pass", diagnostics);
  PassPlan plan;
  plan.kind = kKinds[reader.required_word("kind", kKinds).value_or(0)];
  plan.mode = static_cast<PassMode>(reader.optional_word("mode", kModes).value_or(0));
  if (plan.kind != "time") plan.mode = PassMode::stream;
  plan.window = static_cast<std::uint32_t>(
      reader.int_or("window", 0, 1, std::numeric_limits<std::uint32_t>::max()));
  plan.warmup = reader.int_or("warmup", 0, 0, kMaxWarmup);
  reader.each(
      "slots", static_cast<std::size_t>(slots), true, [&](const Json& item, const std::string& at) {
        if (item.is_number_integer() && item.get<std::int64_t>() >= 0 &&
            item.get<std::int64_t>() < slots)
          plan.slots.push_back(item.get<std::int64_t>());
        else
          diagnostics.errors.push_back({at, "must be from 0 to " + std::to_string(slots - 1)});
      });
  if (plan.window == 0) reader.error("window", "is required");
  if (!diagnostics.errors.empty()) fail_protocol(schemas::malformed(diagnostics).message);
  return plan;
}

void wait_slot(BoundMemory& memory, std::int64_t slot, std::uint32_t window) {
  if (!memory.control().wait_slot(static_cast<std::uint32_t>(slot), window)) fail_aborted();
}

Json probe(PassContext context, std::int64_t slot) {
  if (slot < 0 || slot >= context.memory.slots())
    fail_protocol("slot must be from 0 to " + std::to_string(context.memory.slots() - 1));
  const Device& device = context.device;
  const Event begin = make_event(device.driver_pointer());
  const Event end = make_event(device.driver_pointer());
  device.record(begin);
  context.kernel.launch(device, context.memory.parameters(slot));
  device.record(end);
  device.synchronize();
  return {{"ok", true},
          {"outputs", context.memory.outputs()},
          {"elapsed_ns", device.elapsed_ns(begin, end)}};
}

Json run_pass(PassContext context, const PassPlan& plan,
              const std::function<void(const Json&)>& say_ready) {
  warm_up(context, plan);
  std::string reason;
  const std::unique_ptr<Window> window = make_window(context, plan, reason);
  Control& control = context.memory.control();
  Json ready = {{"ok", true}, {"ready", true}, {"mode", window->mode()}};
  if (!reason.empty()) ready["mode_refused"] = reason;
  try {
    say_ready(ready);
    if (!control.wait_release(plan.window)) fail_aborted();
    window->launch_all();
    context.device.synchronize();
  } catch (const Failure&) {
    control.finish(plan.window, true);
    throw;
  }
  control.finish(plan.window, false);
  Json answer = window->notes();
  answer["ok"] = true;
  answer["calls_ns"] = window->calls_ns();
  answer["mode"] = window->mode();
  return answer;
}

}  // namespace assay::engine::runner
