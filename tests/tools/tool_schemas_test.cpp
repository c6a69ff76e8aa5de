// SPDX-License-Identifier: Apache-2.0
#include "schemas/tool_schemas.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>

#include "schemas/requests.h"
#include "tests/support/fake_engine.h"
#include "tools/all_tools.h"

namespace {

using assay::tests::FakeEngine;
using nlohmann::json;
namespace fs = std::filesystem;

// Hosts drop or rewrite these.
void check_plain(const json& schema) {
  if (schema.is_array()) {
    for (const auto& element : schema) check_plain(element);
  } else if (schema.is_object()) {
    for (const char* key : {"oneOf", "anyOf", "allOf", "$ref", "$defs"})
      CHECK_FALSE(schema.contains(key));
    for (const auto& [key, value] : schema.items()) check_plain(value);
  }
}

TEST_CASE("each published schema is a flat object under the size that hosts keep") {
  FakeEngine engine;
  const auto registry = assay::tools::all_tools(engine);
  for (const auto& tool : registry.tools()) {
    for (const json& schema : {tool.input_schema, tool.output_schema}) {
      INFO(tool.name << " " << schema.dump().size());
      CHECK(schema.dump().size() < assay::schemas::kMaxToolSchemaBytes);
      CHECK(schema["type"] == "object");
      check_plain(schema);
    }
  }
}

// A value that a reader accepts for a property, made from its schema.
json sample(const json& schema) {
  if (schema.contains("enum")) return schema["enum"][0];
  if (schema.contains("default")) return schema["default"];
  const std::string type = schema.value("type", "string");
  if (type == "string") return "x";
  if (type == "integer" || type == "number") return schema.value("minimum", 1);
  if (type == "boolean") return false;
  if (type == "array") return json::array();
  return json::object();
}

TEST_CASE("the readers know every published field and nothing is missing from the schema") {
  FakeEngine engine;
  const auto registry = assay::tools::all_tools(engine);
  for (const char* name : {"evaluate_kernel", "compare_kernels", "validate_kernel"}) {
    const auto* tool = registry.find(name);
    json arguments;
    for (const auto& [key, schema] : tool->input_schema["properties"].items())
      if (key.find("io") == std::string::npos) arguments[key] = sample(schema);
    for (auto& [key, value] : arguments.items())
      if (key.find("metadata") != std::string::npos) value = json::object();
    arguments["fresh"] = true;  // the second call has other content under the same key
    INFO(name << " " << arguments.dump());
    REQUIRE(tool->handler({arguments, {}, {}}).ok());
    CHECK(engine.submitted.back().warnings.empty());
    // The other way: an unknown field is told, so the reader's list is the schema's.
    arguments["no_such_field"] = 1;
    REQUIRE(tool->handler({arguments, {}, {}}).ok());
    CHECK(engine.submitted.back().warnings.size() == 1);
  }
}

TEST_CASE("required fields of the schemas are those the readers demand") {
  FakeEngine engine;
  const auto registry = assay::tools::all_tools(engine);
  const json nothing = json::object();
  for (const auto& tool : registry.tools()) {
    const json required = tool.input_schema.value("required", json::array());
    const auto outcome = tool.handler({nothing, {}, {}});
    CHECK(outcome.ok() == required.empty());
    if (outcome.ok()) continue;
    for (const auto& field : outcome.error().fields)
      CHECK(std::find(required.begin(), required.end(), field.path) != required.end());
    CHECK(outcome.error().fields.size() >= required.size());
  }
}

TEST_CASE("the example requests are accepted without a warning") {
  const char* source = std::getenv("ASSAY_SOURCE_DIR");
  REQUIRE(source != nullptr);
  FakeEngine engine;
  const auto registry = assay::tools::all_tools(engine);
  int count = 0;
  for (const auto& file : fs::directory_iterator(fs::path(source) / "examples" / "requests")) {
    std::ifstream stream(file.path());
    const json request = json::parse(stream);
    INFO(file.path());
    const auto outcome =
        registry.call(request["name"].get<std::string>(), {request["arguments"], {}, {}});
    REQUIRE(outcome.ok());
    CHECK(engine.submitted.back().warnings.empty());
    ++count;
  }
  CHECK(count >= 5);
}

}  // namespace
