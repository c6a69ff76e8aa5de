// SPDX-License-Identifier: Apache-2.0
// Lets tests written for Catch2 2.13 compile with Catch2 3 (Ubuntu 24.04 has nothing older): the
// header and the names of it that we use. Included only where the real catch.hpp is missing.
#pragma once

#include <string>

#include <catch2/catch_all.hpp>

using Catch::Approx;

namespace Catch {

inline Matchers::StringContainsMatcher Contains(const std::string& text) {
  return Matchers::ContainsSubstring(text);
}
using Matchers::EndsWith;
using Matchers::StartsWith;

}  // namespace Catch
