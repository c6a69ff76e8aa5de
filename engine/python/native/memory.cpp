// SPDX-License-Identifier: Apache-2.0
#include "engine/python/native/memory.h"

#include <limits>
#include <string>
#include <utility>

namespace assay::engine::python {
namespace {

using schemas::Dtype;
using schemas::Error;
using schemas::ErrorCode;

dlpack::DataType dlpack_type(Dtype dtype) {
  const auto bits = static_cast<std::uint8_t>(schemas::dtype_bytes(dtype) * 8);
  switch (dtype) {
    case Dtype::float32:
    case Dtype::float64:
    case Dtype::float16: return {dlpack::kCodeFloat, bits, 1};
    case Dtype::bfloat16: return {dlpack::kCodeBfloat, bits, 1};
    case Dtype::int32:
    case Dtype::int64:
    case Dtype::int8: return {dlpack::kCodeInt, bits, 1};
    case Dtype::uint8: return {dlpack::kCodeUint, bits, 1};
    case Dtype::boolean: return {dlpack::kCodeBool, bits, 1};
  }
  return {dlpack::kCodeUint, bits, 1};
}

// Bytes from the first to behind the last element; nothing when the shape or the strides are
// absurd.
std::optional<std::int64_t> extent_bytes(const TensorPlace& place) {
  const auto count = schemas::element_count(place.shape);
  if (!count || place.shape.size() > schemas::kMaxTensorRank) return std::nullopt;
  if (*count == 0) return 0;
  std::int64_t last = 0;
  for (std::size_t i = 0; i < place.shape.size(); ++i) {
    std::int64_t reach = 0;
    if (place.strides[i] < 0 ||
        __builtin_mul_overflow(place.shape[i] - 1, place.strides[i], &reach) ||
        __builtin_add_overflow(last, reach, &last))
      return std::nullopt;
  }
  std::int64_t bytes = 0;
  if (__builtin_add_overflow(last, std::int64_t{1}, &last) ||
      __builtin_mul_overflow(last, schemas::dtype_bytes(place.dtype), &bytes))
    return std::nullopt;
  return bytes;
}

std::vector<std::int64_t> contiguous_strides(const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> strides(shape.size());
  std::int64_t step = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    strides[i] = step;
    step *= shape[i] > 0 ? shape[i] : 1;
  }
  return strides;
}

// What a tensor owns: its arena and the arrays that its header points to.
struct Holder {
  dlpack::ManagedTensor managed{};
  std::shared_ptr<Memory> memory;
  TensorPlace place;
};

}  // namespace

schemas::Result<std::shared_ptr<Memory>> Memory::map_shared(sandbox::UniqueFd fd,
                                                            std::size_t bytes) {
  auto shared =
      sandbox::SharedMemory::adopt(std::move(fd), bytes, std::numeric_limits<std::int64_t>::max());
  if (!shared) return std::move(shared).error();
  auto mapping = shared->map(sandbox::Access::read_write);
  if (!mapping) return std::move(mapping).error();
  std::shared_ptr<Memory> memory(new Memory);
  memory->mapping_ = std::move(mapping).value();
  memory->base_ = memory->mapping_.data();
  memory->bytes_ = bytes;
  return memory;
}

schemas::Result<std::shared_ptr<Memory>> Memory::import_cuda(sandbox::UniqueFd fd,
                                                             std::size_t bytes, int device) {
  auto driver = cuda::Driver::open();
  if (!driver) return std::move(driver).error();
  if (auto status = (*driver)->initialize(); !status) return std::move(status).error();
  auto handle = cuda::find_device(**driver, device, "");
  if (!handle) return std::move(handle).error();
  auto context = cuda::PrimaryContext::retain(*driver, *handle);
  if (!context) return std::move(context).error();
  auto mapped = cuda::MappedMemory::import_from(*driver, *handle, fd.get(), bytes);
  if (!mapped) return std::move(mapped).error();
  std::shared_ptr<Memory> memory(new Memory);
  memory->context_ = std::move(context).value();
  memory->device_memory_ = std::move(mapped).value();
  // A device address: never followed here. NOLINTNEXTLINE(performance-no-int-to-ptr)
  memory->base_ = reinterpret_cast<std::byte*>(memory->device_memory_->address());
  memory->bytes_ = bytes;
  memory->device_ = {dlpack::kDeviceCuda, device};
  return memory;
}

schemas::Result<dlpack::ManagedTensor*> Memory::tensor(std::shared_ptr<Memory> memory,
                                                       TensorPlace place) {
  if (place.strides.empty()) place.strides = contiguous_strides(place.shape);
  const auto size = static_cast<std::int64_t>(memory->bytes_);
  const auto extent =
      place.strides.size() == place.shape.size() ? extent_bytes(place) : std::nullopt;
  if (!extent || place.offset < 0 || place.offset > size || *extent > size - place.offset)
    return Error{ErrorCode::protocol_violation,
                 "a tensor of shape " + schemas::shape_text(place.shape) + " at byte " +
                     std::to_string(place.offset) + " does not fit into an arena of " +
                     std::to_string(size) + " bytes",
                 false,
                 {}};
  if (place.offset % schemas::dtype_bytes(place.dtype) != 0)
    return Error{
        ErrorCode::protocol_violation,
        "a tensor at byte " + std::to_string(place.offset) + " is not aligned to its element size",
        false,
        {}};
  auto holder = std::make_unique<Holder>();
  holder->place = std::move(place);
  dlpack::Tensor& header = holder->managed.tensor;
  header.data = memory->base_ + holder->place.offset;
  header.device = memory->device_;
  header.rank = static_cast<std::int32_t>(holder->place.shape.size());
  header.dtype = dlpack_type(holder->place.dtype);
  header.shape = holder->place.shape.data();
  header.strides = holder->place.strides.data();
  holder->memory = std::move(memory);
  holder->managed.manager = holder.get();
  holder->managed.deleter = [](dlpack::ManagedTensor* self) {
    delete static_cast<Holder*>(self->manager);
  };
  return &holder.release()->managed;
}

}  // namespace assay::engine::python
