// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "schemas/extra_shapes.h"

using namespace assay::schemas;

namespace {

const Json kCudaIo = {
    {"args",
     {{{"name", "y"}, {"type", "tensor"}, {"role", "output"}, {"tensor_spec", {{"shape", {4}}}}}}},
    {"launch", {{"grid", {{"x", 1}}}, {"block", {{"x", 4}}}}}};

bool names_path(const Error& error, const std::string& path) {
  for (const auto& field : error.fields)
    if (field.path == path) return true;
  return false;
}

}  // namespace

TEST_CASE("evaluate: flat arguments, defaults and a reference sharing the contract") {
  const auto plain = read_evaluate_arguments({{"kernel_source", "x"}, {"kernel_type", "torch"}});
  REQUIRE(plain.ok());
  CHECK(plain->num_trials == 100);
  CHECK(plain->num_warmup == 10);
  CHECK(plain->timeout_seconds == 120);
  CHECK(plain->wait_seconds == 45);
  CHECK_FALSE(plain->reference.has_value());
  CHECK_FALSE(plain->atol.has_value());

  const auto with_reference = read_evaluate_arguments({{"kernel_source", "x"},
                                                       {"kernel_type", "cuda"},
                                                       {"io_contract", kCudaIo},
                                                       {"reference_kernel_source", "r"}});
  REQUIRE(with_reference.ok());
  REQUIRE(with_reference->reference.has_value());
  CHECK(with_reference->reference->type == KernelType::torch);
  CHECK(with_reference->reference->io.has_value());
}

TEST_CASE("errors use the texts that clients match on") {
  const auto missing = read_evaluate_arguments({{"kernel_source", "x"}, {"kernel_type", "cuda"}});
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().message.find("IOContract is required for cuda kernels") !=
        std::string::npos);
  const auto entry = read_evaluate_arguments(
      {{"kernel_source", "x"}, {"kernel_type", "multi_kernel"}, {"io_contract", kCudaIo}});
  REQUIRE_FALSE(entry.ok());
  CHECK(entry.error().message.find("entry_point must be specified in metadata") !=
        std::string::npos);
}

TEST_CASE("extra shapes substitute in both contracts by argument name") {
  const Json io = {{"args",
                    {{{"name", "x"}, {"type", "tensor"}, {"tensor_spec", {{"shape", {4}}}}},
                     {{"name", "n"}, {"type", "int"}, {"value", 4}},
                     {{"name", "y"},
                      {"type", "tensor"},
                      {"role", "output"},
                      {"tensor_spec", {{"shape", {4}}}}}}},
                   {"launch", {{"grid", {{"x", 1}}}, {"block", {{"x", 4}}}}}};
  const Json reference_io = {
      {"args", {{{"name", "x"}, {"type", "tensor"}, {"tensor_spec", {{"shape", {4}}}}}}}};
  const auto read = [&](const Json& shapes) {
    return read_compare_arguments({{"ref_kernel_source", "r"},
                                   {"ref_kernel_io", reference_io},
                                   {"custom_kernel_source", "k"},
                                   {"custom_kernel_type", "cuda"},
                                   {"custom_kernel_io", io},
                                   {"extra_shapes", shapes}});
  };
  const auto right =
      read({{{"args", {{"x", {7}}, {"y", {7}}, {"n", 7}}}, {"launch", {{"grid", {{"x", 2}}}}}},
            {{"args", {{"x", Json::array()}, {"y", Json::array()}}}}});
  REQUIRE(right.ok());
  REQUIRE(right->extra_shapes.size() == 2);
  const WorkRequest first = with_extra_shape(*right, 0);
  CHECK(first.candidate.io->args[0].tensor->shape == std::vector<std::int64_t>{7});
  CHECK(first.candidate.io->args[1].value == ScalarValue(std::int64_t{7}));
  CHECK(first.candidate.io->launch->grid->x == 2);
  CHECK(first.candidate.io->launch->block->x == 4);
  CHECK(first.reference->io->args[0].tensor->shape == std::vector<std::int64_t>{7});
  CHECK_FALSE(first.timed);
  CHECK(first.extra_shapes.empty());
  CHECK(with_extra_shape(*right, 1).candidate.io->args[0].tensor->shape.empty());
  CHECK(right->candidate.io->args[0].tensor->shape == std::vector<std::int64_t>{4});

  const auto refused = [&](const Json& shape, const std::string& path) {
    const auto wrong = read(Json::array({shape}));
    return !wrong.ok() && names_path(wrong.error(), path);
  };
  CHECK(refused({{"args", {{"z", {7}}}}}, "extra_shapes[0].args.z"));
  CHECK(refused({{"args", {{"x", {-7}}}}}, "extra_shapes[0].args.x"));
  CHECK(refused({{"args", {{"x", 7}}}}, "extra_shapes[0].args.x"));
  CHECK(refused({{"args", {{"n", "7"}}}}, "extra_shapes[0].args.n"));
  CHECK(refused({{"args", Json::object()}}, "extra_shapes[0].args"));
  CHECK(refused({{"launch", Json::object()}}, "extra_shapes[0].args"));
  CHECK(refused({{"args", {{"n", 7}}}, {"launch", {{"grid", {{"x", 0}}}}}},
                "extra_shapes[0].launch.grid.x"));
  CHECK(refused(7, "extra_shapes[0]"));
  const auto none = read_evaluate_arguments({{"kernel_source", "x"},
                                             {"kernel_type", "torch"},
                                             {"extra_shapes", {{{"args", {{"x", {7}}}}}}}});
  REQUIRE_FALSE(none.ok());
  CHECK(names_path(none.error(), "extra_shapes"));
}

