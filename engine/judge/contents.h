// SPDX-License-Identifier: Apache-2.0
// Draws: the values that inputs start from. Contents: what the slots of a window hold, made from
// them with noise in memory that no runner maps, so that a window can release it all at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "engine/judge/arguments.h"
#include "engine/judge/draw_source.h"
#include "engine/judge/memory.h"
#include "engine/judge/noise.h"

namespace assay::engine::judge {

// A kernel that answers every call with its first result must fail on the others: so many at least,
// as long as they take no more than kDrawShare of the job's time.
inline constexpr std::size_t kMinDraws = 4, kMaxDraws = 8;
inline constexpr double kDrawShare = 0.25;
// Where every random tensor is drawn anew for every call, by torch's CPU generator only so many.
inline constexpr std::size_t kExplainedDraws = 2;
// Beyond kMinDraws, for all draws together.
inline constexpr std::chrono::milliseconds kDrawTime{40};
// Draws as large as the first that wait in the host's memory until they are taken.
inline constexpr std::size_t kBegunBytes = std::size_t{256} << 20;

struct Draw {
  std::uint64_t seed = 0;
  ArenaPointer values;             // one slot, on the device
  std::vector<NoiseRange> ranges;  // by tensor
};

struct Draws {
  InputSet inputs;
  std::vector<Draw> draws;
  // By tensor: how fresh values are drawn on the device; none: from a draw, with noise.
  std::vector<std::optional<schemas::Init>> recipes;
  std::string how;  // a sentence for the result
  std::vector<std::string> notes;
  std::vector<std::string> warnings;  // what the verdict cannot tell therefore
  bool all_vary = true;               // no tensor of any draw repeats
  bool any_varies = false;            // some tensor of some draw does not
  bool explained = false;             // every random tensor has a recipe

  // Contents of which each is independent of the others: 0 to this, exclusive.
  std::int64_t independent() const {
    return explained ? std::numeric_limits<std::int64_t>::max()
                     : static_cast<std::int64_t>(draws.size());
  }
};

struct DrawLimits {
  std::size_t bytes = 0;                                    // of device memory, for all draws
  std::chrono::nanoseconds time{std::chrono::seconds(60)};  // left to the job
};

// Makes a job's draws, as many as are cheap: from kMinDraws to kMaxDraws, within the limits (at
// least one).
class Drawing {
 public:
  // Makes the first one, and has the source begin as many as seem cheap by what it took. `memory`
  // and `noise` must outlive this.
  Drawing(std::unique_ptr<DrawSource> source, Memory& memory, const NoiseMaker& noise,
          DrawLimits limits);
  const Draws& first() const { return made_; }
  // Whether somebody else is at work on the others: then the caller may do something, too.
  bool begun() const { return !begun_.empty(); }
  // Takes the others. REQUIRES: called once.
  Draws finish();

 private:
  bool another_fits(std::size_t made, std::chrono::nanoseconds spent) const;
  void take_others();

  std::unique_ptr<DrawSource> source_;
  Memory& memory_;
  const NoiseMaker& noise_;
  const DrawLimits limits_;
  Draws made_;
  std::size_t most_ = 1;
  std::chrono::nanoseconds first_{0};  // what the first one took
  std::vector<std::uint64_t> begun_;   // their seeds
};

// Content number c is draw c mod n, exactly where c < n, else with values or noise of its own.
// Numbers are never used twice.
class Contents {
 public:
  // Room for `slots` slots. `draws`, `memory` and `noise` must outlive this.
  Contents(const Draws& draws, Memory& memory, NoiseMaker& noise, std::int64_t slots);

  // The next `slots` contents into slots 0… of staging(). On a GPU the work is queued, not
  // finished. `between` is called every so often, and may throw.
  void fill(
      std::int64_t slots, const std::function<void()>& between = [] {});
  const Arena& staging() const { return *staging_; }
  const SlotLayout& layout() const { return draws_.inputs.layout; }
  std::int64_t used() const { return next_; }
  // Slots of staging() that hold contents, the last ones or earlier.
  std::int64_t filled() const { return filled_; }

 private:
  void fill_tensor(std::size_t tensor, std::int64_t slots, const std::function<void()>& between);
  void copy_rows(const TensorRows& to, const TensorRows& from);

  const Draws& draws_;
  Memory& memory_;
  NoiseMaker& noise_;
  ArenaPointer staging_;
  std::int64_t next_ = 0, filled_ = 0;
};

}  // namespace assay::engine::judge
