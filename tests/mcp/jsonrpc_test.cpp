// SPDX-License-Identifier: Apache-2.0
#include "mcp/jsonrpc.h"

#include <catch2/catch.hpp>

namespace {

using assay::mcp::decode_message;
using assay::mcp::kInvalidRequest;
using assay::mcp::kParseError;
using assay::mcp::Message;
using nlohmann::json;

TEST_CASE("requests, notifications and responses are told apart") {
  auto decoded = decode_message(R"({"jsonrpc":"2.0","id":1,"method":"ping"})");
  REQUIRE(decoded.message);
  CHECK(decoded.message->kind == Message::Kind::request);
  CHECK(decoded.message->params == json::object());
  decoded =
      decode_message(R"({"jsonrpc":"2.0","method":"notifications/initialized","params":null})");
  REQUIRE(decoded.message);
  CHECK(decoded.message->kind == Message::Kind::notification);
  decoded = decode_message(R"({"jsonrpc":"2.0","id":"a","result":{}})");
  REQUIRE(decoded.message);
  CHECK(decoded.message->kind == Message::Kind::response);
}

TEST_CASE("ids are kept exactly") {
  for (const char* id : {"0", "-7", "9007199254740993", "9223372036854775807",
                         "18446744073709551615", "\"listen:0\""}) {
    const auto decoded =
        decode_message(std::string(R"({"jsonrpc":"2.0","method":"ping","id":)") + id + "}");
    INFO(id);
    REQUIRE(decoded.message);
    CHECK(assay::mcp::encode_result(decoded.id, json::object())["id"].dump() == id);
  }
}

TEST_CASE("ids that cannot be echoed exactly are refused") {
  for (const char* id : {"1.5", "1e400", "18446744073709551616", "null", "true", "[1]", "{}"}) {
    const auto decoded =
        decode_message(std::string(R"({"jsonrpc":"2.0","method":"ping","id":)") + id + "}");
    INFO(id);
    CHECK_FALSE(decoded.message);
    CHECK(decoded.id.is_null());
  }
  CHECK_FALSE(
      decode_message(R"({"jsonrpc":"2.0","method":"ping","id":")" + std::string(300, 'x') + "\"}")
          .message);
}

TEST_CASE("an error names the request where its id could be read") {
  const auto decoded = decode_message(R"({"jsonrpc":"1.0","method":"ping","id":5})");
  CHECK_FALSE(decoded.message);
  CHECK(decoded.id == 5);
  CHECK(decoded.error.code == kInvalidRequest);
}

TEST_CASE("what is not a message is refused with the right code") {
  CHECK(decode_message("{").error.code == kParseError);
  CHECK(decode_message("").error.code == kParseError);
  CHECK(decode_message("[]").error.code == kInvalidRequest);
  CHECK(decode_message(R"([{"jsonrpc":"2.0","id":1,"method":"ping"}])").error.code ==
        kInvalidRequest);
  CHECK(decode_message("7").error.code == kInvalidRequest);
  CHECK(decode_message(R"({"jsonrpc":"2.0","id":1})").error.code == kInvalidRequest);
  CHECK(decode_message(R"({"jsonrpc":"2.0","id":1,"method":7})").error.code == kInvalidRequest);
  CHECK(decode_message(R"({"jsonrpc":"2.0","id":1,"method":"x","params":[1]})").error.code ==
        kInvalidRequest);
}

TEST_CASE("deep nesting is refused before anything could be echoed") {
  std::string text = R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"a":)";
  text += std::string(100'000, '[') + std::string(100'000, ']') + "}}";
  const auto decoded = decode_message(text);
  CHECK_FALSE(decoded.message);
  CHECK(decoded.error.code == kParseError);
}

}  // namespace
