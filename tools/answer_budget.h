// SPDX-License-Identifier: Apache-2.0
// How long an answer to an agent may be. Hosts cut longer ones, or put them in a file; what we cut
// ourselves is what is missed least, and the answer says what it was and where it is whole.
#pragma once

#include <cstddef>
#include <string>

#include "schemas/json_reader.h"

namespace assay::tools {

using schemas::Json;

inline constexpr std::size_t kMaxAnswerBytes = 20'000;  // of the document's text, as it goes out

// The text of a tool's document, which is shortened first where that would be longer than
// kMaxAnswerBytes. Then `shortened` names the parts that were cut and, of a document with a job_id,
// where the whole is. Required fields and those of the verdict stay.
std::string fit_answer(Json& document);

}  // namespace assay::tools
