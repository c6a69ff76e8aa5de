// SPDX-License-Identifier: Apache-2.0
// Binary form of plain structs for the messages between our own processes. A struct lists its
// members once, in `template <typename Archive> void fields(Archive&, Struct&)`; WireWriter and
// WireReader both walk that list, so the two directions cannot drift. Integers are little endian
// and as wide as declared; strings and vectors carry a u32 count.
#pragma once

#include <bit>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace assay::sandbox {

inline constexpr std::uint32_t kMaxWireElements = 1u << 16;  // of one vector

class WireWriter {
 public:
  template <typename... T>
  void operator()(T&... values) {
    (put(values), ...);
  }
  std::string take() { return std::move(bytes_); }

 private:
  template <typename T>
  void put(T& value) {
    if constexpr (std::is_enum_v<T>) {
      put_integer(static_cast<std::underlying_type_t<T>>(value));
    } else if constexpr (std::is_same_v<T, double>) {
      put_integer(std::bit_cast<std::uint64_t>(value));
    } else if constexpr (std::is_integral_v<T>) {
      put_integer(value);
    } else {
      fields(*this, value);
    }
  }
  void put(std::chrono::milliseconds& value) {
    put_integer(static_cast<std::int64_t>(value.count()));
  }
  void put(std::string& value) {
    put_integer(static_cast<std::uint32_t>(value.size()));
    bytes_ += value;
  }
  template <typename T>
  void put(std::vector<T>& values) {
    put_integer(static_cast<std::uint32_t>(values.size()));
    for (T& value : values) put(value);
  }
  template <typename T>
  void put_integer(T value) {
    const auto bits = static_cast<std::uint64_t>(value);
    for (std::size_t i = 0; i < sizeof(T); ++i) bytes_ += static_cast<char>(bits >> (8 * i) & 0xff);
  }

  std::string bytes_;
};

// Reads within bounds; after the first failure everything reads as empty and ok() is false.
class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : rest_(bytes) {}
  template <typename... T>
  void operator()(T&... values) {
    (get(values), ...);
  }
  // True when every read fitted and nothing is left over.
  bool complete() const { return ok_ && rest_.empty(); }

 private:
  template <typename T>
  void get(T& value) {
    if constexpr (std::is_enum_v<T>) {
      value = static_cast<T>(get_integer<std::underlying_type_t<T>>());
    } else if constexpr (std::is_same_v<T, double>) {
      value = std::bit_cast<double>(get_integer<std::uint64_t>());
    } else if constexpr (std::is_integral_v<T>) {
      value = get_integer<T>();
    } else {
      fields(*this, value);
    }
  }
  void get(std::chrono::milliseconds& value) {
    value = std::chrono::milliseconds(get_integer<std::int64_t>());
  }
  void get(std::string& value) {
    const auto size = get_integer<std::uint32_t>();
    if (size > rest_.size()) ok_ = false;
    value.assign(ok_ ? rest_.substr(0, size) : std::string_view{});
    if (ok_) rest_.remove_prefix(size);
  }
  template <typename T>
  void get(std::vector<T>& values) {
    const auto count = get_integer<std::uint32_t>();
    if (count > kMaxWireElements || count > rest_.size()) ok_ = false;
    values.clear();
    for (std::uint32_t i = 0; ok_ && i < count; ++i) get(values.emplace_back());
  }
  template <typename T>
  T get_integer() {
    if (!ok_ || rest_.size() < sizeof(T)) {
      ok_ = false;
      return T{};
    }
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
      bits |= std::uint64_t{static_cast<unsigned char>(rest_[i])} << (8 * i);
    rest_.remove_prefix(sizeof(T));
    return static_cast<T>(bits);
  }

  std::string_view rest_;
  bool ok_ = true;
};

template <typename T>
std::string encode(T value) {
  WireWriter writer;
  writer(value);
  return writer.take();
}

// False when the bytes are not exactly one T.
template <typename T>
bool decode(std::string_view bytes, T& value) {
  WireReader reader(bytes);
  reader(value);
  return reader.complete();
}

}  // namespace assay::sandbox
