// SPDX-License-Identifier: Apache-2.0
#include "schemas/random_id.h"

#include <array>
#include <cstdlib>
#include <string_view>

#include <sys/random.h>

namespace assay::schemas {

std::string random_id() {
  std::array<unsigned char, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    std::abort();  // never for so few bytes once the kernel has booted
  }
  constexpr std::string_view digits = "0123456789abcdef";
  std::string id;
  for (const unsigned char byte : bytes) {
    id += digits[byte >> 4];
    id += digits[byte & 15];
  }
  return id;
}

}  // namespace assay::schemas
