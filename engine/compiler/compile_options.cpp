// SPDX-License-Identifier: Apache-2.0
#include "engine/compiler/compile_options.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "engine/compiler/option_lists.h"

namespace assay::engine {

using schemas::CudaBackend;
using schemas::Error;
using schemas::ErrorCode;
using schemas::Status;

namespace {

constexpr std::size_t kMaxOptions = 64;
constexpr std::size_t kMaxOptionBytes = 4096;

Error refusal(const std::string& option, const std::string& reason) {
  const std::string message = "compiler option '" + option + "': " + reason;
  return {ErrorCode::malformed_call, message, false, {{"metadata.compiler_options", message}}};
}

bool has_control_characters(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char character) { return static_cast<unsigned char>(character) < ' '; });
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

// What stands behind "key=" in "arch=compute_90,code=sm_90".
std::string part_named(const std::string& text, const std::string& key) {
  for (const std::string& part : split(text)) {
    if (part.starts_with(key + "=")) {
      return part.substr(key.size() + 1);
    }
  }
  return {};
}

// Walks the list; "-D X" and "--std c++17" take their value from the next word.
class Reader {
 public:
  Reader(const std::vector<std::string>& options, const std::string& architecture,
         CudaBackend backend)
      : options_(options), device_(plain(architecture)), backend_(backend) {
    result_.architecture = architecture;
  }

  schemas::Result<CompileOptions> read() {
    if (options_.size() > kMaxOptions) {
      return refusal(options_[kMaxOptions],
                     "more than " + std::to_string(kMaxOptions) + " options");
    }
    for (at_ = 0; at_ < options_.size(); ++at_) {
      if (Status status = read_one(options_[at_]); !status) {
        return status.error();
      }
    }
    return std::move(result_);
  }

 private:
  Status read_one(const std::string& option) {
    if (option.size() > kMaxOptionBytes) {
      return refusal(option.substr(0, 80), "too long");
    }
    if (has_control_characters(option)) {
      return refusal(option.substr(0, 80), "control characters are not allowed");
    }
    const std::size_t dashes = option.starts_with("--") ? 2 : option.starts_with("-") ? 1 : 0;
    const std::string rest = option.substr(dashes);
    if (dashes == 0 || rest.empty()) {
      return refusal(option, "is no option; allowed: " + allowed_option_list());
    }
    if (dashes == 1 && (rest[0] == 'D' || rest[0] == 'U')) {
      return macro(option, rest[0] == 'D',
                   rest.size() > 1 ? std::optional(rest.substr(1)) : std::nullopt);
    }
    const std::size_t equals = rest.find('=');
    const std::string name = rest.substr(0, equals);
    const auto value =
        equals == std::string::npos ? std::nullopt : std::optional(rest.substr(equals + 1));
    if (name == "define-macro" || name == "undefine-macro") {
      return macro(option, name == "define-macro", value);
    }
    if (name == "gpu-architecture" || name == "arch" || name == "gpu-code" || name == "code") {
      return architecture(option, value);
    }
    if (name == "generate-code" || name == "gencode") {
      return generate_code(option, value);
    }
    if (name == "ptxas-options" || name == "Xptxas") {
      return ptxas(option, value);
    }
    if (const AllowedOption* allowed = find_allowed_option(name)) {
      return listed(option, *allowed, value);
    }
    if (const IdleOption* idle = find_idle_option(name)) {
      leave_out(option + (idle->takes_value && !value ? " " + next().value_or("") : ""),
                std::string(idle->reason));
      return schemas::success();
    }
    if (const RefusedOption* refused = find_refused_option(name, dashes == 1)) {
      return refusal(option, "not allowed: " + std::string(refused->reason));
    }
    return refusal(option, "not allowed: it is not on the list: " + allowed_option_list());
  }

  std::optional<std::string> next() {
    return at_ + 1 < options_.size() ? std::optional(options_[++at_]) : std::nullopt;
  }

  void leave_out(const std::string& option, const std::string& reason) {
    result_.notes.push_back("option " + option + " left out: " + reason);
  }

