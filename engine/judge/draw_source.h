// SPDX-License-Identifier: Apache-2.0
// Where a job's inputs come from: the contract of the kernel that owns them, or its get_inputs in
// the input runner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/judge/arguments.h"
#include "engine/judge/runner_client.h"

namespace assay::engine::judge {

class DrawSource {
 public:
  virtual ~DrawSource() = default;
  // Has the next draws made while the caller does other things, where somebody else makes them
  // (false: nobody does); next() then takes them one by one, with the same seeds. Those not taken
  // are lost.
  virtual bool begin(std::span<const std::uint64_t> seeds) = 0;
  // Makes the next draw and returns its arguments. The first one has the contract's own seeds where
  // it gives some.
  virtual InputSet next(std::uint64_t seed) = 0;
  // Copies one tensor of the last draw, by its position in the layout. REQUIRES: into has exactly
  // its bytes.
  virtual void read(std::size_t tensor, std::span<std::byte> into) = 0;
  // Whether a tensor of the last draw may be given noise (the noise maker looks at its values
  // besides).
  virtual bool may_vary(std::size_t tensor) const = 0;
  // How values of a tensor are drawn, where that is known and random: then every call can have its
  // own.
  virtual std::optional<schemas::Init> recipe(std::size_t tensor) const = 0;
  // Whether another seed can give other values.
  virtual bool random() const = 0;
  // "the contract's init", with how seeds are used.
  virtual std::string origin() const = 0;
};

// Failure: memory, before anything is drawn, when one set of inputs takes more than `max_bytes`.
std::unique_ptr<DrawSource> draw_from_contract(const schemas::IoContract& contract,
                                               std::size_t max_bytes);
// `runner` must outlive the source and have loaded the owner's source.
std::unique_ptr<DrawSource> draw_from_runner(RunnerClient& runner, std::size_t max_bytes);

}  // namespace assay::engine::judge
