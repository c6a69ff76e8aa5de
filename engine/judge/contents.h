// SPDX-License-Identifier: Apache-2.0
// Draws: the values that inputs start from. Contents: what the slots of a window hold, made from
// them with noise in memory that no runner maps, so that a window can release it all at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/judge/arguments.h"
#include "engine/judge/draw_source.h"
#include "engine/judge/memory.h"
#include "engine/judge/noise.h"

namespace assay::engine::judge {

inline constexpr int kMaxDraws = 8;
// For all draws together, beyond the first.
inline constexpr std::chrono::milliseconds kDrawTime{40};

struct Draw {
  std::uint64_t seed = 0;
  ArenaPointer values;             // one slot, on the device
  std::vector<NoiseRange> ranges;  // by tensor
};

struct Draws {
  InputSet inputs;
  std::vector<Draw> draws;
  std::string how;  // a sentence for the result
  std::vector<std::string> notes;
  bool all_vary = true;  // every tensor of every draw takes noise
};

// As many draws as are cheap: at most kMaxDraws, within kDrawTime and `max_bytes` of device memory
// (at least one).
Draws make_draws(DrawSource& source, Memory& memory, const NoiseMaker& noise,
                 std::size_t max_bytes);

// Content number c is draw c mod n, exactly where c < n, else with noise of its own. Numbers are
// never used twice.
class Contents {
 public:
  // Room for `slots` slots. `draws`, `memory` and `noise` must outlive this.
  Contents(const Draws& draws, Memory& memory, NoiseMaker& noise, std::int64_t slots);

  // The next `slots` contents into slots 0… of staging(). On a GPU the work is queued, not
  // finished.
  void fill(std::int64_t slots);
  const Arena& staging() const { return *staging_; }
  const SlotLayout& layout() const { return draws_.inputs.layout; }
  std::int64_t used() const { return next_; }

 private:
  void fill_tensor(std::size_t tensor, std::int64_t slots);
  void copy_rows(const TensorRows& to, const TensorRows& from);

  const Draws& draws_;
  Memory& memory_;
  NoiseMaker& noise_;
  ArenaPointer staging_;
  std::int64_t next_ = 0;
};

}  // namespace assay::engine::judge