TEST_CASE("a triton class needs no contract, a triton kernel does") {
  const auto read = [](const Json& metadata) {
    return read_compare_arguments({{"ref_kernel_source", "r"},
                                   {"custom_kernel_source", "x"},
                                   {"custom_kernel_type", "triton"},
                                   {"custom_kernel_metadata", metadata}});
  };
  CHECK(read({{"class_name", "ModelNew"}}).ok());
  for (const Json& metadata : {Json::object(), Json{{"kernel_name", "add"}}}) {
    const auto refused = read(metadata);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().message.find("IOContract is required for triton kernels") !=
          std::string::npos);
  }
  const auto multi_kernel =
      read_evaluate_arguments({{"kernel_source", "x"},
                               {"kernel_type", "multi_kernel"},
                               {"metadata", {{"class_name", "ModelNew"}, {"entry_point", "run"}}}});
  CHECK_FALSE(multi_kernel.ok());
}

TEST_CASE("ranges are refused with field, value and range") {
  const auto trials = read_evaluate_arguments({{"kernel_source", "x"},
                                               {"kernel_type", "torch"},
                                               {"num_trials", 0},
                                               {"timeout", 601},
                                               {"atol", -1}});
  REQUIRE_FALSE(trials.ok());
  REQUIRE(trials.error().fields.size() == 3);
  CHECK(trials.error().message == "num_trials: must be an integer from 1 to 10000, got 0");
  CHECK(names_path(trials.error(), "timeout"));
  CHECK(names_path(trials.error(), "atol"));
  const auto tolerance = read_evaluate_arguments(
      {{"kernel_source", "x"}, {"kernel_type", "torch"}, {"rtol", 1e308}, {"atol", 1e30}});
  REQUIRE_FALSE(tolerance.ok());
  CHECK(tolerance.error().message == "rtol: must be a number from 0.0 to 1e+30, got 1e+308");
}

TEST_CASE("a byte order mark is no part of a source") {
  const std::string marked = "\xEF\xBB\xBFimport torch", mark = "\xEF\xBB\xBF";
  const auto flat = read_evaluate_arguments({{"kernel_source", marked}, {"kernel_type", "torch"}});
  REQUIRE(flat.ok());
  CHECK(flat->candidate.source_code == "import torch");
  Diagnostics diagnostics;
  const Kernel nested =
      read_kernel({{"source_code", marked}, {"kernel_type", "torch"}}, "kernel", diagnostics);
  CHECK(nested.source_code == "import torch");
  CHECK_FALSE(read_evaluate_arguments({{"kernel_source", mark}, {"kernel_type", "torch"}}).ok());
}

TEST_CASE("a source may not be empty, blank or over 4 MiB") {
  for (const std::string& source :
       {std::string(), std::string(" \n\t"), std::string((4U << 20) + 1, 'a')}) {
    const auto flat =
        read_evaluate_arguments({{"kernel_source", source}, {"kernel_type", "torch"}});
    REQUIRE_FALSE(flat.ok());
    CHECK(flat.error().fields.size() == 1);
    CHECK(names_path(flat.error(), "kernel_source"));
    const auto nested =
        read_rest_evaluate({{"kernel", {{"source_code", source}, {"kernel_type", "torch"}}}});
    REQUIRE_FALSE(nested.ok());
    CHECK(nested.error().fields.size() == 1);
    CHECK(names_path(nested.error(), "kernel.source_code"));
  }
  CHECK(read_evaluate_arguments(
            {{"kernel_source", std::string(4U << 20, 'a')}, {"kernel_type", "torch"}})
            .ok());
}

