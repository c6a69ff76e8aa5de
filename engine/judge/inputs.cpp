// SPDX-License-Identifier: Apache-2.0
#include "engine/judge/inputs.h"

#include <cstring>
#include <stdexcept>
#include <utility>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <c10/util/Exception.h>

#include "engine/judge/failure.h"
#include "engine/judge/tensor_view.h"

namespace assay::engine::judge {
namespace {

// Inclusive bounds of the integers that "randn" draws for a dtype.
std::pair<std::int64_t, std::int64_t> whole_range(schemas::Dtype dtype) {
  switch (dtype) {
    case schemas::Dtype::int8: return {-128, 127};
    case schemas::Dtype::uint8: return {0, 255};
    case schemas::Dtype::int32: return {-2147483648LL, 2147483647LL};
    case schemas::Dtype::int64: return {-1'000'000, 1'000'000};
    default: return {0, 1};
  }
}

// values * factor + offset as Python's operators compute it. Numbers go in as "wrapped" 0-d
// tensors: ATen's overload for a Scalar rounds it to the tensor's dtype first, Python's operators
// do not.
at::Tensor scaled(const at::Tensor& values, double factor, double offset) {
  const auto number = [](double value) {
    at::Tensor wrapped = at::full({}, value, c10::TensorOptions().dtype(c10::kDouble));
    wrapped.unsafeGetTensorImpl()->set_wrapped_number(true);
    return wrapped;
  };
  return values.mul(number(factor)).add(number(offset));
}

at::Tensor draw_integers(std::int64_t low, std::int64_t high, at::IntArrayRef shape,
                         const at::Generator& generator, const c10::TensorOptions& options) {
  return at::randint(low, high + 1, shape, generator, options);
}

at::Tensor draw_randn(const schemas::Init& init, schemas::Dtype dtype, at::IntArrayRef shape,
                      const at::Generator& generator, const c10::TensorOptions& options) {
  if (schemas::is_floating(dtype))
    return scaled(at::randn(shape, generator, options), init.std, init.mean);
  const auto [low, high] = integer_range(init, dtype);
  return draw_integers(low, high, shape, generator, options);
}

at::Tensor draw_uniform(const schemas::Init& init, schemas::Dtype dtype, at::IntArrayRef shape,
                        const at::Generator& generator, const c10::TensorOptions& options) {
  if (schemas::is_floating(dtype))
    return scaled(at::rand(shape, generator, options), init.high - init.low, init.low);
  const auto [low, high] = integer_range(init, dtype);
  return draw_integers(low, high, shape, generator, options);
}

at::Tensor make_arange(const schemas::Init& init, at::IntArrayRef shape,
                       const c10::TensorOptions& options) {
  const std::int64_t length = shape.empty() ? 1 : shape.back();
  const at::Tensor line =
      at::arange(init.start, init.start + init.step * static_cast<double>(length), init.step,
                 options)
          .slice(0, 0, length);
  TORCH_CHECK(line.numel() == length, "arange of ", length, " elements from ", init.start,
              " in steps of ", init.step, " gives ", line.numel(), " of this dtype");
  return shape.empty() ? line.reshape({}) : line.expand(shape);
}

at::Tensor make(const schemas::Init& init, schemas::Dtype dtype, at::IntArrayRef shape,
                std::uint64_t seed) {
  const auto options = c10::TensorOptions().dtype(scalar_type(dtype));
  at::Generator generator = at::detail::createCPUGenerator();
  generator.set_current_seed(seed);
  switch (init.kind) {
    case schemas::InitKind::randn: return draw_randn(init, dtype, shape, generator, options);
    case schemas::InitKind::uniform: return draw_uniform(init, dtype, shape, generator, options);
    case schemas::InitKind::zeros: return at::full(shape, 0, options);
    case schemas::InitKind::ones: return at::full(shape, 1, options);
    case schemas::InitKind::full:
      return at::full(shape, init.fill_whole ? at::Scalar(*init.fill_whole) : init.fill_value,
                      options);
    case schemas::InitKind::arange: return make_arange(init, shape, options);
  }
  return {};
}

}  // namespace

std::pair<std::int64_t, std::int64_t> integer_range(const schemas::Init& init,
                                                    schemas::Dtype dtype) {
  if (init.kind == schemas::InitKind::randn) return whole_range(dtype);
  if (dtype == schemas::Dtype::boolean) return {0, 1};
  return {static_cast<std::int64_t>(init.low), static_cast<std::int64_t>(init.high)};
}

bool is_random(const schemas::Init& init) {
  return init.kind == schemas::InitKind::randn || init.kind == schemas::InitKind::uniform;
}

void draw_values(const schemas::Init& init, schemas::Dtype dtype,
                 const std::vector<std::int64_t>& shape, std::uint64_t seed,
                 std::span<std::byte> bytes) {
  c10::InferenceMode guard;
  try {
    const at::Tensor values = make(init, dtype, shape, seed).contiguous();
    if (values.nbytes() != bytes.size())
      throw Failure(Cause::internal, "a drawn tensor has an unexpected size");
    if (!bytes.empty()) std::memcpy(bytes.data(), values.const_data_ptr(), bytes.size());
  } catch (const c10::Error& error) {
    throw Failure(Cause::unusable, std::string("torch cannot make the contract's values: ") +
                                       error.what_without_backtrace());
  } catch (const std::runtime_error& error) {  // a value that the dtype does not hold
    throw Failure(Cause::unusable,
                  std::string("torch cannot make the contract's values: ") + error.what());
  }
}

}  // namespace assay::engine::judge
