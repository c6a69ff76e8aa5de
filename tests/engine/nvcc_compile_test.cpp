// SPDX-License-Identifier: Apache-2.0
// Real compilations by nvcc, without a GPU and without a sandbox. Each takes a second, so one
// compilation answers several questions.
#include "engine/compiler/nvcc_compile.h"

#include <filesystem>
#include <iostream>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "engine/compiler/child_process.h"
#include "tests/engine/compiler_support.h"

using namespace assay;
using engine::CompileAnswer;
using tests::has;
using Outcome = engine::CompileAnswer::Outcome;

namespace {

engine::CompileTask task(const std::string& source, const std::string& name,
                         std::vector<std::string> options) {
  engine::CompileTask task = tests::compile_task(source, name, std::move(options));
  task.kernel.metadata.backend = schemas::CudaBackend::nvcc;
  task.nvcc = CUDA_DIRECTORY "/bin/nvcc";
  if (::access(task.nvcc.c_str(), X_OK) != 0) {
    std::cout << "skipped: no nvcc beside the CUDA headers\n";
    std::exit(77);
  }
  return task;
}

CompileAnswer compile_by_nvcc(const std::string& source, const std::string& name = {},
                              std::vector<std::string> options = {}) {
  const auto answer = engine::compile_with_nvcc(task(source, name, std::move(options)));
  INFO((answer ? "" : answer.error().message));
  REQUIRE(answer);
  return *answer;
}

const std::string kSeveral =
    "extern \"C\" __global__ void plain(int* x) { *x = FACTOR; }\n"
    "namespace deep { __global__ void inner(int* x) { *x = 2; } }\n"
    "namespace { struct Tag {}; __global__ void own(Tag*, int (*x)[2]) { **x = 5; } }\n"
    "using Real = float;\n"
    "template <typename T, int N = 4> __global__ void shaped(T* x) {\n"
    "  extern __shared__ T wide[]; wide[threadIdx.x] = *x; __syncthreads();\n"
    "  *x = T(N) + wide[threadIdx.x / 2]; }\n"
    "template <typename T> __global__ void wrong(T* x) {\n"
    "  *x = missing(*x);\n}\n"
    "int host() { return 1; }\n";

}  // namespace

TEST_CASE("nvcc: a template is instantiated by its name, its neighbours are listed too") {
  const CompileAnswer answer =
      compile_by_nvcc(kSeveral, "shaped<Real>", {"-DFACTOR=3", "-lineinfo"});
  INFO(answer.message + answer.log);
  REQUIRE(answer.outcome == Outcome::compiled);
  CHECK(answer.kernel_name == "_Z6shapedIfLi4EEvPT_");
  CHECK(answer.cubin.substr(1, 3) == "ELF");
  CHECK(answer.tool.starts_with("nvcc "));
  CHECK(answer.tool.size() > 8);
  REQUIRE(answer.kernels.size() == 4);
  CHECK(answer.kernels[0].kernel_name == "void shaped<float, 4>(float*)");
  for (const auto& kernel : answer.kernels) {
    INFO(kernel.kernel_name);
    CHECK(kernel.registers.value() > 0);
    CHECK_FALSE(has(kernel.kernel_name, "assay"));
  }
}

TEST_CASE("nvcc: what has C's linkage, a namespace or only a symbol is found") {
  CHECK(compile_by_nvcc(kSeveral, "plain", {"-DFACTOR=3"}).kernel_name == "plain");
  CHECK(compile_by_nvcc(kSeveral, "deep::inner", {"-D", "FACTOR=3"}).kernel_name ==
        "_ZN4deep5innerEPi");
  CHECK(has(compile_by_nvcc(kSeveral, "own", {"-DFACTOR=3"}).kernel_name, "3own"));
  CHECK(compile_by_nvcc(kSeveral, "_ZN4deep5innerEPi", {"-DFACTOR"}).kernel_name ==
        "_ZN4deep5innerEPi");
}

TEST_CASE("nvcc: names that mean nothing, and several kernels without one") {
  const CompileAnswer unnamed = compile_by_nvcc(kSeveral, "", {"-DFACTOR=3"});
  CHECK(unnamed.outcome == Outcome::contract_error);
  CHECK(has(unnamed.message, "several __global__ functions"));
  CHECK(has(unnamed.message, "deep::inner(int*), plain"));
  const CompileAnswer absent = compile_by_nvcc(kSeveral, "absent", {"-DFACTOR=3"});
  CHECK(absent.outcome == Outcome::contract_error);
  CHECK(has(absent.message,
            "'absent' names no __global__ function of the source; it has: (anonymous"));
  CHECK(has(compile_by_nvcc("x", "a\nb").message, "on one line"));
}

