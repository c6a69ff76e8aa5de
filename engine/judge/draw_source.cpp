// SPDX-License-Identifier: Apache-2.0
#include "engine/judge/draw_source.h"

#include <cstring>
#include <utility>

#include "engine/judge/inputs.h"
#include "engine/judge/memory.h"
#include "schemas/tensor_bytes.h"

namespace assay::engine::judge {
namespace {

constexpr std::uint64_t kSeedMask = ~std::uint64_t{0} >> 1;

class ContractSource final : public DrawSource {
 public:
  ContractSource(const schemas::IoContract& contract, std::size_t max_bytes)
      : set_(input_set_of(contract)) {
    if (static_cast<std::uint64_t>(set_.layout.slot_bytes()) > max_bytes)
      throw Failure(Cause::memory,
                    "the contract's inputs take " +
                        bytes_text(static_cast<std::size_t>(set_.layout.slot_bytes())) +
                        " per call, more than the " + bytes_text(max_bytes) +
                        " that one job may use for them");
    for (const schemas::ArgSpec& argument : contract.args)
      if (argument.type == schemas::ArgType::tensor && argument.role != schemas::ArgRole::output)
        specs_.push_back(argument.tensor.value_or(schemas::TensorSpec{}));
  }

  bool begin(std::span<const std::uint64_t>) override { return false; }
  InputSet next(std::uint64_t seed) override {
    seed_ = seed;
    ++draws_;
    return set_;
  }

  void read(std::size_t tensor, std::span<std::byte> into) override {
    const schemas::TensorSpec& spec = specs_[tensor];
    if (spec.data) {
      auto bytes = schemas::decode_tensor_data(*spec.data);
      if (!bytes) throw Failure(Cause::unusable, name(tensor) + ": " + bytes.error().message);
      if (bytes->size() != into.size())
        throw Failure(Cause::unusable,
                      name(tensor) + ": data and tensor_spec differ in shape or dtype");
      if (!into.empty()) std::memcpy(into.data(), bytes->data(), into.size());
      return;
    }
    const schemas::Init init = spec.init.value_or(schemas::Init{});
    const std::uint64_t own = (seed_ + tensor) & kSeedMask;
    draw_values(init, spec.dtype, spec.shape, draws_ == 1 && init.seed ? *init.seed : own, into);
  }

  bool may_vary(std::size_t tensor) const override {
    return !specs_[tensor].data && is_random(specs_[tensor].init.value_or(schemas::Init{}));
  }
  std::optional<schemas::Init> recipe(std::size_t tensor) const override {
    if (!may_vary(tensor)) return std::nullopt;
    return specs_[tensor].init.value_or(schemas::Init{});
  }
  bool random() const override {
    for (std::size_t i = 0; i < specs_.size(); ++i)
      if (may_vary(i)) return true;
    return false;
  }
  std::string origin() const override {
    return "drawn from the contract by torch's CPU generator (tensor i of a draw has that draw's "
           "seed + i; seeds in the "
           "contract give the first draw)";
  }

 private:
  std::string name(std::size_t tensor) const {
    return "input \"" + set_.layout.tensors()[tensor].name + "\"";
  }

  InputSet set_;
  std::vector<schemas::TensorSpec> specs_;
  std::uint64_t seed_ = 0;
  int draws_ = 0;
};

class RunnerSource final : public DrawSource {
 public:
  RunnerSource(RunnerClient& runner, std::size_t max_bytes)
      : runner_(runner), max_bytes_(max_bytes) {}

  bool begin(std::span<const std::uint64_t> seeds) override {
    for (const std::uint64_t seed : seeds) runner_.ask_draw(seed);
    begun_ += seeds.size();
    return true;
  }

  InputSet next(std::uint64_t seed) override {
    if (begun_ == 0) begin({&seed, 1});
    --begun_;
    last_ = runner_.read_draw(max_bytes_);
    offsets_.clear();
    std::size_t count = 0;
    for (const schemas::Value& value : last_.values) {
      note_offsets(value);
      count += leaves_of(value);
    }
    // More could neither be bound nor be told as a contract for reuse.
    if (count > schemas::kMaxArguments)
      throw Failure(Cause::unusable, "get_inputs() returned " + std::to_string(count) +
                                         " values; at most " +
                                         std::to_string(schemas::kMaxArguments) + " are allowed");
    return input_set_of(last_.values);
  }

  void read(std::size_t tensor, std::span<std::byte> into) override {
    if (into.empty()) return;
    value_or_fail(
        last_.buffer.read(static_cast<std::size_t>(offsets_[tensor]), into.data(), into.size()));
  }
  bool may_vary(std::size_t) const override { return true; }
  std::optional<schemas::Init> recipe(std::size_t) const override { return std::nullopt; }
  bool random() const override { return true; }
  std::string origin() const override {
    return "drawn by get_inputs() in a process of its own, seeded by the judge";
  }

 private:
  static std::size_t leaves_of(const schemas::Value& value) {
    if (value.items.empty()) return 1;
    std::size_t count = 0;
    for (const schemas::Value& item : value.items) count += leaves_of(item);
    return count;
  }

  void note_offsets(const schemas::Value& value) {
    if (value.kind == schemas::Value::Kind::tensor) offsets_.push_back(value.tensor.offset);
    for (const schemas::Value& item : value.items) note_offsets(item);
  }

  RunnerClient& runner_;
  std::size_t max_bytes_, begun_ = 0;
  Transfer last_;
  std::vector<std::int64_t> offsets_;
};

}  // namespace

std::unique_ptr<DrawSource> draw_from_contract(const schemas::IoContract& contract,
                                               std::size_t max_bytes) {
  return std::make_unique<ContractSource>(contract, max_bytes);
}

std::unique_ptr<DrawSource> draw_from_runner(RunnerClient& runner, std::size_t max_bytes) {
  return std::make_unique<RunnerSource>(runner, max_bytes);
}

}  // namespace assay::engine::judge
