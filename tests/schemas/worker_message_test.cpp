// SPDX-License-Identifier: Apache-2.0
#include "schemas/worker_message.h"

#include <catch2/catch.hpp>

using namespace assay::schemas;

namespace {

// Text, not initializer lists: those turn pairs of strings into objects without a word.
std::string tensor_text(const std::string& offset, int bytes, const std::string& shape = "[2,3]") {
  return R"({"kind":"tensor","dtype":"float32","shape":)" + shape + R"(,"offset":)" + offset +
         R"(,"bytes":)" + std::to_string(bytes) + "}";
}

bool refused(const std::string& values_text) {
  const auto values = read_values(Json::parse(values_text), 1000);
  return !values.ok() && values.error().code == ErrorCode::protocol_violation;
}

}  // namespace

TEST_CASE("values survive bytes") {
  const Json json = Json::parse("[" + tensor_text("0", 24) + R"(,
      {"kind":"none"}, {"kind":"int","value":-3}, {"kind":"float","value":"NaN"},
      {"kind":"bool","value":true}, {"kind":"str","value":"s"},
      {"kind":"tuple","items":[{"kind":"list","items":[]}]},
      {"kind":"dict","items":[["a",{"kind":"int","value":1}]]}])");
  const auto values = read_values(json, 24);
  REQUIRE(values.ok());
  Json back = Json::array();
  for (const auto& value : *values) back.push_back(to_json(value));
  CHECK(back == json);
}

TEST_CASE("hostile values are refused") {
  CHECK(refused("[" + tensor_text("0", 23) + "]"));    // bytes do not fit the shape
  CHECK(refused("[" + tensor_text("980", 24) + "]"));  // beyond the buffer
  CHECK(refused("[" + tensor_text("9223372036854775807", 24) + "]"));
  CHECK(refused("[" + tensor_text("-4", 24) + "]"));
  CHECK(refused("[" + tensor_text("0", 24, "[-2,-3]") + "]"));  // a product that would be positive
  CHECK(refused("[" + tensor_text("0", 0, "[1099511627776,1099511627776]") + "]"));
  CHECK(refused(R"([{"kind":"int"}])"));
  CHECK(refused(R"([{"kind":"int","value":"1"}])"));
  CHECK(refused(R"([{"kind":"dict","items":[1]}])"));
  CHECK(refused(R"([{"kind":"surprise"}])"));
  CHECK(refused("{}"));
  std::string deep = R"({"kind":"list","items":[]})";
  for (int i = 0; i < 20; ++i) deep.insert(0, R"({"kind":"list","items":[)").append("]}");
  CHECK(refused("[" + deep + "]"));
  std::string many = R"({"kind":"none"})";
  for (int i = 1; i < 4000; ++i) many += R"(,{"kind":"none"})";
  many = R"({"kind":"list","items":[)" + many + "]}";
  CHECK(refused("[" + many + "," + many + "]"));
  CHECK_FALSE(refused("[" + many + "]"));  // the controls
  CHECK_FALSE(refused("[" + tensor_text("976", 24) + "]"));
}

TEST_CASE("bindings survive bytes") {
  const Json json = {{"kind", "tensor"},  {"role", "inout"}, {"dtype", "int64"}, {"shape", {4}},
                     {"arena", "output"}, {"offset", 256},   {"stride", 512}};
  const auto binding = read_binding(json);
  REQUIRE(binding.ok());
  CHECK(to_json(*binding) == json);
  CHECK(binding->tensor.in_output_arena);
}

TEST_CASE("output shapes: strides must match, sizes must be sane") {
  CHECK(read_output_shapes({{{"dtype", "float16"}, {"shape", {2, 2}}, {"strides", {1, 2}}}}).ok());
  CHECK_FALSE(
      read_output_shapes({{{"dtype", "float16"}, {"shape", {2, 2}}, {"strides", {1}}}}).ok());
  CHECK_FALSE(
      read_output_shapes({{{"dtype", "complex64"}, {"shape", {2}}, {"strides", {1}}}}).ok());
  CHECK_FALSE(read_output_shapes({{{"dtype", "float16"}, {"shape", {-2}}, {"strides", {1}}}}).ok());
  CHECK_FALSE(read_output_shapes("x").ok());
}

TEST_CASE("a runner's error is read whatever it is, and cut") {
  CHECK(read_runner_error({{"ok", false}}).kind == RunnerErrorKind::protocol);
  CHECK(read_runner_error(3).kind == RunnerErrorKind::protocol);
  const auto error = read_runner_error(
      {{"error", {{"kind", "exception"}, {"type", 5}, {"message", std::string(100000, 'x')}}}});
  CHECK(error.kind == RunnerErrorKind::exception);
  CHECK(error.type.empty());
  CHECK(error.message.size() == 16384);
  CHECK(error.call.is_null());
}

TEST_CASE("only a missing extension says what is to be built") {
  for (const char* kind : {"extension", "exception"}) {
    const auto error =
        read_runner_error({{"error", {{"kind", kind}, {"call", {{"name", "late"}}}}}});
    CHECK(error.call.is_object() == (error.kind == RunnerErrorKind::extension));
  }
  CHECK(read_runner_error({{"error", {{"kind", "extension"}, {"call", 3}}}}).call.is_null());
}
