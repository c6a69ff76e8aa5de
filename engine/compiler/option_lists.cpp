// SPDX-License-Identifier: Apache-2.0
#include "engine/compiler/option_lists.h"

#include <algorithm>
#include <array>

namespace assay::engine {

namespace {

constexpr std::array kAllowed = {
    AllowedOption{"use_fast_math", Takes::nothing, "--use_fast_math"},
    AllowedOption{"extra-device-vectorization", Takes::nothing, "--extra-device-vectorization"},
    AllowedOption{"lineinfo", Takes::nothing, "--generate-line-info"},
    AllowedOption{"generate-line-info", Takes::nothing, "--generate-line-info"},
    AllowedOption{"G", Takes::nothing, "--device-debug"},
    AllowedOption{"device-debug", Takes::nothing, "--device-debug"},
    AllowedOption{"dopt", Takes::on, "--dopt"},
    AllowedOption{"restrict", Takes::nothing, "--restrict"},
    AllowedOption{"device-int128", Takes::nothing, "--device-int128", KnownTo::nvrtc},
    AllowedOption{"default-device", Takes::nothing, "--device-as-default-execution-space",
                  KnownTo::nvrtc},
    AllowedOption{"device-as-default-execution-space", Takes::nothing,
                  "--device-as-default-execution-space", KnownTo::nvrtc},
    AllowedOption{"expt-relaxed-constexpr", Takes::nothing, "--expt-relaxed-constexpr",
                  KnownTo::nvcc},
    AllowedOption{"extended-lambda", Takes::nothing, "--extended-lambda", KnownTo::nvcc},
    AllowedOption{"expt-extended-lambda", Takes::nothing, "--extended-lambda", KnownTo::nvcc},
    AllowedOption{"w", Takes::nothing, "--disable-warnings"},
    AllowedOption{"disable-warnings", Takes::nothing, "--disable-warnings"},
    AllowedOption{"std", Takes::standard, "--std"},
    AllowedOption{"ftz", Takes::boolean, "--ftz"},
    AllowedOption{"fmad", Takes::boolean, "--fmad"},
    AllowedOption{"prec-div", Takes::boolean, "--prec-div"},
    AllowedOption{"prec-sqrt", Takes::boolean, "--prec-sqrt"},
    AllowedOption{"maxrregcount", Takes::register_count, "--maxrregcount"},
    AllowedOption{"ftemplate-depth", Takes::number, "--ftemplate-depth", KnownTo::nvcc},
    AllowedOption{"diag-suppress", Takes::numbers, "--diag-suppress"},
    AllowedOption{"diag-warn", Takes::numbers, "--diag-warn"},
    AllowedOption{"diag-error", Takes::numbers, "--diag-error"},
};

constexpr std::string_view kOptimised = "device code is always optimised, unless -G is given";
constexpr std::string_view kDeviceOnly = "only device code is compiled";
constexpr std::string_view kAlways = "that is always done";
constexpr std::array kIdle = {
    IdleOption{"O", true, kOptimised},
    IdleOption{"O0", false, kOptimised},
    IdleOption{"O1", false, kOptimised},
    IdleOption{"O2", false, kOptimised},
    IdleOption{"O3", false, kOptimised},
    IdleOption{"optimize", true, kOptimised},
    IdleOption{"g", false, kDeviceOnly},
    IdleOption{"debug", false, kDeviceOnly},
    IdleOption{"default-stream", true, kDeviceOnly},
    IdleOption{"cudart", true, kDeviceOnly},
    IdleOption{"allow-unsupported-compiler", false, kDeviceOnly},
    IdleOption{"m64", false, kAlways},
    IdleOption{"cubin", false, kAlways},
    IdleOption{"resource-usage", false, kAlways},
    IdleOption{"res-usage", false, kAlways},
    IdleOption{"Wno-deprecated-gpu-targets", false, "the target is the server's device"},
    IdleOption{"Wno-deprecated-declarations", false, kDeviceOnly},
    IdleOption{"threads", true, "there is one target"},
    IdleOption{"t", true, "there is one target"},
    IdleOption{"v", false, "its words would say nothing about the kernel"},
    IdleOption{"verbose", false, "its words would say nothing about the kernel"},
};

constexpr std::string_view kNoFiles =
    "a kernel cannot read files of the server: CUDA's and CUB's headers are found without it, "
    "others must be in the source";
constexpr std::string_view kWhole = "the kernel must be complete by itself";
constexpr std::string_view kNoHost = "no host compiler takes part";
constexpr std::string_view kNoOutput = "the server decides what is written";
constexpr std::string_view kNoFrontEnd =
    "options of nvcc's front end are not forwarded; for warnings use --diag-suppress=NUMBER";
constexpr std::array kRefused = {
    RefusedOption{"I", kNoFiles},
    RefusedOption{"include-path", kNoFiles},
    RefusedOption{"isystem", kNoFiles},
    RefusedOption{"system-include", kNoFiles},
    RefusedOption{"include", kNoFiles},
    RefusedOption{"pre-include", kNoFiles},
    RefusedOption{"optf", kNoFiles},
    RefusedOption{"options-file", kNoFiles},
    RefusedOption{"ldir", kNoFiles},
    RefusedOption{"libdevice-directory", kNoFiles},
    RefusedOption{"target-dir", kNoFiles},
    RefusedOption{"target-directory", kNoFiles},
    RefusedOption{"L", kNoFiles},
    RefusedOption{"library-path", kNoFiles},
    RefusedOption{"l", kWhole},
    RefusedOption{"library", kWhole},
    RefusedOption{"dc", kWhole},
    RefusedOption{"device-c", kWhole},
    RefusedOption{"dw", kWhole},
    RefusedOption{"device-w", kWhole},
    RefusedOption{"dlink", kWhole},
    RefusedOption{"device-link", kWhole},
    RefusedOption{"rdc", kWhole},
    RefusedOption{"relocatable-device-code", kWhole},
    RefusedOption{"ewp", kWhole},
    RefusedOption{"extensible-whole-program", kWhole},
    RefusedOption{"dlto", kWhole},
    RefusedOption{"dlink-time-opt", kWhole},
    RefusedOption{"lto", kWhole},
    RefusedOption{"link", kWhole},
    RefusedOption{"shared", kWhole},
    RefusedOption{"lib", kWhole},
    RefusedOption{"Xlinker", kWhole},
    RefusedOption{"linker-options", kWhole},
    RefusedOption{"Xnvlink", kWhole},
    RefusedOption{"nvlink-options", kWhole},
    RefusedOption{"ccbin", kNoHost},
    RefusedOption{"compiler-bindir", kNoHost},
    RefusedOption{"Xcompiler", kNoHost},
    RefusedOption{"compiler-options", kNoHost},
    RefusedOption{"forward-unknown-to-host-compiler", kNoHost},
    RefusedOption{"forward-unknown-opts", kNoHost},
    RefusedOption{"fplugin", kNoHost},
    RefusedOption{"fPIC", kNoHost},
    RefusedOption{"fopenmp", kNoHost},
    RefusedOption{"Xcudafe", kNoFrontEnd},
    RefusedOption{"Xcicc", kNoFrontEnd},
    RefusedOption{"pch", kNoOutput},
    RefusedOption{"create-pch", kNoOutput},
    RefusedOption{"use-pch", kNoOutput},
    RefusedOption{"pch-dir", kNoOutput},
    RefusedOption{"time", kNoOutput},
    RefusedOption{"fdevice-time-trace", kNoOutput},
    RefusedOption{"o", kNoOutput},
    RefusedOption{"output-file", kNoOutput},
    RefusedOption{"odir", kNoOutput},
    RefusedOption{"output-directory", kNoOutput},
    RefusedOption{"keep", kNoOutput},
    RefusedOption{"keep-dir", kNoOutput},
    RefusedOption{"save-temps", kNoOutput},
    RefusedOption{"ptx", kNoOutput},
    RefusedOption{"fatbin", kNoOutput},
    RefusedOption{"c", kNoOutput},
    RefusedOption{"E", kNoOutput},
    RefusedOption{"run", kNoOutput},
};

template <typename List>
auto find_in(const List& list, std::string_view name) {
  const auto found = std::find_if(list.begin(), list.end(),
                                  [&](const auto& option) { return option.name == name; });
  return found == list.end() ? nullptr : &*found;
}

bool all_of(std::string_view text, std::string_view characters) {
  return !text.empty() && text.find_first_not_of(characters) == std::string_view::npos;
}

constexpr std::string_view kDigits = "0123456789";

}  // namespace

const AllowedOption* find_allowed_option(std::string_view name) {
  return find_in(kAllowed, name);
}

const IdleOption* find_idle_option(std::string_view name) {
  return find_in(kIdle, name);
}

const RefusedOption* find_refused_option(std::string_view name, bool joined) {
  if (const RefusedOption* exact = find_in(kRefused, name)) {
    return exact;
  }
  const auto found = std::find_if(kRefused.begin(), kRefused.end(), [&](const auto& option) {
    return joined && option.name.size() == 1 && name.starts_with(option.name);
  });
  return found == kRefused.end() ? nullptr : &*found;
}

std::string allowed_option_list() {
  std::string list = "-D, -U";
  for (const AllowedOption& option : kAllowed) {
    list += (option.name.size() == 1 ? ", -" : ", --") + std::string(option.name);
  }
  return list + ", --gpu-architecture, --generate-code, --ptxas-options";
}

bool value_fits(Takes takes, std::string_view value) {
  constexpr std::array standards = {"c++11", "c++14", "c++17", "c++20"};
  switch (takes) {
    case Takes::nothing: return value.empty();
    case Takes::boolean: return value == "true" || value == "false";
    case Takes::on: return value == "on";
    case Takes::standard:
      return std::find(standards.begin(), standards.end(), value) != standards.end();
    case Takes::register_count: return value.size() <= 3 && all_of(value, kDigits);
    case Takes::number: return value.size() <= 6 && all_of(value, kDigits);
    case Takes::numbers: return all_of(value, "0123456789,");
  }
  return false;
}

std::string_view value_wanted(Takes takes) {
  switch (takes) {
    case Takes::nothing: return "takes no value";
    case Takes::boolean: return "takes true or false";
    case Takes::on: return "takes on";
    case Takes::standard: return "takes c++11, c++14, c++17 or c++20";
    case Takes::register_count: return "takes a number of registers";
    case Takes::number: return "takes a number";
    case Takes::numbers: return "takes diagnostic numbers";
  }
  return "";
}

bool ptxas_option_fits(std::string_view option) {
  constexpr std::array plain = {"-v",
                                "--verbose",
                                "-O0",
                                "-O1",
                                "-O2",
                                "-O3",
                                "--warn-on-spills",
                                "-warn-spills",
                                "--warn-on-local-memory-usage",
                                "-warn-lmem-usage",
                                "--allow-expensive-optimizations=true",
                                "--allow-expensive-optimizations=false",
                                "-allow-expensive-optimizations=true",
                                "-allow-expensive-optimizations=false"};
  constexpr std::array caching = {"-dlcm=", "--def-load-cache=", "-dscm=", "--def-store-cache="};
  constexpr std::array counting = {"-maxrregcount=", "--maxrregcount="};
  if (std::find(plain.begin(), plain.end(), option) != plain.end()) {
    return true;
  }
  const auto has = [&](std::string_view prefix, std::string_view characters) {
    return option.starts_with(prefix) && all_of(option.substr(prefix.size()), characters);
  };
  return std::any_of(
             caching.begin(), caching.end(),
             [&](const char* prefix) { return has(prefix, "abcdefghijklmnopqrstuvwxyz"); }) ||
         std::any_of(counting.begin(), counting.end(),
                     [&](const char* prefix) { return has(prefix, kDigits); });
}

}  // namespace assay::engine
