// SPDX-License-Identifier: Apache-2.0
#include "engine/judge/contents.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <utility>

#include "engine/judge/failure.h"
#include "engine/judge/random.h"
#include "sandbox/clock.h"

namespace assay::engine::judge {
namespace {

// Drawn in one go; between two of these somebody may look at the clock.
constexpr std::int64_t kElementsAtOnce = std::int64_t{1} << 24;

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

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2g %%", share * 100);
  return text;
}

std::string describe(const DrawSource& source, const Draws& draws, const NoiseMaker& noise) {
  const std::size_t count = draws.draws.size();
  std::string how =
      std::to_string(count) + (count == 1 ? " draw, " : " draws, ") + source.origin() + "; ";
  if (!source.random()) return how + "constant values, so every call has the same";
  const auto& recipes = draws.recipes;
  if (std::any_of(recipes.begin(), recipes.end(), [](const auto& one) { return one.has_value(); }))
    return how +
           "every draw is used once exactly, further calls have values of their own, drawn "
           "on the device by the judge; constants and given data repeat";
  if (!draws.any_varies)
    return how +
           "every draw is used once exactly, further calls have one of them again: nothing "
           "in them could be varied";
  double most = 0;
  for (const TensorPlace& place : draws.inputs.layout.tensors())
    if (schemas::is_floating(place.dtype)) most = std::max(most, noise.scale(place.dtype));
  how +=
      "every draw is used once exactly, further calls have a draw multiplied by a factor of "
      "their own (" +
      std::to_string(kLeastFactor).substr(0, 3) + " to 1) and by noise of " + percent(most) +
      " for each element, within the draw's own range";
  if (!draws.all_vary) how += "; integers, bools, constants and whole-number tensors repeat";
  return how;
}

}  // namespace

Draws make_draws(DrawSource& source, Memory& memory, const NoiseMaker& noise, DrawLimits limits) {
  Draws made;
  const auto begin = sandbox::Clock::now();
  std::uint64_t seed = random_seed();
  made.inputs = source.next(seed);
  const auto slot_bytes = static_cast<std::size_t>(made.inputs.layout.slot_bytes());
  made.explained = source.random();
  for (std::size_t i = 0; i < made.inputs.layout.tensors().size(); ++i) {
    made.recipes.push_back(source.recipe(i));
    made.explained = made.explained && (made.recipes[i] || !source.may_vary(i));
  }
  const int most = !source.random() ? 1 : made.explained ? kExplainedDraws : kMaxDraws;
  made.draws.push_back(take_draw(source, seed, made.inputs.layout, memory, noise));
  const auto first = sandbox::Clock::now() - begin;
  while (static_cast<int>(made.draws.size()) < most) {
    const auto expected = sandbox::Clock::now() - begin + first;
    const bool enough = static_cast<int>(made.draws.size()) >= kMinDraws;
    if (expected > (enough ? kDrawTime : limits.time * kDrawShare) ||
        (made.draws.size() + 1) * slot_bytes > limits.bytes)
      break;
    seed = random_seed();
    const InputSet drawn = source.next(seed);
    if (!same_structure(drawn.arguments, made.inputs.arguments)) {
      const std::size_t kept = made.draws.size();
      made.notes.push_back("get_inputs() gives other shapes for other seeds; only " +
                           (kept == 1 ? std::string("its first draw is")
                                      : "its first " + std::to_string(kept) + " draws are") +
                           " used");
      break;
    }
    made.draws.push_back(take_draw(source, seed, made.inputs.layout, memory, noise));
  }
  for (const Draw& draw : made.draws)
    for (std::size_t i = 0; i < draw.ranges.size(); ++i) {
      const bool varies = made.recipes[i] || draw.ranges[i].varies;
      made.all_vary = made.all_vary && varies;
      made.any_varies = made.any_varies || varies;
    }
  if (!made.any_varies && !made.inputs.layout.tensors().empty())
    made.warnings.push_back(
        "inputs repeat: a kernel that remembers earlier results is not told "
        "from one that computes every call");
  if (source.random() && !made.explained && static_cast<int>(made.draws.size()) < kMinDraws)
    made.warnings.push_back("only " + std::to_string(made.draws.size()) +
                            " independent draws of the inputs could be made, so a kernel that "
                            "remembers earlier results is harder to tell");
  made.how = describe(source, made, noise);
  return made;
}

Contents::Contents(const Draws& draws, Memory& memory, NoiseMaker& noise, std::int64_t slots)
    : draws_(draws),
      memory_(memory),
      noise_(noise),
      staging_(memory.allocate(static_cast<std::size_t>(layout().slot_bytes() * slots),
                               Sharing::judge_only, "prepared inputs")) {}

void Contents::fill(std::int64_t slots, const std::function<void()>& between) {
  for (std::size_t tensor = 0; tensor < layout().tensors().size(); ++tensor)
    fill_tensor(tensor, slots, between);
  next_ += slots;
  filled_ = std::max(filled_, slots);
}

void Contents::copy_rows(const TensorRows& to, const TensorRows& from) {
  const auto width = static_cast<std::size_t>(to.elements * schemas::dtype_bytes(to.dtype));
  for (std::int64_t row = 0; row < to.rows; ++row) memory_.copy(to.row(row).data, from.data, width);
}

void Contents::fill_tensor(std::size_t tensor, std::int64_t slots,
                           const std::function<void()>& between) {
  const auto count = static_cast<std::int64_t>(draws_.draws.size());
  const TensorRows all = layout().rows(staging_->data(), tensor, slots);
  if (const auto& recipe = draws_.recipes[tensor]) {
    const std::int64_t rows =
        std::max<std::int64_t>(1, kElementsAtOnce / std::max<std::int64_t>(1, all.elements));
    for (std::int64_t first = 0; first < slots; first += rows) {
      TensorRows some = all.row(first);
      some.rows = std::min(rows, slots - first);
      noise_.draw(some, *recipe);
      between();
    }
  }
  // Slots that start from the same draw lie `count` slots apart and are filled together.
  for (std::int64_t first = 0; first < std::min(slots, count); ++first) {
    between();
    const Draw& draw = draws_.draws[static_cast<std::size_t>((next_ + first) % count)];
    const TensorRows from = layout().rows(draw.values->data(), tensor, 1);
    const NoiseRange& range = draw.ranges[tensor];
    if (!draws_.recipes[tensor]) {
      TensorRows to = all.row(first);
      to.rows = (slots - first + count - 1) / count;
      to.stride_bytes = all.stride_bytes * count;
      if (!range.varies) {
        copy_rows(to, from);
        continue;
      }
      noise_.vary(to, from, range);
    }
    if (next_ + first < count) copy_rows(all.row(first), from);
  }
}

}  // namespace assay::engine::judge
