// SPDX-License-Identifier: Apache-2.0
#include "schemas/kernel.h"

namespace assay::schemas {
namespace {

const std::vector<std::string> kKernelTypeNames = {"torch", "torch_cuda", "triton", "cuda",
                                                   "multi_kernel"};
const std::vector<std::string> kBackendNames = {"nvrtc", "nvcc"};
constexpr std::size_t kMaxIdentifierBytes = 1024;
constexpr std::size_t kMaxCompilerOptions = 64;

}  // namespace

const std::vector<std::string>& kernel_type_names() {
  return kKernelTypeNames;
}
const std::string& kernel_type_name(KernelType type) {
  return kKernelTypeNames[static_cast<std::size_t>(type)];
}

KernelMetadata read_metadata(const Json& json, const std::string& path, Diagnostics& diagnostics) {
  ObjectReader reader(json, path, diagnostics);
  KernelMetadata metadata;
  metadata.function_name = reader.optional_string("function_name", kMaxIdentifierBytes);
  metadata.class_name = reader.optional_string("class_name", kMaxIdentifierBytes);
  metadata.method_name = reader.optional_string("method_name", kMaxIdentifierBytes);
  metadata.kernel_name = reader.optional_string("kernel_name", kMaxIdentifierBytes);
  metadata.entry_point = reader.optional_string("entry_point", kMaxIdentifierBytes);
  reader.each("compiler_options", kMaxCompilerOptions, false,
              [&](const Json& option, const std::string& at) {
                if (const auto* text = option.get_ptr<const std::string*>();
                    text != nullptr && text->size() <= kMaxIdentifierBytes)
                  metadata.compiler_options.push_back(*text);
                else
                  diagnostics.errors.push_back(
                      {at, "must be a string of at most 1024 bytes, got " + shown_value(option)});
              });
  if (const auto backend = reader.optional_word("backend", kBackendNames))
    metadata.backend = static_cast<CudaBackend>(*backend);
  metadata.jitify = reader.bool_or("jitify", false);
  reader.finish();
  return metadata;
}

void check_kernel(const Kernel& kernel, const std::string& io_path,
                  const std::string& metadata_path, Diagnostics& diagnostics) {
  const std::string& type = kernel_type_name(kernel.type);
  const bool needs_contract = kernel.type == KernelType::cuda ||
                              kernel.type == KernelType::triton ||
                              kernel.type == KernelType::multi_kernel;
  // A class is called with the reference's inputs and returns its outputs, like torch's.
  const bool launches_itself =
      kernel.type == KernelType::triton && kernel.metadata.class_name.has_value();
  if (needs_contract && !kernel.io && !launches_itself)
    diagnostics.errors.push_back(
        {io_path, "IOContract is required for " + type + " kernels" +
                      (kernel.type == KernelType::triton
                           ? ", unless metadata.class_name names a class that launches them"
                           : "")});
  if (kernel.type == KernelType::multi_kernel && !kernel.metadata.entry_point)
    diagnostics.errors.push_back({metadata_path, "entry_point must be specified in metadata"});
  if (kernel.io && kernel.type == KernelType::cuda &&
      (!kernel.io->launch || !kernel.io->launch->grid || !kernel.io->launch->block))
    diagnostics.errors.push_back({io_path + ".launch",
                                  "grid and block are required for cuda kernels, e.g. "
                                  "{\"grid\": {\"x\": 4}, \"block\": {\"x\": 256}}"});
  if (kernel.io && needs_contract) {
    bool writes = false;
    for (const auto& arg : kernel.io->args) writes = writes || arg.role != ArgRole::input;
    if (!writes && kernel.type != KernelType::multi_kernel)
      diagnostics.errors.push_back(
          {io_path + ".args",
           "no argument has role \"output\" or \"inout\", so there is nothing to check"});
    for (std::size_t i = 0; i < kernel.io->args.size(); ++i)
      if (kernel.type == KernelType::cuda && kernel.io->args[i].type == ArgType::string)
        diagnostics.errors.push_back({io_path + ".args[" + std::to_string(i) + "].type",
                                      "a cuda kernel cannot take a \"str\""});
  }
}

std::string without_byte_order_mark(std::string source) {
  if (source.starts_with("\xEF\xBB\xBF")) source.erase(0, 3);
  return source;
}

Kernel read_kernel(const Json& json, const std::string& path, Diagnostics& diagnostics) {
  ObjectReader reader(json, path, diagnostics);
  Kernel kernel;
  const std::size_t errors_before = diagnostics.errors.size();
  kernel.source_code =
      without_byte_order_mark(reader.required_string("source_code", kMaxSourceBytes));
  if (reader.has("source_code") && diagnostics.errors.size() == errors_before &&
      kernel.source_code.find_first_not_of(" \t\r\n") == std::string::npos)
    reader.error("source_code", "is empty; send the kernel's source code");
  if (const auto type = reader.required_word("kernel_type", kKernelTypeNames))
    kernel.type = static_cast<KernelType>(*type);
  if (const Json* io = reader.raw("io"))
    kernel.io = read_io_contract(*io, reader.path_of("io"), diagnostics);
  if (const Json* metadata = reader.raw("metadata"))
    kernel.metadata = read_metadata(*metadata, reader.path_of("metadata"), diagnostics);
  reader.finish();
  check_kernel(kernel, reader.path_of("io"), reader.path_of("metadata"), diagnostics);
  return kernel;
}

Json to_json(const Kernel& kernel) {
  Json json = {{"source_code", kernel.source_code}, {"kernel_type", kernel_type_name(kernel.type)}};
  if (kernel.io) json["io"] = to_json(*kernel.io);
  Json metadata = Json::object();
  const auto add = [&metadata](const char* key, const std::optional<std::string>& value) {
    if (value) metadata[key] = *value;
  };
  add("function_name", kernel.metadata.function_name);
  add("class_name", kernel.metadata.class_name);
  add("method_name", kernel.metadata.method_name);
  add("kernel_name", kernel.metadata.kernel_name);
  add("entry_point", kernel.metadata.entry_point);
  if (!kernel.metadata.compiler_options.empty())
    metadata["compiler_options"] = kernel.metadata.compiler_options;
  if (kernel.metadata.backend != CudaBackend::nvrtc)
    metadata["backend"] = kBackendNames[static_cast<std::size_t>(kernel.metadata.backend)];
  if (kernel.metadata.jitify) metadata["jitify"] = true;
  if (!metadata.empty()) json["metadata"] = std::move(metadata);
  return json;
}

}  // namespace assay::schemas
