// SPDX-License-Identifier: Apache-2.0
#include "schemas/io_contract.h"

#include <limits>

#include <catch2/catch.hpp>

using namespace assay::schemas;

namespace {

Json tensor_arg(Json shape, const char* dtype = "float32", const char* role = "input") {
  return {{"name", "x"},
          {"type", "tensor"},
          {"role", role},
          {"tensor_spec", {{"shape", std::move(shape)}, {"dtype", dtype}}}};
}

std::vector<FieldError> errors_of(const Json& contract) {
  Diagnostics diagnostics;
  read_io_contract(contract, "io", diagnostics);
  return diagnostics.errors;
}

}  // namespace

TEST_CASE("a contract survives a round trip") {
  const Json json = {
      {"args",
       {{{"name", "x"},
         {"type", "tensor"},
         {"role", "input"},
         {"tensor_spec",
          {{"shape", {2, 0, 3}},
           {"dtype", "bfloat16"},
           {"init", {{"kind", "uniform"}, {"seed", 7}, {"low", -1.0}, {"high", 2.0}}}}}},
        {{"name", "y"},
         {"type", "tensor"},
         {"role", "inout"},
         {"tensor_spec",
          {{"shape", Json::array()},
           {"dtype", "bool"},
           {"data",
            {{"data_b64", "eJxjBAAAAgAC"},
             {"compress", "zlib"},
             {"shape", Json::array()},
             {"dtype", "bool"}}}}}},
        {{"name", "n"}, {"type", "int"}, {"role", "input"}, {"value", -5}},
        {{"name", "BLOCK"}, {"type", "int"}, {"role", "input"}, {"is_meta", true}, {"value", 128}},
        {{"name", "s"}, {"type", "str"}, {"role", "input"}, {"value", "mode"}}}},
      {"launch",
       {{"grid", {{"x", 4}, {"y", 2}, {"z", 1}}},
        {"block", {{"x", 256}, {"y", 1}, {"z", 1}}},
        {"num_warps", 8},
        {"shared_mem", 65536}}}};
  Diagnostics diagnostics;
  const IoContract contract = read_io_contract(json, "io", diagnostics);
  for (const auto& error : diagnostics.errors) INFO(error.path << ": " << error.message);
  REQUIRE(diagnostics.errors.empty());
  CHECK(to_json(contract) == json);
}

TEST_CASE("dimension triples may be arrays") {
  Diagnostics diagnostics;
  const IoContract contract =
      read_io_contract({{"args", Json::array()}, {"launch", {{"grid", {3, 2}}, {"block", {32}}}}},
                       "io", diagnostics);
  REQUIRE(diagnostics.errors.empty());
  CHECK(contract.launch->grid->x == 3);
  CHECK(contract.launch->grid->y == 2);
  CHECK(contract.launch->block->z == 1);
}

TEST_CASE("bad contracts are refused with the path of the field") {
  struct Case {
    Json json;
    const char* path;
  };
  const std::vector<Case> cases = {
      {{{"args", {tensor_arg({-1})}}}, "io.args[0].tensor_spec.shape[0]"},
      {{{"args", {tensor_arg({2.5})}}}, "io.args[0].tensor_spec.shape[0]"},
      {{{"args", {tensor_arg({"2"})}}}, "io.args[0].tensor_spec.shape[0]"},
      {{{"args", {tensor_arg({1LL << 40, 1LL << 40})}}}, "io.args[0].tensor_spec.shape"},
      {{{"args", {tensor_arg({2}, "float8")}}}, "io.args[0].tensor_spec.dtype"},
      {{{"args", {tensor_arg({2}, "float32", "sideways")}}}, "io.args[0].role"},
      {{{"args", {{{"name", "x"}, {"type", "tensor"}}}}}, "io.args[0].tensor_spec"},
      {{{"args", {{{"name", "n"}, {"type", "int"}}}}}, "io.args[0].value"},
      {{{"args", {{{"name", "n"}, {"type", "int"}, {"value", 1.5}}}}}, "io.args[0].value"},
      {{{"args", {{{"name", "n"}, {"type", "int"}, {"value", 1}, {"role", "output"}}}}},
       "io.args[0].role"},
      {{{"args", {tensor_arg({2}), tensor_arg({2})}}}, "io.args"},
      {{{"args", Json::array()}, {"launch", {{"block", {{"x", 2048}}}}}}, "io.launch.block"},
      {{{"args", Json::array()}, {"launch", {{"grid", {{"x", 0}}}}}}, "io.launch.grid.x"},
      {{{"args", Json::array()}, {"launch", {{"grid", {1, 70000}}}}}, "io.launch.grid"},
      {Json::object(), "io.args"},
  };
  for (const auto& [json, path] : cases) {
    INFO(dump_json(json));
    const auto errors = errors_of(json);
    REQUIRE_FALSE(errors.empty());
    CHECK(errors[0].path == path);
  }
}

