// SPDX-License-Identifier: Apache-2.0
#include "engine/judge/contents.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "engine/judge/failure.h"
#include "engine/judge/random.h"
#include "sandbox/clock.h"

namespace assay::engine::judge {
namespace {

Draw take_draw(DrawSource& source, std::uint64_t seed, const SlotLayout& layout, Memory& memory,
               const NoiseMaker& noise) {
  Draw draw;
  draw.seed = seed;
  draw.values = memory.allocate(static_cast<std::size_t>(layout.slot_bytes()), Sharing::judge_only,
                                "drawn inputs");
  for (std::size_t i = 0; i < layout.tensors().size(); ++i) {
    const TensorPlace& place = layout.tensors()[i];
    const auto bytes = static_cast<std::size_t>(place.bytes);
    const auto host = std::make_unique_for_overwrite<std::byte[]>(std::max<std::size_t>(bytes, 1));
    source.read(i, {host.get(), bytes});
    memory.upload(draw.values->data() + place.offset, host.get(), bytes);
    draw.ranges.push_back(
        source.may_vary(i) ? noise.range_of(layout.rows(draw.values->data(), i, 1)) : NoiseRange{});
  }
  return draw;
}

std::string describe(const DrawSource& source, const Draws& draws) {
  const std::size_t count = draws.draws.size();
  std::string how =
      std::to_string(count) + (count == 1 ? " draw, " : " draws, ") + source.origin() + "; ";
  if (!source.random()) return how + "constant values, so every call has the same";
  how +=
      "every draw is used once exactly, further calls have a draw with multiplicative noise of "
      "1e-3 (bfloat16: 2^-7) "
      "within the draw's own range";
  if (!draws.all_vary) how += "; integers, bools, constants and whole-number tensors repeat";
  return how;
}

}  // namespace

Draws make_draws(DrawSource& source, Memory& memory, const NoiseMaker& noise,
                 std::size_t max_bytes) {
  Draws made;
  const auto begin = sandbox::Clock::now();
  std::uint64_t seed = random_seed();
  made.inputs = source.next(seed);
  const auto slot_bytes = static_cast<std::size_t>(made.inputs.layout.slot_bytes());
  const int most = source.random() ? kMaxDraws : 1;
  made.draws.push_back(take_draw(source, seed, made.inputs.layout, memory, noise));
  const auto first = sandbox::Clock::now() - begin;
  while (static_cast<int>(made.draws.size()) < most) {
    const auto spent = sandbox::Clock::now() - begin;
    if (spent + first > kDrawTime || (made.draws.size() + 1) * slot_bytes > max_bytes) break;
    seed = random_seed();
    const InputSet drawn = source.next(seed);
    if (!same_structure(drawn.arguments, made.inputs.arguments)) {
      made.notes.push_back(
          "get_inputs() gives other shapes for other seeds; only its first draw is used");
      break;
    }
    made.draws.push_back(take_draw(source, seed, made.inputs.layout, memory, noise));
  }
  for (const Draw& draw : made.draws)
    for (const NoiseRange& range : draw.ranges) made.all_vary = made.all_vary && range.varies;
  made.how = describe(source, made);
  return made;
}

Contents::Contents(const Draws& draws, Memory& memory, NoiseMaker& noise, std::int64_t slots)
    : draws_(draws),
      memory_(memory),
      noise_(noise),
      staging_(memory.allocate(static_cast<std::size_t>(layout().slot_bytes() * slots),
                               Sharing::judge_only, "prepared inputs")) {}

void Contents::fill(std::int64_t slots) {
  for (std::size_t tensor = 0; tensor < layout().tensors().size(); ++tensor)
    fill_tensor(tensor, slots);
  next_ += slots;
}

void Contents::copy_rows(const TensorRows& to, const TensorRows& from) {
  const auto width = static_cast<std::size_t>(to.elements * schemas::dtype_bytes(to.dtype));
  for (std::int64_t row = 0; row < to.rows; ++row) memory_.copy(to.row(row).data, from.data, width);
}

// Slots that start from the same draw lie `count` slots apart and are filled together.
void Contents::fill_tensor(std::size_t tensor, std::int64_t slots) {
  const auto count = static_cast<std::int64_t>(draws_.draws.size());
  for (std::int64_t first = 0; first < std::min(slots, count); ++first) {
    const Draw& draw = draws_.draws[static_cast<std::size_t>((next_ + first) % count)];
    const TensorRows from = layout().rows(draw.values->data(), tensor, 1);
    TensorRows to = layout().rows(staging_->data() + first * layout().slot_bytes(), tensor, slots);
    to.rows = (slots - first + count - 1) / count;
    to.stride_bytes *= count;
    const NoiseRange& range = draw.ranges[tensor];
    if (!range.varies) {
      copy_rows(to, from);
      continue;
    }
    noise_.vary(to, from, range);
    if (next_ + first < count) copy_rows(to.row(0), from);
  }
}

}  // namespace assay::engine::judge