  Status macro(const std::string& option, bool define, std::optional<std::string> value) {
    value = value ? value : next();
    if (!value || value->empty() || value->front() == '=' || has_control_characters(*value)) {
      return refusal(option, "takes a macro");
    }
    if (backend_ == CudaBackend::nvrtc) {
      result_.forwarded.push_back((define ? "--define-macro=" : "--undefine-macro=") + *value);
      return schemas::success();
    }
    const std::size_t equals = value->find('=');
    const std::string name = value->substr(0, equals);
    const std::string text = equals == std::string::npos ? "1" : value->substr(equals + 1);
    result_.macro_lines.push_back(define ? "#define " + name + " " + text : "#undef " + name);
    return schemas::success();
  }

  // "sm_90" of "sm_90a".
  static std::string plain(std::string architecture) {
    if (architecture.ends_with('a') || architecture.ends_with('f')) {
      architecture.pop_back();
    }
    return architecture;
  }

  // The device's architecture in one of its forms, or nothing.
  std::optional<std::string> own(std::string asked) const {
    if (asked.starts_with("compute_")) {
      asked.replace(0, 8, "sm_");
    }
    return plain(asked) == device_ ? std::optional(asked) : std::nullopt;
  }

  Status architecture(const std::string& option, std::optional<std::string> value) {
    value = value ? value : next();
    const std::string asked = value.value_or("");
    if (asked == "native" || asked == "all" || asked == "all-major") {
      leave_out(option, "compiled for the device, " + device_);
      return schemas::success();
    }
    const auto mine = own(asked);
    if (!mine) {
      return refusal(option, "the device is " + device_ + ", other code does not run on it");
    }
    result_.architecture = *mine;
    return schemas::success();
  }

  Status generate_code(const std::string& option, std::optional<std::string> value) {
    value = value ? value : next();
    const std::string asked = part_named(value.value_or(""), "arch");
    if (asked.empty()) {
      return refusal(option, "takes arch=compute_…,code=sm_…");
    }
    if (const auto mine = own(asked)) {
      result_.architecture = *mine;
    } else {
      leave_out(option + (option.find('=') == std::string::npos ? " " + *value : ""),
                "the device is " + device_ + ", other code does not run on it");
    }
    return schemas::success();
  }

  Status ptxas(const std::string& option, std::optional<std::string> value) {
    value = value ? value : next();
    for (const std::string& one : split(value.value_or(""))) {
      if (!ptxas_option_fits(one)) {
        return refusal(
            option + (value && option.find('=') == std::string::npos ? " " + *value : ""),
            "not allowed: only -v, -O0 to -O3, -dlcm=…, -dscm=…, --maxrregcount=…, "
            "--warn-on-spills, --warn-on-local-memory-usage and "
            "--allow-expensive-optimizations=… reach ptxas");
      }
      if (one != "-v" && one != "--verbose") {
        result_.forwarded.push_back("--ptxas-options=" + one);
      }
    }
    return schemas::success();
  }

  Status listed(const std::string& option, const AllowedOption& allowed,
                std::optional<std::string> value) {
    if (allowed.takes != Takes::nothing && !value) {
      value = next();
    }
    if (!value_fits(allowed.takes, value.value_or(""))) {
      return refusal(option, std::string(value_wanted(allowed.takes)));
    }
    const bool by_nvcc = backend_ == CudaBackend::nvcc;
    if (allowed.known_to != KnownTo::both && by_nvcc != (allowed.known_to == KnownTo::nvcc)) {
      leave_out(option, by_nvcc ? "only NVRTC knows it"
                                : "NVRTC does not know it; metadata.backend \"nvcc\" does");
      return schemas::success();
    }
    result_.forwarded.push_back(std::string(allowed.forwarded) + (value ? "=" + *value : ""));
    return schemas::success();
  }

  const std::vector<std::string>& options_;
  const std::string device_;
  const CudaBackend backend_;
  std::size_t at_ = 0;
  CompileOptions result_;
};

}  // namespace

schemas::Result<CompileOptions> read_compile_options(const std::vector<std::string>& options,
                                                     const std::string& architecture,
                                                     CudaBackend backend) {
  return Reader(options, architecture, backend).read();
}

}  // namespace assay::engine
