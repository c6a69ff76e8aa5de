// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace assay::tests {

inline const std::string kToken = "0123456789abcdef";  // as short as one may be

}  // namespace assay::tests
