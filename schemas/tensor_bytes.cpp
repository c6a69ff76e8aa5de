// SPDX-License-Identifier: Apache-2.0
#include "schemas/tensor_bytes.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <zlib.h>

namespace assay::schemas {
namespace {

constexpr std::uint8_t kNotBase64 = 255;

constexpr std::array<std::uint8_t, 256> base64_values() {
  std::array<std::uint8_t, 256> values{};
  for (auto& value : values) value = kNotBase64;
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  return values;
}

// RFC 4648, padded or not; line breaks are skipped. Nothing when the text is not base64.
std::optional<std::vector<std::byte>> decode_base64(std::string_view text) {
  static constexpr auto values = base64_values();
  std::vector<std::byte> bytes;
  bytes.reserve(text.size() / 4 * 3 + 3);
  std::uint32_t bits = 0;
  int held = 0;
  std::size_t digits = 0, padding = 0;
  for (const char letter : text) {
    if (letter == '\n' || letter == '\r') continue;
    if (letter == '=') {
      ++padding;
      continue;
    }
    const std::uint8_t value = values[static_cast<unsigned char>(letter)];
    if (value == kNotBase64 || padding > 0) return std::nullopt;
    bits = bits << 6 | value;
    held += 6;
    ++digits;
    if (held >= 8) {
      held -= 8;
      bytes.push_back(static_cast<std::byte>(bits >> held & 0xFF));
    }
  }
  const bool complete =
      digits % 4 != 1 && (padding == 0 || (digits + padding) % 4 == 0) && padding <= 2;
  if (!complete) return std::nullopt;
  return bytes;
}

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
