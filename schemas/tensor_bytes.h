// SPDX-License-Identifier: Apache-2.0
// Transferred tensor values: base64, optionally zlib, to exactly the bytes of their shape.
#pragma once

#include <cstddef>
#include <vector>

#include "schemas/io_contract.h"
#include "schemas/result.h"

namespace assay::schemas {

// Decodes `data`; never produces more bytes than shape and dtype ask for, whatever the compressed
// text claims. Error: malformed_call saying what the text must be (base64, a whole zlib stream, of
// so many bytes).
Result<std::vector<std::byte>> decode_tensor_data(const TensorData& data);

}  // namespace assay::schemas
