// SPDX-License-Identifier: Apache-2.0
#include "schemas/tensor_bytes.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <zlib.h>

#include "schemas/base64.h"

namespace assay::schemas {
namespace {

Error fault(std::string message) {
  return {ErrorCode::malformed_call, std::move(message)};
}

Error wrong_size(std::size_t want, const std::string& got) {
  return fault("must be " + std::to_string(want) + " bytes for its shape and dtype, not " + got);
}

Result<std::vector<std::byte>> inflate_exactly(std::vector<std::byte>& packed, std::size_t want) {
  std::vector<std::byte> bytes(want + 1);  // one more, to notice a stream that goes on
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) return Error{ErrorCode::internal, "zlib does not start"};
  stream.next_in = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  std::size_t done = 0;
  int status = Z_OK;
  while (status == Z_OK && done < bytes.size()) {
    const std::size_t room = std::min<std::size_t>(bytes.size() - done, std::size_t{1} << 30);
    stream.next_out = reinterpret_cast<Bytef*>(bytes.data() + done);
    stream.avail_out = static_cast<uInt>(room);
    status = inflate(&stream, Z_NO_FLUSH);
    done += room - stream.avail_out;
  }
  inflateEnd(&stream);
  if (done > want) return wrong_size(want, "more");
  if (status != Z_STREAM_END) return fault("must be one whole zlib stream");
  if (done < want) return wrong_size(want, std::to_string(done));
  bytes.resize(want);
  return bytes;
}

}  // namespace

Result<std::vector<std::byte>> decode_tensor_data(const TensorData& data) {
  const auto count = element_count(data.shape);
  const auto size = static_cast<std::size_t>(dtype_bytes(data.dtype));
  if (!count || static_cast<std::size_t>(*count) > kMaxTransferredBytes / size)
    return fault("must be for at most 64 MiB, which shape " + shape_text(data.shape) +
                 " is beyond");
  const std::size_t want = static_cast<std::size_t>(*count) * size;
  auto packed = decode_base64(data.data_b64);
  if (!packed) return fault("must be base64 (A-Z a-z 0-9 + /, with or without = at the end)");
  if (data.zlib) return inflate_exactly(*packed, want);
  if (packed->size() != want) return wrong_size(want, std::to_string(packed->size()));
  return std::move(*packed);
}

}  // namespace assay::schemas
