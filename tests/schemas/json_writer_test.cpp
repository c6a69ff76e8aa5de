// SPDX-License-Identifier: Apache-2.0
// dump_json against the library's own dump, which defines what it has to write.
#include <cstring>
#include <limits>
#include <random>

#include <catch2/catch.hpp>

#include "schemas/json_reader.h"

namespace {

using assay::schemas::Json;

void check(const Json& json) {
  const std::string want = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  INFO(want);
  CHECK(assay::schemas::dump_json(json) == want);
}

TEST_CASE("every byte is written as the library writes it, alone and among others") {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text(1, static_cast<char>(byte));
    check(text);
    check(std::string("plain ").append(text).append(" text\n").append(text));
    check({{text, text}});
  }
}

TEST_CASE("text beyond ASCII is kept, and what is no UTF-8 is replaced") {
  for (const char* text :
       {"µs ± … 漢 🎈", "\xC3", "a\xC3(", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\"\xFF\""})
    check({{text, {text, 1}}});
}

TEST_CASE("sequences of any two, three or four bytes are taken or replaced as the library does") {
  const auto check_quietly = [](const std::string& text) {
    const Json json = text;
    if (assay::schemas::dump_json(json) !=
        json.dump(-1, ' ', false, Json::error_handler_t::replace))
      check(json);
  };
  const std::string edges = "\x7F\x80\x8F\x90\x9F\xA0\xBF\xC0";
  for (int first = 0x80; first < 0x100; ++first)
    for (const char second : edges)
      for (const char third : edges) {
        const std::string head = {static_cast<char>(first), second};
        check_quietly(head);
        check_quietly(head + third);
        check_quietly(head + third + '\x80');
        check_quietly(head + third + "\x80 a");
      }
}

TEST_CASE("numbers are written as the library writes them") {
  for (const double number : {0.0, -0.0, 1.0, -1.5, 0.1, 1e15, 1e16, 1e-5, 1e-4, 1e300, 5e-324,
                              1.7976931348623157e308, 123456789.123, 1.0 / 3})
    check(number);
  check(std::numeric_limits<double>::quiet_NaN());
  check(-std::numeric_limits<double>::infinity());
  check(std::numeric_limits<std::int64_t>::min());
  check(std::numeric_limits<std::int64_t>::max());
  check(std::numeric_limits<std::uint64_t>::max());
  std::mt19937_64 random(7);
  for (int i = 0; i < 2'000; ++i) {
    const std::uint64_t bits = random();
    double number = 0;
    std::memcpy(&number, &bits, sizeof number);
    check(number);
  }
}

TEST_CASE("structures are written as the library writes them") {
  check(nullptr);
  check(true);
  check(false);
  check(Json::array());
  check(Json::object());
  check({{"a", Json::array({1, -2, "x", nullptr, Json::array(), Json::object()})},
         {"", {{"b", {{"c", false}}}}}});
  check(Json::binary({1, 2, 255}));
}

}  // namespace