TEST_CASE("what is no object is refused once, not for its missing fields") {
  const auto nested = read_rest_evaluate({{"kernel", "x"}});
  REQUIRE_FALSE(nested.ok());
  REQUIRE(nested.error().fields.size() == 1);
  CHECK(nested.error().fields[0].path == "kernel");
  CHECK(nested.error().fields[0].message == "must be an object, got \"x\"");
  const auto flat = read_evaluate_arguments("x");
  REQUIRE_FALSE(flat.ok());
  CHECK(flat.error().fields.size() == 1);
}

TEST_CASE("compare over MCP and over REST becomes the same request") {
  const auto flat = read_compare_arguments({{"ref_kernel_source", "r"},
                                            {"custom_kernel_source", "c"},
                                            {"custom_kernel_type", "cuda"},
                                            {"custom_kernel_io", kCudaIo},
                                            {"custom_kernel_metadata", {{"kernel_name", "k"}}},
                                            {"num_trials", 7},
                                            {"rtol", 0.5}});
  const auto nested =
      read_rest_compare({{"ref_kernel", {{"source_code", "r"}, {"kernel_type", "torch"}}},
                         {"custom_kernel",
                          {{"source_code", "c"},
                           {"kernel_type", "cuda"},
                           {"io", kCudaIo},
                           {"metadata", {{"kernel_name", "k"}}}}},
                         {"num_trials", 7},
                         {"rtol", 0.5}});
  REQUIRE(flat.ok());
  REQUIRE(nested.ok());
  CHECK(to_json(flat->candidate) == to_json(nested->candidate));
  CHECK(to_json(*flat->reference) == to_json(*nested->reference));
  CHECK(flat->num_trials == nested->num_trials);
  CHECK(flat->rtol == nested->rtol);
}

TEST_CASE("the legacy body compares torch with torch_cuda; the new form is taken there too") {
  const auto legacy =
      read_rest_legacy({{"ref_code", "r"}, {"custom_code", "c"}, {"num_trials", 3}});
  REQUIRE(legacy.ok());
  CHECK(legacy->reference->type == KernelType::torch);
  CHECK(legacy->candidate.type == KernelType::torch_cuda);
  CHECK(legacy->num_trials == 3);
  CHECK(read_rest_legacy({{"ref_kernel", {{"source_code", "r"}, {"kernel_type", "torch"}}},
                          {"custom_kernel", {{"source_code", "c"}, {"kernel_type", "torch"}}}})
            .ok());
  CHECK_FALSE(read_rest_legacy(Json::array()).ok());
  // Null is as good as absent.
  const auto nulls = read_rest_legacy({{"ref_code", "r"},
                                       {"custom_code", "c"},
                                       {"kernel", nullptr},
                                       {"ref_kernel", nullptr},
                                       {"custom_kernel", nullptr}});
  REQUIRE(nulls.ok());
  CHECK(nulls->warnings.empty());
  CHECK(nulls->candidate.source_code == "c");
}

TEST_CASE("an empty job_id is told as such") {
  const auto empty = read_job_status_arguments({{"job_id", ""}});
  REQUIRE_FALSE(empty.ok());
  CHECK(empty.error().message.find("job_id: is empty; send the job_id") == 0);
  CHECK(read_job_status_arguments({{"job_id", nullptr}}).error().fields.size() == 1);
}

TEST_CASE("unknown fields are ignored and listed") {
  const auto request =
      read_evaluate_arguments({{"kernel_source", "x"}, {"kernel_type", "torch"}, {"colour", 1}});
  REQUIRE(request.ok());
  REQUIRE(request->warnings.size() == 1);
  CHECK(request->warnings[0].find("colour") != std::string::npos);
}

TEST_CASE("a cuda kernel without launch, output, or with a string is refused") {
  Json io = kCudaIo;
  io.erase("launch");
  CHECK(names_path(read_evaluate_arguments(
                       {{"kernel_source", "x"}, {"kernel_type", "cuda"}, {"io_contract", io}})
                       .error(),
                   "io_contract.launch"));
  io = kCudaIo;
  io["args"][0]["role"] = "input";
  CHECK(names_path(read_evaluate_arguments(
                       {{"kernel_source", "x"}, {"kernel_type", "cuda"}, {"io_contract", io}})
                       .error(),
                   "io_contract.args"));
  io = kCudaIo;
  io["args"].push_back({{"name", "s"}, {"type", "str"}, {"value", "a"}});
  CHECK(names_path(read_evaluate_arguments(
                       {{"kernel_source", "x"}, {"kernel_type", "cuda"}, {"io_contract", io}})
                       .error(),
                   "io_contract.args[1].type"));
}
