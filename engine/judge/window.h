// SPDX-License-Identifier: Apache-2.0
// One window: the judge releases the inputs of K slots, the runner makes K calls, the judge's clock
// says how long it took, and every output is copied out of the runner's reach the moment it says
// that it is done.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/judge/contents.h"
#include "engine/judge/job_watch.h"
#include "engine/judge/memory.h"
#include "engine/judge/poison.h"
#include "engine/judge/random.h"
#include "engine/judge/side.h"

namespace assay::engine::judge {

struct WindowRequest {
  std::string kind = "check";  // "check", "time"
  std::uint32_t number = 0;    // of this side; rises by one
  std::int64_t calls = 1;      // slots 0…calls-1 in order; 0: an empty window
  std::int64_t released = 0;   // slots whose inputs are released; 0: as many as calls
  std::string mode = "stream";
  std::int64_t warmup = 0;
  std::uint64_t seed = 0;     // of the runner's random state when the calls begin
  bool kill_at_done = false;  // SIGKILL at the runner's word, outputs are taken when it is dead
  bool flush_cache = false;
};

struct WindowResult {
  std::string mode;
  std::int64_t elapsed_ns = 0;   // from before the release of the inputs to the runner's word
  std::optional<PassDone> told;  // by the runner; absent after a kill
  std::vector<Poison> poison;    // what each output held before
  bool killed =
      false;  // kill_at_done, and the whole tree was seen dead before the outputs were taken
};

class WindowRunner {
 public:
  // `cache_bytes`: the last-level cache of a GPU, flushed on request by writing twice as much; 0:
  // nothing to flush.
  WindowRunner(Memory& memory, JobWatch& watch, std::int64_t cache_bytes,
               std::uint64_t poison_seed);

  // Runs one window on contents that lie ready in staging. `snapshot` receives the outputs, laid
  // out as the runner's output arena; null for empty windows. `poison`: patterns to use, else fresh
  // ones. Failures of the runner as in runner_client.h.
  WindowResult run(Side& side, const WindowRequest& request, const Contents& contents,
                   Arena* snapshot, const std::vector<Poison>* poison = nullptr);

  // Fresh patterns for a side's outputs, or such as differ from earlier ones.
  std::vector<Poison> make_poisons(const Side& side,
                                   const std::vector<Poison>* other_than = nullptr);

 private:
  std::int64_t release_and_wait(Side& side, const WindowRequest& request, const Contents& contents);
  void wait_done(Side& side, std::uint32_t number);
  void take_outputs(Side& side, std::int64_t calls, Arena& snapshot);

  Memory& memory_;
  JobWatch& watch_;
  ArenaPointer flush_;
  SplitMix random_;
};

// What copying one call's outputs to another place costs on this device, by the judge's clock: the
// bound on what a runner may claim for its own copies. `scratch` is at least as large as the
// outputs of `slots` slots.
std::int64_t measure_copy_ns(const Side& side, std::int64_t slots, Arena& scratch, Memory& memory);

}  // namespace assay::engine::judge
