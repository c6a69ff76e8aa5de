// SPDX-License-Identifier: Apache-2.0
// The closed lists of compiler options: what is forwarded, what is accepted without effect, what is
// refused and why. Names are without their dashes, as nvcc and NVRTC write them.
#pragma once

#include <string>
#include <string_view>

namespace assay::engine {

enum class Takes { nothing, boolean, on, standard, register_count, number, numbers };
enum class KnownTo { both, nvrtc, nvcc };

// Changes the code that is generated, or what is said about it.
struct AllowedOption {
  std::string_view name;
  Takes takes;
  std::string_view forwarded;  // the long form
  KnownTo known_to = KnownTo::both;
};

// Common on nvcc's command lines, without effect on a kernel's code here.
struct IdleOption {
  std::string_view name;
  bool takes_value;
  std::string_view reason;
};

// Reads or writes files, or makes something else than one complete kernel.
struct RefusedOption {
  std::string_view name;
  std::string_view reason;
};

// Null where the name is not on the list.
const AllowedOption* find_allowed_option(std::string_view name);
const IdleOption* find_idle_option(std::string_view name);
// `joined`: the option has one dash, so that "Ipath" and "lname" are options too.
const RefusedOption* find_refused_option(std::string_view name, bool joined);

std::string allowed_option_list();  // for a message

// Whether a value is one that the option takes (nothing: empty), and what it takes in words.
bool value_fits(Takes takes, std::string_view value);
std::string_view value_wanted(Takes takes);
// One option of ptxas.
bool ptxas_option_fits(std::string_view option);

}  // namespace assay::engine
