// SPDX-License-Identifier: Apache-2.0
#include "engine/memory_check.h"

#include <algorithm>
#include <limits>

#include "schemas/extra_shapes.h"

namespace assay::engine {

namespace {

std::int64_t tensor_bytes(const schemas::ArgSpec& argument) {
  if (!argument.tensor) {
    return 0;
  }
  const auto elements = schemas::element_count(argument.tensor->shape);
  const std::int64_t size = schemas::dtype_bytes(argument.tensor->dtype);
  if (!elements || *elements > std::numeric_limits<std::int64_t>::max() / size) {
    return std::numeric_limits<std::int64_t>::max();
  }
  return *elements * size;
}

std::string bytes_text(std::int64_t bytes) {
  return bytes == std::numeric_limits<std::int64_t>::max() ? "more than 2^63"
                                                           : std::to_string(bytes);
}

}  // namespace

schemas::Status check_memory(const schemas::WorkRequest& work,
                             const std::vector<schemas::DeviceInfo>& devices) {
  const auto largest =
      std::max_element(devices.begin(), devices.end(), [](const auto& left, const auto& right) {
        return left.memory_total_bytes < right.memory_total_bytes;
      });
  if (largest == devices.end() || largest->memory_total_bytes <= 0) {
    return schemas::success();
  }
  for (std::size_t i = 0; i < work.extra_shapes.size(); ++i) {
    if (auto status = check_memory(schemas::with_extra_shape(work, i), devices); !status) {
      schemas::Error error = status.error();
      const std::string path = "extra_shapes[" + std::to_string(i) + "]";
      for (schemas::FieldError& field : error.fields) {
        field.path = path;
        error.message = path + ": " + field.message;
      }
      return error;
    }
  }
  const auto check = [&](const schemas::Kernel& kernel,
                         const std::string& field) -> schemas::Status {
    if (!kernel.io) {
      return schemas::success();
    }
    const std::int64_t bytes = schemas::contract_bytes(*kernel.io);
    if (bytes <= largest->memory_total_bytes) {
      return schemas::success();
    }
    const auto& arguments = kernel.io->args;
    const auto worst = std::max_element(arguments.begin(), arguments.end(),
                                        [](const auto& left, const auto& right) {
                                          return tensor_bytes(left) < tensor_bytes(right);
                                        });
    const std::string path =
        field + ".args[" + std::to_string(worst - arguments.begin()) + "].tensor_spec.shape";
    const std::string message = "the contract's tensors need " + bytes_text(bytes) +
                                " bytes, the largest device (" + largest->name + ") has " +
                                std::to_string(largest->memory_total_bytes);
    return schemas::Error{
        schemas::ErrorCode::malformed_call, path + ": " + message, false, {{path, message}}};
  };
  if (work.reference) {
    if (auto status = check(*work.reference, work.reference_io_path); !status) {
      return status;
    }
  }
  return check(work.candidate, work.candidate_io_path);
}

}  // namespace assay::engine
