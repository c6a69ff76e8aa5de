// SPDX-License-Identifier: Apache-2.0
// One pass of the device tier: warm-up, `ready`, release, one launch per slot, `done`, figures.
// Three ways of launching, all behind Window: on a stream, in one graph, and one by one behind a
// blocking kernel with a cold cache.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/runner/blocking_kernel.h"
#include "engine/runner/bound_memory.h"
#include "engine/runner/device.h"
#include "engine/runner/loaded_kernel.h"
#include "schemas/json_reader.h"

namespace assay::engine::runner {

enum class PassMode { stream, graph, events };

struct PassPlan {
  std::string kind;
  std::uint32_t window = 0;
  std::vector<std::int64_t> slots;  // call order
  PassMode mode = PassMode::stream;
  std::int64_t warmup = 0;
};
// Failure: protocol. `slots`: how many are bound.
PassPlan read_pass_plan(const schemas::Json& request, std::int64_t slots);

// What a pass works with; all of it outlives the pass.
struct PassContext {
  const Device& device;
  const LoadedKernel& kernel;
  BoundMemory& memory;
  std::unique_ptr<BlockingKernel>& blocking;  // made by the first events window, if not before
};

// The launches of one released window.
class Window {
 public:
  virtual ~Window() = default;
  virtual const char* mode() const = 0;
  // Puts every launch on the device, in order; may wait for slots.
  virtual void launch_all() = 0;
  // After the device is idle: one duration per launch, or one for all of them.
  virtual std::vector<std::int64_t> calls_ns() = 0;
  // Beside the figures of the last frame; an object.
  virtual schemas::Json notes() { return schemas::Json::object(); }
};

std::unique_ptr<Window> make_stream_window(PassContext context, const PassPlan& plan);
std::unique_ptr<Window> make_graph_window(PassContext context, const PassPlan& plan);
std::unique_ptr<Window> make_events_window(PassContext context, const PassPlan& plan);

// Waits for the word of a slot; Failure: protocol "Aborted" when the judge gives the window up.
void wait_slot(BoundMemory& memory, std::int64_t slot, std::uint32_t window);

// One launch of a slot, timed: the answer to `probe`.
schemas::Json probe(PassContext context, std::int64_t slot);

// The whole pass. `say_ready` sends its first frame; the last one is returned. A Failure inside the
// window has ended it on the control page.
schemas::Json run_pass(PassContext context, const PassPlan& plan,
                       const std::function<void(const schemas::Json&)>& say_ready);

}  // namespace assay::engine::runner
