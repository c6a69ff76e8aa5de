// SPDX-License-Identifier: Apache-2.0
// Transferred tensor values: base64, optionally zlib, to exactly the bytes of their shape.
#pragma once

#include <cstddef>
#include <vector>

#include "schemas/io_contract.h"
#include "schemas/result.h"

namespace assay::engine::judge {

// Decodes `data`; never produces more bytes than shape and dtype ask for, whatever the compressed
// text claims. Error: malformed_call saying what is wrong (not base64, damaged zlib, too few or too
// many bytes).
schemas::Result<std::vector<std::byte>> decode_tensor_data(const schemas::TensorData& data);

}  // namespace assay::engine::judge
