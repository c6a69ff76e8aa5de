// SPDX-License-Identifier: Apache-2.0
// Evidence: what the checks of a job found, window by window.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/judge/arguments.h"
#include "engine/judge/compare.h"
#include "engine/judge/memory.h"
#include "schemas/evaluation.h"

namespace assay::engine::judge {

// One side's outputs of one window, in memory of the judge alone.
struct Outputs {
  const CallPlan* call = nullptr;
  const Arena* memory = nullptr;
  const std::vector<Poison>* poison = nullptr;

  TensorRows rows(std::size_t output, std::int64_t slots) const {
    return call->outputs.rows(memory->data(), output, slots);
  }
};

class Evidence {
 public:
  Evidence(TorchDevice device, std::optional<double> rtol, std::optional<double> atol);

  // One with the same tolerances and nothing seen.
  Evidence fresh() const { return {device_, rtol_, atol_}; }

  // States the tolerance of every output.
  void state_tolerances(const SlotLayout& outputs);

  // Each call of a window against the wanted outputs. True when all agree.
  bool compare_window(const Outputs& got, const Outputs& want, std::int64_t calls,
                      std::int64_t window);
  // Without a reference: every element was written. `again`: the same inputs with other poison,
  // needed where a poison may be a legal value. True when nothing was left out.
  bool written_window(const Outputs& got, const Outputs* again, std::int64_t calls,
                      std::int64_t window);

  // Whether two sets of outputs agree, without counting: for the reference's own repeatability.
  bool agree(const Outputs& got, const Outputs& want, std::int64_t calls) const;
  // Whether the outputs of `calls` calls, each with inputs of its own, agree with those of the
  // first: then they cannot tell a kernel that looks at its inputs from one that does not.
  bool all_alike(const Outputs& outputs, std::int64_t calls) const;

  schemas::Checks& checks() { return checks_; }
  const schemas::Checks& checks() const { return checks_; }
  // What is wrong, in a sentence; empty while nothing is.
  const std::string& fault() const { return fault_; }
  std::int64_t unwritten() const { return unwritten_; }

 private:
  bool rows_agree(const TensorRows& got, const TensorRows& want, const Poison& poison) const;
  void note_worst(const WorstFound& found, const TensorPlace& place, std::size_t output,
                  std::int64_t window);
  void note_fault(const TensorPlace& place, const Comparison& comparison, const Poison& poison,
                  std::int64_t calls);

  TorchDevice device_;
  std::optional<double> rtol_, atol_;
  schemas::Checks checks_;
  std::string fault_;
  std::int64_t unwritten_ = 0;
  double worst_score_ = -1;
};

// "[1, 2]" style index of a flat position.
std::vector<std::int64_t> index_of(std::int64_t element, const std::vector<std::int64_t>& shape);
std::string number_text(double number);
// "out[3]: got 1, want 2, error 1, allowed 0".
std::string worst_text(const schemas::WorstElement& worst);

}  // namespace assay::engine::judge
