// SPDX-License-Identifier: Apache-2.0
#include "engine/compiler/compile_options.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

namespace assay::engine {

using schemas::Error;
using schemas::ErrorCode;
using schemas::Status;

namespace {

constexpr std::size_t kMaxOptions = 64;
constexpr std::size_t kMaxOptionBytes = 4096;

enum class Takes { nothing, boolean, standard, register_count, numbers };

// Names without their dashes, as nvcc and NVRTC write them; `forwarded` is NVRTC's long form.
struct Allowed {
  std::string_view name;
  Takes takes;
  std::string_view forwarded;
};
constexpr std::array kAllowed = {
    Allowed{"use_fast_math", Takes::nothing, "--use_fast_math"},
    Allowed{"extra-device-vectorization", Takes::nothing, "--extra-device-vectorization"},
    Allowed{"lineinfo", Takes::nothing, "--generate-line-info"},
    Allowed{"generate-line-info", Takes::nothing, "--generate-line-info"},
    Allowed{"G", Takes::nothing, "--device-debug"},
    Allowed{"device-debug", Takes::nothing, "--device-debug"},
    Allowed{"restrict", Takes::nothing, "--restrict"},
    Allowed{"device-int128", Takes::nothing, "--device-int128"},
    Allowed{"default-device", Takes::nothing, "--device-as-default-execution-space"},
    Allowed{"device-as-default-execution-space", Takes::nothing,
            "--device-as-default-execution-space"},
    Allowed{"w", Takes::nothing, "--disable-warnings"},
    Allowed{"disable-warnings", Takes::nothing, "--disable-warnings"},
    Allowed{"std", Takes::standard, "--std"},
    Allowed{"ftz", Takes::boolean, "--ftz"},
    Allowed{"fmad", Takes::boolean, "--fmad"},
    Allowed{"prec-div", Takes::boolean, "--prec-div"},
    Allowed{"prec-sqrt", Takes::boolean, "--prec-sqrt"},
    Allowed{"maxrregcount", Takes::register_count, "--maxrregcount"},
    Allowed{"diag-suppress", Takes::numbers, "--diag-suppress"},
    Allowed{"diag-warn", Takes::numbers, "--diag-warn"},
    Allowed{"diag-error", Takes::numbers, "--diag-error"},
};

struct Refused {
  std::string_view name;
  std::string_view reason;
};
constexpr std::string_view kNoFiles =
    "a kernel cannot read files of the server: CUDA's and CUB's headers are found without it, "
    "others must be in the source";
constexpr std::string_view kWhole = "the kernel must be complete by itself";
constexpr std::string_view kNoHost = "no host compiler takes part";
constexpr std::string_view kNoOutput = "the server decides what is written";
constexpr std::array kRefused = {
    Refused{"I", kNoFiles},
    Refused{"include-path", kNoFiles},
    Refused{"isystem", kNoFiles},
    Refused{"include", kNoFiles},
    Refused{"pre-include", kNoFiles},
    Refused{"L", kNoFiles},
    Refused{"l", kWhole},
    Refused{"dc", kWhole},
    Refused{"device-c", kWhole},
    Refused{"rdc", kWhole},
    Refused{"relocatable-device-code", kWhole},
    Refused{"dlto", kWhole},
    Refused{"dlink-time-opt", kWhole},
    Refused{"ccbin", kNoHost},
    Refused{"Xcompiler", kNoHost},
    Refused{"compiler-options", kNoHost},
    Refused{"pch", kNoOutput},
    Refused{"create-pch", kNoOutput},
    Refused{"use-pch", kNoOutput},
    Refused{"pch-dir", kNoOutput},
    Refused{"time", kNoOutput},
    Refused{"fdevice-time-trace", kNoOutput},
    Refused{"o", kNoOutput},
};

Error refusal(const std::string& option, const std::string& reason) {
  const std::string message = "compiler option '" + option + "': " + reason;
  return {ErrorCode::malformed_call, message, false, {{"metadata.compiler_options", message}}};
}

std::string allowed_list() {
  std::string list = "-D, -U";
  for (const Allowed& option : kAllowed) {
    list += (option.name.size() == 1 ? ", -" : ", --") + std::string(option.name);
  }
  return list + ", --gpu-architecture, --ptxas-options";
}

bool all_of(std::string_view text, std::string_view characters) {
  return !text.empty() && text.find_first_not_of(characters) == std::string_view::npos;
}

bool fits(Takes takes, std::string_view value) {
  constexpr std::array standards = {"c++11", "c++14", "c++17", "c++20"};
  switch (takes) {
    case Takes::nothing: return value.empty();
    case Takes::boolean: return value == "true" || value == "false";
    case Takes::standard:
      return std::find(standards.begin(), standards.end(), value) != standards.end();
    case Takes::register_count: return value.size() <= 3 && all_of(value, "0123456789");
    case Takes::numbers: return all_of(value, "0123456789,");
  }
  return false;
}

std::string_view wanted(Takes takes) {
  switch (takes) {
    case Takes::nothing: return "takes no value";
    case Takes::boolean: return "takes true or false";
    case Takes::standard: return "takes c++11, c++14, c++17 or c++20";
    case Takes::register_count: return "takes a number of registers";
    case Takes::numbers: return "takes diagnostic numbers";
  }
  return "";
}

bool fits_ptxas(std::string_view value) {
  constexpr std::array plain = {"-v",
                                "--verbose",
                                "-O0",
                                "-O1",
                                "-O2",
                                "-O3",
                                "--warn-on-spills",
                                "-warn-spills",
                                "--warn-on-local-memory-usage"};
  constexpr std::array caching = {"-dlcm=", "--def-load-cache=", "-dscm=", "--def-store-cache="};
  if (std::find(plain.begin(), plain.end(), value) != plain.end()) {
    return true;
  }
  return std::any_of(caching.begin(), caching.end(), [&](std::string_view prefix) {
    return value.starts_with(prefix) &&
           all_of(value.substr(prefix.size()), "abcdefghijklmnopqrstuvwxyz");
  });
}

// Walks the list; "-D X" and "--std c++17" take their value from the next word.
class Reader {
 public:
  Reader(const std::vector<std::string>& options, const std::string& architecture)
      : options_(options), device_(architecture) {
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
    if (option.size() > kMaxOptionBytes || option.find('\0') != std::string::npos) {
      return refusal(option.substr(0, 80), "too long");
    }
    const std::size_t dashes = option.starts_with("--") ? 2 : option.starts_with("-") ? 1 : 0;
    const std::string rest = option.substr(dashes);
    if (dashes == 0 || rest.empty()) {
      return refusal(option, "is no option; allowed: " + allowed_list());
    }
    if (dashes == 1 && (rest[0] == 'D' || rest[0] == 'U')) {
      return macro(option, rest[0] == 'D' ? "--define-macro=" : "--undefine-macro=",
                   rest.size() > 1 ? std::optional(rest.substr(1)) : std::nullopt);
    }
    const std::size_t equals = rest.find('=');
    const std::string name = rest.substr(0, equals);
    const auto value =
        equals == std::string::npos ? std::nullopt : std::optional(rest.substr(equals + 1));
    if (name == "define-macro" || name == "undefine-macro") {
      return macro(option, "--" + name + "=", value);
    }
    if (name == "gpu-architecture" || name == "arch") {
      return architecture(option, value);
    }
    if (name == "ptxas-options" || name == "Xptxas") {
      return ptxas(option, value);
    }
    if (name.size() == 2 && name[0] == 'O' && name[1] >= '0' && name[1] <= '3' && !value) {
      result_.notes.push_back("option " + option + " left out: device code is always optimised");
      return schemas::success();
    }
    for (const Allowed& allowed : kAllowed) {
      if (allowed.name == name) {
        return listed(option, allowed, value);
      }
    }
    // "-Ipath" and "-lname" are joined.
    for (const Refused& refused : kRefused) {
      const bool joined = refused.name.size() == 1 && dashes == 1 && name.starts_with(refused.name);
      if (refused.name == name || joined) {
        return refusal(option, "not allowed: " + std::string(refused.reason));
      }
    }
    return refusal(option, "not allowed: it is not on the list: " + allowed_list());
  }

