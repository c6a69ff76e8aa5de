// SPDX-License-Identifier: Apache-2.0
#include "schemas/json_reader.h"

#include <catch2/catch.hpp>

using namespace assay::schemas;

TEST_CASE("parse_json refuses depth before walking it") {
  REQUIRE(parse_json(std::string(64, '[') + std::string(64, ']')).ok());
  const auto deep = parse_json(std::string(100000, '[') + std::string(100000, ']'));
  REQUIRE_FALSE(deep.ok());
  CHECK(deep.error().message.find("64 levels") != std::string::npos);
  // Brackets inside a string are text.
  REQUIRE(parse_json("\"" + std::string(1000, '[') + "\\\"[[\"").ok());
}

TEST_CASE("parse_json refuses more values than a request can need before it makes them") {
  const auto zeros = [](std::size_t count) {
    std::string text = "[0";
    for (std::size_t i = 1; i < count; ++i) text += ",0";
    return text + "]";
  };
  CHECK(parse_json(zeros(199'000)).ok());
  for (const std::string& many : {zeros(200'001), "[" + zeros(100'000) + "," + zeros(100'001) + "]",
                                  "{\"a\":" + zeros(300'000) + "}"}) {
    const auto refused = parse_json(many);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == ErrorCode::malformed_call);
    CHECK(refused.error().message.find("more than 200000 values") != std::string::npos);
  }
  // A source is one value, whatever it is made of.
  CHECK(parse_json("\"" + std::string(1'000'000, ',') + "\\\",[\"").ok());
}

TEST_CASE("parse_json names the byte of a syntax error") {
  const auto broken = parse_json("{\"a\": }");
  REQUIRE_FALSE(broken.ok());
  CHECK(broken.error().code == ErrorCode::malformed_call);
  CHECK(broken.error().message.find("byte 7") != std::string::npos);
}

TEST_CASE("a number beyond double is refused, not thrown") {
  const auto huge = parse_json("[333e3333]");
  REQUIRE_FALSE(huge.ok());
  CHECK(huge.error().message == "not valid JSON: a number is too large");
  CHECK(parse_json("[1e308]").ok());
}

TEST_CASE("dump_json replaces invalid UTF-8 instead of throwing") {
  CHECK(dump_json(Json("a\xff"
                       "b")) ==
        "\"a\xef\xbf\xbd"
        "b\"");
}

TEST_CASE("errors name path, value and what is allowed, and all are collected") {
  const Json json = {{"count", 12}, {"word", "nope"}, {"flag", 1}, {"text", 5}, {"number", "x"}};
  Diagnostics diagnostics;
  ObjectReader reader(json, "kernel.io", diagnostics);
  CHECK_FALSE(reader.optional_int("count", 0, 10).has_value());
  CHECK_FALSE(reader.optional_word("word", {"yes", "no"}).has_value());
  CHECK_FALSE(reader.optional_bool("flag").has_value());
  CHECK_FALSE(reader.optional_string("text", 10).has_value());
  CHECK_FALSE(reader.optional_number("number", 0, 1).has_value());
  CHECK(reader.required_string("absent", 10).empty());
  REQUIRE(diagnostics.errors.size() == 6);
  CHECK(diagnostics.errors[0].path == "kernel.io.count");
  CHECK(diagnostics.errors[0].message == "must be an integer from 0 to 10, got 12");
  CHECK(diagnostics.errors[1].message == "must be one of yes, no, got \"nope\"");
  CHECK(diagnostics.errors[2].message == "must be true or false, got 1");
  CHECK(diagnostics.errors[4].message == "must be a number from 0.0 to 1.0, got \"x\"");
  CHECK(diagnostics.errors[5].path == "kernel.io.absent");
}

TEST_CASE("integers: whole floats pass, fractions and overflows do not") {
  Diagnostics diagnostics;
  const Json json = {
      {"whole", 3.0}, {"fraction", 3.5}, {"huge", 18446744073709551615ULL}, {"text", "3"}};
  ObjectReader reader(json, "", diagnostics);
  CHECK(reader.optional_int("whole", 0, 10) == 3);
  CHECK_FALSE(reader.optional_int("fraction", 0, 10).has_value());
  CHECK_FALSE(reader.optional_int("huge", 0, INT64_MAX).has_value());
  CHECK_FALSE(reader.optional_int("text", 0, 10).has_value());
  CHECK(diagnostics.errors.size() == 3);
}

TEST_CASE("unknown fields become warnings, null counts as absent") {
  const Json json = {{"known", 1}, {"surprise", 2}, {"nothing", nullptr}};
  Diagnostics diagnostics;
  ObjectReader reader(json, "", diagnostics);
  CHECK(reader.int_or("known", 0, 0, 9) == 1);
  CHECK_FALSE(reader.has("nothing"));
  reader.finish();
  CHECK(diagnostics.errors.empty());
  REQUIRE(diagnostics.warnings.size() == 1);
  CHECK(diagnostics.warnings[0].find("surprise") != std::string::npos);
}

TEST_CASE("a non-object is reported once and reads as empty") {
  Diagnostics diagnostics;
  const Json json = 3;
  ObjectReader reader(json, "kernel", diagnostics);
  CHECK(reader.required_string("source_code", 10).empty());
  reader.each("args", 3, true, [](const Json&, const std::string&) { FAIL("nothing to read"); });
  reader.finish();
  REQUIRE(diagnostics.errors.size() == 1);
  CHECK(malformed(diagnostics).message == "kernel: must be an object, got 3");
}

TEST_CASE("shown values stay short and whole characters") {
  const std::string euro = "\xe2\x82\xac";
  std::string text;
  for (int i = 0; i < 100; ++i) text += euro;
  const std::string shown = shown_value(Json(text));
  CHECK(shown.size() <= 80);
  CHECK(dump_json(Json(shown)).find("\xef\xbf\xbd") == std::string::npos);
}
