// SPDX-License-Identifier: Apache-2.0
// Names that nobody can guess: knowing one tells nothing about another.
#pragma once

#include <string>

namespace assay::schemas {

// 128 random bits as 32 hexadecimal digits.
std::string random_id();

}  // namespace assay::schemas