TEST_CASE("too many elements are refused with the limit") {
  const auto errors = errors_of({{"args", {tensor_arg({1LL << 40, 1LL << 40})}}});
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].message ==
        "[1099511627776, 1099511627776] has too many elements; at most 2^62 are allowed");
}

TEST_CASE("transferred data must agree with its tensor") {
  Json arg = tensor_arg({2});
  arg["tensor_spec"]["data"] = {{"data_b64", "AAAAAAAAAAA="}, {"shape", {3}}};
  const auto errors = errors_of({{"args", {arg}}});
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].path == "io.args[0].tensor_spec.data.shape");
  CHECK(errors[0].message == "[3] differs from the tensor's [2]");
}

TEST_CASE("transferred data that cannot be the tensor's values is refused, and shown") {
  const auto error_of = [](const Json& data, const char* dtype = "float32") {
    Json arg = tensor_arg({2}, dtype);
    arg["tensor_spec"]["data"] = data;
    const auto errors = errors_of({{"args", {arg}}});
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].path.starts_with("io.args[0].tensor_spec.data."));
    return errors[0].path.substr(std::string("io.args[0].tensor_spec.data.").size()) + " " +
           errors[0].message;
  };
  CHECK(error_of({{"data_b64", "!!!!"}}) ==
        "data_b64 must be base64 (A-Z a-z 0-9 + /, with or without = at the end), got \"!!!!\"");
  CHECK(error_of({{"data_b64", "AAAAAAAAAA=="}}) ==
        "data_b64 must be 8 bytes for its shape and dtype, not 7, got \"AAAAAAAAAA==\"");
  CHECK(error_of({{"data_b64", std::string(400, 'A')}, {"compress", "none"}})
            .ends_with("not 300, got \"" + std::string(76, 'A') + "..."));
  CHECK(error_of({{"data_b64", "AAAAAAAAAAA="}, {"compress", "zlib"}}) ==
        "data_b64 must be one whole zlib stream, got \"AAAAAAAAAAA=\"");
  CHECK(error_of({{"data_b64", "eJxjBAAAAgAC"}, {"compress", "zlib"}}, "uint8") ==
        "data_b64 must be 2 bytes for its shape and dtype, not 1, got \"eJxjBAAAAgAC\"");
  CHECK(error_of({{"data_b64", "AAAAAAAAAAA="}, {"dtype", "int32"}}) ==
        "dtype int32 differs from the tensor's float32");
  CHECK(error_of(Json::object()) == "data_b64 is required (a string)");
}

TEST_CASE("element counts and bytes never overflow") {
  CHECK(element_count({}) == 1);
  CHECK(element_count({3, 0, 1LL << 60}) == 0);
  CHECK_FALSE(element_count({1LL << 62, 2}).has_value());
  CHECK_FALSE(element_count({-1}).has_value());
  IoContract contract;
  for (int i = 0; i < 3; ++i) {
    ArgSpec arg;
    arg.tensor.emplace();
    arg.tensor->shape = {1LL << 60};
    contract.args.push_back(arg);
  }
  CHECK(contract_bytes(contract) == std::numeric_limits<std::int64_t>::max());
  contract.args.resize(1);
  contract.args[0].tensor->shape = {2, 3};
  CHECK(contract_bytes(contract) == 24);
}

namespace {

Json with_init(const char* dtype, Json init, Json shape = {4}) {
  Json arg = tensor_arg(std::move(shape), dtype);
  arg["tensor_spec"]["init"] = std::move(init);
  return {{"args", {std::move(arg)}}};
}

std::string only_error(const Json& contract) {
  const auto errors = errors_of(contract);
  REQUIRE(errors.size() == 1);
  return errors[0].path + ": " + errors[0].message;
}

}  // namespace

