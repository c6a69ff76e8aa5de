// SPDX-License-Identifier: Apache-2.0
// The words of Keck's answers: the four fields and their short messages, from our documents.
#pragma once

#include <string>

#include "schemas/json_reader.h"

namespace assay::mcp {

using schemas::Json;

enum class KeckTest { score, check };  // /compute_score, /check_torch

// {formated, compiled, passed, msg} of an evaluation's document.
Json keck_answer(const Json& evaluation, KeckTest test);
// Of a request without what is to be tested.
Json keck_unformed(const std::string& message);

// The lines of a compiler's log that say what is wrong, with short paths.
std::string keck_compile_log(const std::string& log);

}  // namespace assay::mcp
