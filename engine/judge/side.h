// SPDX-License-Identifier: Apache-2.0
// Side: one kernel under judgement (reference or candidate): its runner, how it is called, the
// memory it was given.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/control_page.h"
#include "engine/judge/arguments.h"
#include "engine/judge/memory.h"
#include "engine/judge/runner_client.h"
#include "sandbox/shared_memory.h"
#include "schemas/kernel.h"

namespace assay::engine::judge {

// The shared page, mapped here. A new one for every bind, so that nothing of an earlier one is left
// in it.
class SharedPage {
 public:
  static SharedPage create();
  ControlPage& words() const { return *reinterpret_cast<ControlPage*>(mapping_.data()); }
  int descriptor() const { return memory_.fd(); }

 private:
  sandbox::SharedMemory memory_;
  sandbox::Mapping mapping_;
};

// What a runner maps. The content of inputs is laid out as the input set, that of outputs as the
// call plan.
struct SideBuffers {
  std::int64_t slots = 0;
  ArenaPointer inputs, outputs;
  std::optional<SharedPage> page;
};

struct Side {
  Side(schemas::RunnerRole role_, const schemas::Kernel& kernel_, RunnerClient& runner_)
      : role(role_), kernel(kernel_), runner(runner_) {}

  schemas::RunnerRole role;
  const schemas::Kernel& kernel;
  RunnerClient& runner;
  Loaded loaded;
  CallPlan call;
  SideBuffers buffers;
  std::string ignored = {};   // what is said of returned tensors that no output took
  std::int64_t probe_ns = 0;  // the quickest of a few calls, by the runner's word
  std::vector<schemas::Tuning> autotune = {};  // by its own word
  std::uint32_t windows = 0;                   // started so far; the number of the last one

  std::string name() const { return schemas::runner_role_name(role); }
};

// Gives the side buffers for `slots` slots and binds them; before its outputs are known it may only
// be probed.
void bind_side(Side& side, const InputSet& inputs, Memory& memory, std::int64_t slots);

// Plans the call, binds one slot holding the values in `sample` (one slot of inputs), calls it a
// few times: learns outputs and the time of a call. Where a contract's scalars do not fit a torch
// function, it is bound without them.
void probe_side(Side& side, const InputSet& inputs, const Arena& sample, Memory& memory);

// Puts the values in `sample` into every slot, so that warm-up calls, which precede a window's own
// inputs, work on values that can be: zeros are no divisors, and no lengths.
void preset_inputs(Side& side, const SlotLayout& inputs, const Arena& sample, Memory& memory);

// Copies the inputs of `slots` slots from `staging` into what the runner maps: inputs and inout
// outputs.
void release_inputs(Side& side, const SlotLayout& inputs, const Arena& staging, std::int64_t slots,
                    Memory& memory);

}  // namespace assay::engine::judge