TEST_CASE("values that a dtype does not hold are the contract's mistake") {
  const std::string at = "io.args[0].tensor_spec.init.";
  CHECK(only_error(with_init("int8", {{"kind", "full"}, {"fill_value", 300}})) ==
        at + "fill_value: must be from -128 to 127 for int8, got 300");
  CHECK(only_error(with_init("float16", {{"kind", "full"}, {"fill_value", 1e9}})) ==
        at + "fill_value: must be from -65504 to 65504 for float16, got 1000000000");
  CHECK(only_error(with_init("int8", {{"kind", "uniform"}, {"low", 0}, {"high", 1000}})) ==
        at + "high: must be from -128 to 127 for int8, got 1000");
  CHECK(only_error(with_init("float32", {{"kind", "arange"}, {"step", 0}})) ==
        at + "step: must not be 0");
  CHECK(only_error(with_init("int32", {{"kind", "arange"}, {"step", 0.5}})) ==
        at + "step: must be a whole number for int32, got 0.5");
  CHECK(only_error(with_init("uint8", {{"kind", "arange"}}, {3, 300})) ==
        at + "step: the last of 300 values must be from 0 to 255 for uint8, got 299");
  CHECK(only_error(with_init("int64", {{"kind", "uniform"}, {"high", 1e19}}))
            .starts_with(at + "high: must be from "));
  CHECK(only_error(with_init("bool", {{"kind", "arange"}})).starts_with(at + "kind: "));
  CHECK(only_error(with_init("float16", {{"kind", "randn"}, {"std", 1e6}}))
            .starts_with(at + "std: must be from "));
  CHECK(only_error(with_init("int64", {{"kind", "full"}, {"fill_value", 9223372036854775808U}})) ==
        at + "fill_value: must be from -9223372036854775808 to 9223372036854775807 for int64, got "
             "9.2233720368547758e+18");
}

TEST_CASE("uniform values whose width a dtype does not hold are the contract's mistake") {
  const std::string at = "io.args[0].tensor_spec.init.high: high - low must be at most ";
  CHECK(only_error(with_init("float16", {{"kind", "uniform"}, {"low", -4e4}, {"high", 4e4}})) ==
        at + "65504 for float16, got low -40000 and high 40000");
  for (const auto& [dtype, bound] :
       {std::pair{"float32", 3e38}, std::pair{"bfloat16", 3e38}, std::pair{"float64", 1e308}}) {
    CHECK(only_error(with_init(dtype, {{"kind", "uniform"}, {"low", -bound}, {"high", bound}}))
              .starts_with(at));
    CHECK(errors_of(with_init(dtype, {{"kind", "uniform"}, {"high", bound}})).empty());
  }
}

TEST_CASE("whole numbers beyond a double's are filled in exactly") {
  for (const std::int64_t value :
       {std::int64_t{9223372036854775807}, std::int64_t{9007199254740993}}) {
    const Json json = with_init("int64", {{"kind", "full"}, {"fill_value", value}});
    Diagnostics diagnostics;
    const IoContract contract = read_io_contract(json, "io", diagnostics);
    CHECK(diagnostics.errors.empty());
    CHECK(contract.args[0].tensor->init->fill_whole == value);
    CHECK(to_json(contract)["args"][0]["tensor_spec"]["init"]["fill_value"] == value);
  }
}

TEST_CASE("an argument has a name") {
  Json contract = with_init("float32", {{"kind", "ones"}});
  contract["args"][0]["name"] = "";
  CHECK(only_error(contract) == "io.args[0].name: must not be empty");
}

TEST_CASE("values that a dtype holds are left alone") {
  for (const Json& contract :
       {with_init("int8", {{"kind", "full"}, {"fill_value", -128}}),
        with_init("uint8", {{"kind", "arange"}}, {300, 256}),
        with_init("bool", {{"kind", "uniform"}, {"low", 0}, {"high", 7}}),
        with_init("int32", {{"kind", "uniform"}, {"low", 0.5}, {"high", 9.5}}),
        with_init("int8", {{"kind", "randn"}, {"mean", 500}}),
        with_init("float32", {{"kind", "arange"}, {"start", 1}, {"step", -0.25}}),
        with_init("int64", {{"kind", "full"}, {"fill_value", 9007199254740992}})})
    CHECK(errors_of(contract).empty());
}
