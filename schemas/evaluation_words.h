// SPDX-License-Identifier: Apache-2.0
// Word lists that writing and reading an Evaluation share.
#pragma once

#include <string>
#include <vector>

namespace assay::schemas {

const std::vector<std::string>& verdict_code_names();

}  // namespace assay::schemas
