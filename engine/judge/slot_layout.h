// SPDX-License-Identifier: Apache-2.0
// Where the tensors of one call lie within a slot. Slots follow each other at `slot_bytes`, so that
// tensor t of slot s is at s * slot_bytes + offset(t); every tensor of every slot has an address of
// its own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/judge/tensor_rows.h"
#include "schemas/io_contract.h"
#include "schemas/worker_message.h"

namespace assay::engine::judge {

// No two tensors share a cache line or a CUDA access of any width; also a multiple of every element
// size.
inline constexpr std::int64_t kSlotAlignment = 512;

struct TensorPlace {
  std::string name;
  schemas::Dtype dtype = schemas::Dtype::float32;
  std::vector<std::int64_t> shape;
  std::int64_t elements = 0, bytes = 0;
  std::int64_t offset = 0;  // within a slot
};

class SlotLayout {
 public:
  // Returns the tensor's position. Failure: memory, when sizes overflow.
  std::size_t add(std::string name, schemas::Dtype dtype, std::vector<std::int64_t> shape);

  const std::vector<TensorPlace>& tensors() const { return tensors_; }
  std::int64_t slot_bytes() const { return slot_bytes_ > 0 ? slot_bytes_ : kSlotAlignment; }
  std::int64_t data_bytes() const { return data_bytes_; }  // without padding

  // One tensor of the first `slots` slots of memory laid out like this.
  TensorRows rows(std::byte* memory, std::size_t tensor, std::int64_t slots) const;
  schemas::Binding binding(std::size_t tensor, schemas::ArgRole role, bool in_output_arena) const;

 private:
  std::vector<TensorPlace> tensors_;
  std::int64_t slot_bytes_ = 0, data_bytes_ = 0;
};

std::string tensor_text(const std::string& name, schemas::Dtype dtype,
                        const std::vector<std::int64_t>& shape);

}  // namespace assay::engine::judge
