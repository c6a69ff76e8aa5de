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

Drawing::Drawing(std::unique_ptr<DrawSource> source, Memory& memory, const NoiseMaker& noise,
                 DrawLimits limits)
    : source_(std::move(source)), memory_(memory), noise_(noise), limits_(limits) {
  const auto begin = sandbox::Clock::now();
  const std::uint64_t seed = random_seed();
  made_.inputs = source_->next(seed);
  made_.explained = source_->random();
  for (std::size_t i = 0; i < made_.inputs.layout.tensors().size(); ++i) {
    made_.recipes.push_back(source_->recipe(i));
    made_.explained = made_.explained && (made_.recipes[i] || !source_->may_vary(i));
  }
  most_ = !source_->random() ? 1 : made_.explained ? kExplainedDraws : kMaxDraws;
  made_.draws.push_back(take_draw(*source_, seed, made_.inputs.layout, memory, noise));
  first_ = sandbox::Clock::now() - begin;

  const auto slot_bytes = static_cast<std::size_t>(made_.inputs.layout.slot_bytes());
  for (std::size_t made = 1; another_fits(made, made * first_) && made * slot_bytes <= kBegunBytes;
       ++made)
    begun_.push_back(random_seed());
  if (!source_->begin(begun_)) begun_.clear();
}

bool Drawing::another_fits(std::size_t made, std::chrono::nanoseconds spent) const {
  const auto slot_bytes = static_cast<std::size_t>(made_.inputs.layout.slot_bytes());
  const std::chrono::duration<double, std::nano> time =
      made >= kMinDraws ? kDrawTime : limits_.time * kDrawShare;
  return made < most_ && spent + first_ <= time && (made + 1) * slot_bytes <= limits_.bytes;
}

void Drawing::take_others() {
  std::chrono::nanoseconds spent = first_;
  for (std::size_t made = 1; another_fits(made, spent); ++made) {
    const auto begin = sandbox::Clock::now();
    const std::uint64_t seed = made <= begun_.size() ? begun_[made - 1] : random_seed();
    const InputSet drawn = source_->next(seed);
    if (!same_structure(drawn.arguments, made_.inputs.arguments)) {
      made_.notes.push_back("get_inputs() gives other shapes for other seeds; only " +
                            (made == 1 ? std::string("its first draw is")
                                       : "its first " + std::to_string(made) + " draws are") +
                            " used");
      return;
    }
    made_.draws.push_back(take_draw(*source_, seed, made_.inputs.layout, memory_, noise_));
    spent += sandbox::Clock::now() - begin;
  }
}

Draws Drawing::finish() {
  take_others();
  for (const Draw& draw : made_.draws)
    for (std::size_t i = 0; i < draw.ranges.size(); ++i) {
      const bool varies = made_.recipes[i] || draw.ranges[i].varies;
      made_.all_vary = made_.all_vary && varies;
      made_.any_varies = made_.any_varies || varies;
    }
  if (!made_.any_varies && !made_.inputs.layout.tensors().empty())
    made_.warnings.push_back(
        "inputs repeat: a kernel that remembers earlier results is not told "
        "from one that computes every call");
  if (source_->random() && !made_.explained && made_.draws.size() < kMinDraws)
    made_.warnings.push_back("only " + std::to_string(made_.draws.size()) +
                             " independent draws of the inputs could be made, so a kernel that "
                             "remembers earlier results is harder to tell");
  made_.how = describe(*source_, made_, noise_);
  return std::move(made_);
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
