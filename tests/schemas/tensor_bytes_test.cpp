// SPDX-License-Identifier: Apache-2.0
#include "schemas/tensor_bytes.h"

#include <string>
#include <zlib.h>

#include <catch2/catch.hpp>

using namespace assay;

namespace {

std::string base64(const std::string& bytes) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned bits = 0;
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t j = 0; j < 3; ++j)
      bits = bits << 8 | (j < have ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    for (std::size_t j = 0; j < 4; ++j)
      text += j <= have ? alphabet[bits >> (18 - 6 * j) & 63] : '=';
  }
  return text;
}

std::string deflated(const std::string& bytes) {
  uLongf size = compressBound(static_cast<uLong>(bytes.size()));
  std::string packed(size, '\0');
  compress(reinterpret_cast<Bytef*>(packed.data()), &size,
           reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uLong>(bytes.size()));
  packed.resize(size);
  return packed;
}

std::string message_of(const schemas::TensorData& data) {
  const auto result = schemas::decode_tensor_data(data);
  return result ? "" : result.error().message;
}

schemas::TensorData data_of(const std::string& bytes, bool zlib, std::vector<std::int64_t> shape,
                            schemas::Dtype dtype = schemas::Dtype::uint8) {
  return {base64(zlib ? deflated(bytes) : bytes), zlib, std::move(shape), dtype};
}

}  // namespace

TEST_CASE("transferred bytes arrive as they were sent") {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{1000}}) {
    std::string bytes;
    for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(i * 37);
    for (const bool zlib : {false, true}) {
      const auto decoded =
          schemas::decode_tensor_data(data_of(bytes, zlib, {static_cast<std::int64_t>(size)}));
      REQUIRE(decoded);
      CHECK(std::string(reinterpret_cast<const char*>(decoded->data()), decoded->size()) == bytes);
    }
  }
}

TEST_CASE("sizes must fit shape and dtype exactly") {
  CHECK(message_of(data_of("12345678", false, {2}, schemas::Dtype::float32)).empty());
  CHECK(
      message_of(data_of("1234567", false, {2}, schemas::Dtype::float32)).find("must be 8 bytes") !=
      std::string::npos);
  CHECK(message_of(data_of("123456789", false, {2}, schemas::Dtype::float32)).find('9') !=
        std::string::npos);
  CHECK(message_of(data_of("1234567", true, {8})).find("must be 8 bytes") != std::string::npos);
  CHECK(message_of(data_of("123456789", true, {8})).find("more") != std::string::npos);
}

TEST_CASE("a compressed bomb is not unpacked") {
  const std::string bomb(std::size_t{32} << 20, '\0');
  CHECK(message_of(data_of(bomb, true, {16})).find("more") != std::string::npos);
  CHECK_FALSE(message_of(data_of("", false, {std::int64_t{1} << 40})).empty());
}

TEST_CASE("damaged text is refused") {
  CHECK(message_of({"$$$$", false, {3}, schemas::Dtype::uint8}).starts_with("must be base64"));
  CHECK(message_of({"AAAAA", false, {3}, schemas::Dtype::uint8}).starts_with("must be base64"));
  CHECK(message_of({"AA==AA", false, {2}, schemas::Dtype::uint8}).starts_with("must be base64"));
  CHECK(message_of({"AAECAwQF", true, {6}, schemas::Dtype::uint8}).find("zlib") !=
        std::string::npos);
  auto cut = data_of(std::string(1000, 'x'), true, {1000});
  cut.data_b64.resize(8);
  CHECK_FALSE(message_of(cut).empty());
}
