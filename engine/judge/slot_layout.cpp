// SPDX-License-Identifier: Apache-2.0
#include "engine/judge/slot_layout.h"

#include <limits>
#include <utility>

#include "engine/judge/failure.h"

namespace assay::engine::judge {
namespace {

// Far above any device's memory, far below overflow of sums of many.
constexpr std::int64_t kMaxBytes = std::int64_t{1} << 50;

}  // namespace

std::string tensor_text(const std::string& name, schemas::Dtype dtype,
                        const std::vector<std::int64_t>& shape) {
  return "\"" + name + "\" " + schemas::dtype_name(dtype) + schemas::shape_text(shape);
}

std::size_t SlotLayout::add(std::string name, schemas::Dtype dtype,
                            std::vector<std::int64_t> shape) {
  const auto elements = schemas::element_count(shape);
  const std::int64_t size = schemas::dtype_bytes(dtype);
  if (!elements || *elements > kMaxBytes / size || slot_bytes_ > kMaxBytes)
    throw Failure(Cause::memory,
                  "the tensor " + tensor_text(name, dtype, shape) + " is larger than any memory");
  TensorPlace place;
  place.name = std::move(name);
  place.dtype = dtype;
  place.shape = std::move(shape);
  place.elements = *elements;
  place.bytes = *elements * size;
  place.offset = slot_bytes_;
  slot_bytes_ += (place.bytes + kSlotAlignment - 1) / kSlotAlignment * kSlotAlignment;
  data_bytes_ += place.bytes;
  tensors_.push_back(std::move(place));
  return tensors_.size() - 1;
}

TensorRows SlotLayout::rows(std::byte* memory, std::size_t tensor, std::int64_t slots) const {
  const TensorPlace& place = tensors_[tensor];
  return {memory + place.offset, place.dtype, place.elements, slots, slot_bytes()};
}

schemas::Binding SlotLayout::binding(std::size_t tensor, schemas::ArgRole role,
                                     bool in_output_arena) const {
  const TensorPlace& place = tensors_[tensor];
  schemas::Binding binding;
  binding.kind = schemas::Value::Kind::tensor;
  binding.tensor = {role, place.dtype, place.shape, in_output_arena, place.offset, slot_bytes()};
  return binding;
}

}  // namespace assay::engine::judge
