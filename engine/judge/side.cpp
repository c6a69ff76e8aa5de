// SPDX-License-Identifier: Apache-2.0
#include "engine/judge/side.h"

#include <algorithm>
#include <chrono>
#include <new>

#include "engine/judge/contract_outputs.h"
#include "engine/judge/failure.h"

namespace assay::engine::judge {
namespace {

constexpr int kProbes = 3;
constexpr std::chrono::milliseconds kProbeTime{300};  // for the calls after the second

std::size_t arena_bytes(const SlotLayout& layout, std::int64_t slots) {
  return static_cast<std::size_t>(layout.slot_bytes() * slots);
}

bool signature_error(const Failure& failure) {
  return failure.cause == Cause::runner_error &&
         failure.error.kind == schemas::RunnerErrorKind::contract;
}

// Where a contract's scalars do not fit a torch function, it is bound without them.
void bind_to_probe(Side& side, const InputSet& inputs, Memory& memory) {
  side.call = plan_call(side.kernel, inputs, ScalarUse::all);
  try {
    bind_side(side, inputs, memory, 1);
  } catch (const Failure& failure) {
    if (!signature_error(failure) || !side.call.has_scalars ||
        writes_into_arguments(side.kernel.type))
      throw;
    side.call = plan_call(side.kernel, inputs, ScalarUse::none);
    bind_side(side, inputs, memory, 1);
  }
}

// The first slot's content into all others.
void repeat_first_slot(Arena& arena, std::int64_t slot_bytes, std::int64_t slots, Memory& memory) {
  if (slot_bytes == 0) return;
  for (std::int64_t filled = 1; filled < slots; filled *= 2) {
    const std::int64_t bytes = std::min(filled, slots - filled) * slot_bytes;
    memory.copy(arena.data() + filled * slot_bytes, arena.data(), static_cast<std::size_t>(bytes));
  }
}

}  // namespace

SharedPage SharedPage::create() {
  SharedPage page;
  page.memory_ = value_or_fail(sandbox::SharedMemory::create("assay-control", kControlPageBytes));
  page.mapping_ = value_or_fail(page.memory_.map(sandbox::Access::read_write));
  auto* words = new (page.mapping_.data()) ControlPage{};
  words->magic = kControlPageMagic;
  words->version = kControlPageVersion;
  return page;
}

void bind_side(Side& side, const InputSet& inputs, Memory& memory, std::int64_t slots) {
  side.buffers = SideBuffers{};  // the old memory goes before the new comes
  side.buffers.slots = slots;
  side.buffers.inputs = memory.allocate(arena_bytes(inputs.layout, slots), Sharing::with_runner,
                                        "the inputs of " + std::to_string(slots) + " calls");
  side.buffers.outputs =
      memory.allocate(arena_bytes(side.call.outputs, slots), Sharing::with_runner,
                      "the outputs of " + std::to_string(slots) + " calls");
  side.buffers.page = SharedPage::create();
  BindRequest request;
  request.slots = slots;
  request.arguments = side.call.arguments;
  if (side.call.outputs_known) request.outputs = output_bindings(side.call);
  request.input_bytes = static_cast<std::int64_t>(side.buffers.inputs->bytes());
  request.output_bytes = static_cast<std::int64_t>(side.buffers.outputs->bytes());
  request.control_page_fd = side.buffers.page->descriptor();
  request.input_fd = side.buffers.inputs->descriptor();
  request.output_fd = side.buffers.outputs->descriptor();
  side.runner.bind(request);
}

void probe_side(Side& side, const InputSet& inputs, const Arena& sample, Memory& memory) {
  try {
    bind_to_probe(side, inputs, memory);
  } catch (Failure& failure) {
    if (signature_error(failure)) failure.error.message += hint_of_outputs(side.kernel);
    throw;
  }
  release_inputs(side, inputs.layout, sample, 1, memory);
  memory.synchronize();
  const auto begin = sandbox::Clock::now();
  Probed probed = side.runner.probe(0);
  side.probe_ns = probed.elapsed_ns;
  side.autotune = std::move(probed.autotune);
  if (!probed.ignored.empty()) side.ignored = ignored_text(side.call.outputs, probed.ignored);
  // The first call may compile, tune or load what no later one does: it never stands alone.
  for (int i = 1; i < kProbes && (i == 1 || sandbox::Clock::now() - begin < kProbeTime); ++i)
    side.probe_ns = std::min(side.probe_ns, side.runner.probe(0).elapsed_ns);
  if (!side.call.outputs_known) {
    try {
      set_outputs(side.call, probed.outputs);
      demand_contract_outputs(side.kernel, side.call.outputs);
    } catch (Failure& failure) {
      failure.role = side.role;
      throw;
    }
  }
}

void preset_inputs(Side& side, const SlotLayout& inputs, const Arena& sample, Memory& memory) {
  release_inputs(side, inputs, sample, 1, memory);
  repeat_first_slot(*side.buffers.inputs, inputs.slot_bytes(), side.buffers.slots, memory);
  if (!side.call.inouts.empty())
    repeat_first_slot(*side.buffers.outputs, side.call.outputs.slot_bytes(), side.buffers.slots,
                      memory);
  memory.synchronize();
}

void release_inputs(Side& side, const SlotLayout& inputs, const Arena& staging, std::int64_t slots,
                    Memory& memory) {
  memory.copy(side.buffers.inputs->data(), staging.data(), arena_bytes(inputs, slots));
  for (const auto& [input, output] : side.call.inouts) {
    const TensorRows from = inputs.rows(staging.data(), input, slots);
    const TensorRows to = side.call.outputs.rows(side.buffers.outputs->data(), output, slots);
    memory.copy_rows(to.data, static_cast<std::size_t>(to.stride_bytes), from.data,
                     static_cast<std::size_t>(from.stride_bytes),
                     static_cast<std::size_t>(inputs.tensors()[input].bytes),
                     static_cast<std::size_t>(slots));
  }
}

}  // namespace assay::engine::judge