  std::optional<std::string> next() {
    return at_ + 1 < options_.size() ? std::optional(options_[++at_]) : std::nullopt;
  }

  Status macro(const std::string& option, const std::string& forwarded,
               std::optional<std::string> value) {
    value = value ? value : next();
    if (!value || value->empty()) {
      return refusal(option, "takes a macro");
    }
    result_.forwarded.push_back(forwarded + *value);
    return schemas::success();
  }

  Status architecture(const std::string& option, std::optional<std::string> value) {
    value = value ? value : next();
    std::string asked = value.value_or("");
    if (asked.starts_with("compute_")) {
      asked.replace(0, 8, "sm_");
    }
    if (asked != device_ && asked != device_ + "a" && asked != device_ + "f") {
      return refusal(option, "the device is " + device_ + ", other code does not run on it");
    }
    result_.architecture = asked;
    return schemas::success();
  }

  Status ptxas(const std::string& option, std::optional<std::string> value) {
    value = value ? value : next();
    if (!value || !fits_ptxas(*value)) {
      return refusal(option, "not allowed: only -v, -O0 to -O3, -dlcm=… and -dscm=… reach ptxas");
    }
    if (*value != "-v" && *value != "--verbose") {
      result_.forwarded.push_back("--ptxas-options=" + *value);
    }
    return schemas::success();
  }

  Status listed(const std::string& option, const Allowed& allowed,
                std::optional<std::string> value) {
    if (allowed.takes != Takes::nothing && !value) {
      value = next();
    }
    if (!fits(allowed.takes, value.value_or(""))) {
      return refusal(option, std::string(wanted(allowed.takes)));
    }
    result_.forwarded.push_back(std::string(allowed.forwarded) + (value ? "=" + *value : ""));
    return schemas::success();
  }

  const std::vector<std::string>& options_;
  const std::string device_;
  std::size_t at_ = 0;
  CompileOptions result_;
};

}  // namespace

schemas::Result<CompileOptions> read_compile_options(const std::vector<std::string>& options,
                                                     const std::string& architecture) {
  return Reader(options, architecture).read();
}

}  // namespace assay::engine