TEST_CASE("nvcc: errors are those of the source, with its lines") {
  const CompileAnswer body = compile_by_nvcc(kSeveral, "wrong<float>", {"-DFACTOR=3"});
  CHECK(body.outcome == Outcome::compile_error);
  INFO(body.log);
  CHECK(has(body.log, "kernel.cu(9): error"));
  CHECK(has(body.log, "missing"));
  CHECK_FALSE(has(body.log, "/tmp/"));
  const CompileAnswer endless = compile_by_nvcc(
      "template <int N> struct A { static constexpr int v = A<N + 1>::v; };\n"
      "__global__ void k(int* x) { *x = A<0>::v; }\n");
  CHECK(endless.outcome == Outcome::compile_error);
  INFO(endless.log);
  CHECK(has(endless.log, "error"));
  CHECK(endless.log.size() <= 4000);
}

TEST_CASE("nvcc: CUB's headers are there") {
  const CompileAnswer answer = compile_by_nvcc(
      "#include <cub/block/block_reduce.cuh>\n"
      "__global__ void k(int* x) { using R = cub::BlockReduce<int, 128>;\n"
      "  __shared__ R::TempStorage s; int v = R(s).Sum(x[threadIdx.x]);\n"
      "  if (threadIdx.x == 0) *x = v; }\n");
  INFO(answer.message + answer.log);
  CHECK(answer.outcome == Outcome::compiled);
}

TEST_CASE("nvcc: no macro reaches the shell that nvcc runs its parts with") {
  const auto folder =
      std::filesystem::temp_directory_path() / ("assay_nvcc_" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  const std::string file = (folder / "made").string();
  const CompileAnswer answer =
      compile_by_nvcc("__global__ void k(int* x) { *x = CONTROL; }\n", "",
                      {"-DCONTROL=7", "-DA=$(touch " + file + ")", "-DB=`touch " + file + "`",
                       "-DC=; touch " + file + " ;", "-DD=\"; touch " + file + "; \""});
  INFO(answer.message + answer.log);
  CHECK(answer.outcome == Outcome::compiled);
  CHECK_FALSE(std::filesystem::exists(file));
  // What the shell would have done with them.
  REQUIRE(std::system(("echo $(touch " + file + ")").c_str()) == 0);
  CHECK(std::filesystem::exists(file));
  std::filesystem::remove_all(folder);
}

TEST_CASE("nvcc: every option that is forwarded is one that it knows") {
  const CompileAnswer answer = compile_by_nvcc("__global__ void k(int* x) { *x = 1; }\n", "",
                                               {"--use_fast_math",
                                                "--extra-device-vectorization",
                                                "-lineinfo",
                                                "--restrict",
                                                "--device-int128",
                                                "-w",
                                                "-std=c++20",
                                                "--ftz=true",
                                                "--fmad=true",
                                                "--prec-div=true",
                                                "--prec-sqrt=true",
                                                "--maxrregcount=32",
                                                "--diag-suppress=177",
                                                "--diag-warn=128",
                                                "--diag-error=20",
                                                "-UX",
                                                "-Xptxas",
                                                "-O3,-v,-dlcm=ca",
                                                "--expt-relaxed-constexpr",
                                                "--extended-lambda",
                                                "-O3",
                                                "-gencode",
                                                "arch=compute_90a,code=sm_90a",
                                                "-ftemplate-depth=300"});
  INFO(answer.message + answer.log);
  CHECK(answer.outcome == Outcome::compiled);
  CHECK(has(answer.log, "--device-int128 left out"));
}

TEST_CASE("nvcc: a server without it says so; a child's end and output are told") {
  engine::CompileTask without = task("x", "", {});
  without.nvcc = "/no/such/nvcc";
  const auto answer = engine::compile_with_nvcc(without);
  REQUIRE_FALSE(answer);
  CHECK(has(answer.error().message, "there is no nvcc on this server"));
  const auto killed =
      engine::run_child({"/bin/sh", "-c", "echo one; echo two >&2; kill -9 $$"}, "/", 5);
  REQUIRE(killed);
  CHECK(killed->status == 128 + 9);
  CHECK(killed->output == "one\nt");
  CHECK_FALSE(engine::run_child({"/no/such/program"}, "/", 5));
}
