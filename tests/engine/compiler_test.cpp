// SPDX-License-Identifier: Apache-2.0
// Real compilations by NVRTC, without a GPU and without a sandbox: what the compiler process does
// inside.
#include <catch2/catch.hpp>

#include "engine/compiler/compile_log.h"
#include "engine/compiler/cubin.h"
#include "engine/compiler/nvrtc_compile.h"
#include "engine/compiler/resource_usage.h"
#include "tests/engine/compiler_support.h"

using namespace assay;
using engine::CompileAnswer;
using tests::has;
using Outcome = engine::CompileAnswer::Outcome;

namespace {

CompileAnswer compile(const std::string& source, const std::string& name = {},
                      std::vector<std::string> options = {}) {
  engine::CompileTask task = tests::compile_task(source, name, std::move(options));
  task.nvrtc_library = NVRTC_LIBRARY;
  const auto answer = engine::compile_with_nvrtc(task);
  INFO((answer ? "" : answer.error().message));
  REQUIRE(answer);
  return *answer;
}

const std::string kAdd =
    "__global__ void add(float* a, float* b) {\n"
    "  __shared__ float s[32];\n"
    "  s[threadIdx.x % 32] = a[threadIdx.x]; __syncthreads();\n"
    "  b[threadIdx.x] = s[31 - threadIdx.x % 32];\n}\n";

}  // namespace

TEST_CASE("a plain kernel compiles, with its resources") {
  const CompileAnswer answer = compile(kAdd);
  INFO(answer.message + answer.log);
  REQUIRE(answer.outcome == Outcome::compiled);
  CHECK(answer.kernel_name == "_Z3addPfS_");
  CHECK(answer.cubin.substr(1, 3) == "ELF");
  CHECK(answer.tool == "nvrtc 13.0");
  REQUIRE(answer.kernels.size() == 1);
  CHECK(answer.kernels[0].kernel_name == "add(float*, float*)");
  CHECK(answer.kernels[0].registers.value() > 4);
  CHECK(answer.kernels[0].shared_static_bytes == 128);
  CHECK(answer.kernels[0].spill_store_bytes == 0);
  CHECK(answer.kernels[0].stack_bytes == 0);
  CHECK(answer.kernels[0].constant_bytes.value() > 0);
  CHECK(answer.log.empty());
  CHECK(compile(kAdd, "add").kernel_name == "_Z3addPfS_");
  CHECK(compile(kAdd, "_Z3addPfS_").kernel_name == "_Z3addPfS_");
}

TEST_CASE("kernels are found by every kind of name") {
  const std::string source =
      "extern \"C\" __global__ void plain(int* x) { *x = 1; }\n"
      "namespace deep { __global__ void inner(int* x) { *x = 2; } }\n"
      "template <typename T, int N> __global__ void shaped(T* x) { *x = N; }\n";
  CHECK(compile(source, "plain").kernel_name == "plain");
  CHECK(compile(source, "deep::inner").kernel_name == "_ZN4deep5innerEPi");
  const CompileAnswer shaped = compile(source, "shaped<float, 4>");
  REQUIRE(shaped.outcome == Outcome::compiled);
  CHECK(shaped.kernel_name == "_Z6shapedIfLi4EEvPT_");
  CHECK(shaped.kernels.front().kernel_name == "void shaped<float, 4>(float*)");

  const CompileAnswer unnamed = compile(source);
  CHECK(unnamed.outcome == Outcome::contract_error);
  CHECK(has(unnamed.message, "several"));
  CHECK(has(unnamed.message, "deep::inner(int*), plain"));
  const CompileAnswer wrong = compile(source, "absent");
  CHECK(wrong.outcome == Outcome::contract_error);
  CHECK(has(wrong.message, "'absent' names no __global__ function"));
  CHECK(has(wrong.message, "deep::inner(int*)"));
  const CompileAnswer none = compile("__device__ int f() { return 1; }");
  CHECK(none.outcome == Outcome::contract_error);
  CHECK(has(none.message, "no __global__ function"));
}

TEST_CASE("a name that is not mangled is shown as it is") {
  for (const std::string name : {"f", "i", "Pi"}) {
    const CompileAnswer answer =
        compile("extern \"C\" __global__ void " + name + "(int* x) { *x = 1; }\n");
    INFO(answer.message + answer.log);
    REQUIRE(answer.outcome == Outcome::compiled);
    CHECK(answer.kernel_name == name);
    REQUIRE(answer.kernels.size() == 1);
    CHECK(answer.kernels[0].kernel_name == name);
  }
}

TEST_CASE("a syntax error names the line of the submitted source") {
  const CompileAnswer answer = compile("__global__ void k(int* x) {\n  int y = ;\n}\n", "k");
  CHECK(answer.outcome == Outcome::compile_error);
  CHECK(has(answer.log, "kernel.cu(2): error: expected an expression"));
  CHECK_FALSE(has(answer.log, "__nv_name_map"));
}

TEST_CASE("INFINITY and NAN are there for sources that bring none") {
  const auto outcome = [](const std::string& head) {
    return compile(head + "__global__ void k(float* x) { x[0] = -INFINITY; x[1] = NAN; }\n", "k");
  };
  const CompileAnswer given = outcome("");
  INFO(given.message + given.log);
  CHECK(given.outcome == Outcome::compiled);
  CHECK(given.kernel_name == "_Z1kPf");
  CHECK(outcome("#define INFINITY (1.0f / 0.0f)\n").outcome == Outcome::compiled);
  // What else is wrong is still said, and the macros are not offered to what lacks other names.
  const CompileAnswer wrong = outcome("__device__ float other = INFINITE;\n");
  CHECK(wrong.outcome == Outcome::compile_error);
  CHECK(has(wrong.log, "INFINITE"));
  CHECK_FALSE(has(wrong.log, "\"INFINITY\" is undefined"));
}

TEST_CASE("spills and options are seen") {
  const std::string source =
      "__global__ void k(float* x) { float q[64];\n"
      "#pragma unroll\n for (int i = 0; i < 64; ++i) q[i] = x[i * 7];\n __syncthreads();\n"
      "#pragma unroll\n for (int i = 0; i < 64; ++i) x[i] = q[63 - i] * FACTOR; }\n";
  const CompileAnswer answer = compile(source, "", {"-DFACTOR=3.f", "-maxrregcount=24", "-O3"});
  INFO(answer.message + answer.log);
  REQUIRE(answer.outcome == Outcome::compiled);
  CHECK(answer.kernels[0].registers.value() <= 24);
  CHECK(answer.kernels[0].spill_store_bytes.value() > 0);
  CHECK(has(answer.log, "-O3 left out"));
  CHECK(compile(source).outcome == Outcome::compile_error);
}

TEST_CASE("CUB's headers are there, and their paths are short in errors") {
  const CompileAnswer good = compile(
      "#include <cub/block/block_reduce.cuh>\n"
      "__global__ void k(int* x) { using R = cub::BlockReduce<int, 128>;\n"
      "  __shared__ R::TempStorage s; int v = R(s).Sum(x[threadIdx.x]);\n"
      "  if (threadIdx.x == 0) *x = v; }\n");
  INFO(good.message + good.log);
  CHECK(good.outcome == Outcome::compiled);
  const CompileAnswer bad = compile("#include <cub/cub.cuh>\n__global__ void k() {}\n");
  CHECK(bad.outcome == Outcome::compile_error);
  CHECK(bad.log.size() <= engine::kMaxLogCharacters);
  CHECK_FALSE(has(bad.log, CUDA_DIRECTORY));
}

TEST_CASE("a refused option is the contract's error") {
  CHECK(compile(kAdd, "", {"-I/etc"}).outcome == Outcome::contract_error);
}

TEST_CASE("an error inside a template that the name asks for is shown, not the name blamed") {
  const std::string source =
      "template <typename T> __global__ void k(T* x) {\n  *x = missing(*x);\n}\n";
  const CompileAnswer answer = compile(source, "k<float>");
  INFO(answer.message + answer.log);
  CHECK(answer.outcome == Outcome::compile_error);
  CHECK(has(answer.log, "kernel.cu(2): error"));
  const CompileAnswer name = compile(source, "k<no_such_type>");
  CHECK(name.outcome == Outcome::contract_error);
}

TEST_CASE("code of more bytes than a runner takes is an error with both numbers") {
  const CompileAnswer answer = compile(
      "__device__ int table[1 << 26] = {1};\n"
      "__global__ void k(int* x) { *x = table[threadIdx.x]; }\n");
  CHECK(answer.outcome == Outcome::compile_error);
  CHECK(has(answer.message, "at most 134217728 are allowed"));
  CHECK(answer.cubin.empty());
}

TEST_CASE("#pragma and assembly read no files") {
  for (const std::string trick : {"#pragma once \"/etc/passwd\"\n__global__ void k() { asm(\".file "
                                  "1 \\\"/etc/passwd\\\"\"); }",
                                  "#pragma GCC dependency \"/etc/passwd\"\n__global__ void k() {}",
                                  "__global__ void k() { asm(\".incbin \\\"/etc/passwd\\\"\"); }",
                                  "#embed \"/etc/passwd\"\n__global__ void k() {}"}) {
    const CompileAnswer answer = compile(trick + "\n");
    INFO(trick + "\n" + answer.log);
    CHECK_FALSE(has(answer.log + answer.cubin, "root:"));
  }
}

TEST_CASE("an endless template is an error, not an endless compilation") {
  const CompileAnswer answer = compile(
      "template <int N> struct A { static constexpr int v = A<N + 1>::v; };\n"
      "__global__ void k(int* x) { *x = A<0>::v; }\n");
  CHECK(answer.outcome == Outcome::compile_error);
  CHECK(has(answer.log, "excessive recursion"));
}

TEST_CASE("every allowed option is one that NVRTC knows") {
  const CompileAnswer answer = compile(kAdd, "",
                                       {"--use_fast_math",
                                        "--extra-device-vectorization",
                                        "-lineinfo",
                                        "--restrict",
                                        "--device-int128",
                                        "-default-device",
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
                                        "--ptxas-options=-O3",
                                        "--ptxas-options=--warn-on-spills",
                                        "-Xptxas=-dlcm=ca",
                                        "-Xptxas",
                                        "-O3,-v",
                                        "-gencode=arch=compute_90,code=sm_90",
                                        "--extended-lambda",
                                        "--expt-relaxed-constexpr"});
  INFO(answer.message + answer.log);
  CHECK(answer.outcome == Outcome::compiled);
  CHECK(compile(kAdd, "", {"-G", "-dopt=on"}).outcome == Outcome::compiled);
}

TEST_CASE("images and logs that make no sense are survived") {
  CHECK(engine::read_kernels("").empty());
  CHECK(engine::read_kernels(std::string(64, '\x7f')).empty());
  std::string image = compile(kAdd).cubin;
  for (std::size_t size = 0; size < image.size(); size += 97) {
    engine::read_kernels(std::string_view(image).substr(0, size));
  }
  for (std::size_t at = 0; at < image.size(); at += 3) {
    std::string broken = image;
    broken[at] = static_cast<char>(0xff);
    engine::read_kernels(broken);
  }
  CHECK(engine::read_resource_usage("ptxas info : Used 8 registers\nptxas info : Function "
                                    "properties for x\n 5 bytes stack frame\n")
            .empty());
  const auto usage = engine::read_resource_usage(
      "ptxas info    : Compiling entry function 'k' for 'sm_90'\n"
      "ptxas info    : Used 99999999999999999999 registers, used 1 barriers\n");
  CHECK_FALSE(usage.at(0).registers);
}

TEST_CASE(
    "local memory is what the deepest call needs of the stack, and nothing where it is not told") {
  const auto usage = engine::read_resource_usage(
      "ptxas info    : Compiling entry function 'k' for 'sm_90'\n"
      "ptxas info    : Function properties for k\n"
      "    256 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n"
      "ptxas info    : Used 32 registers, used 0 barriers, 264 bytes cumulative stack size, 40 "
      "bytes smem\n"
      "ptxas info    : Compiling entry function 'm' for 'sm_90'\n"
      "ptxas info    : Used 8 registers, used 0 barriers\n");
  CHECK(usage.at(0).local_bytes == 264);
  CHECK(usage.at(0).shared_static_bytes == 40);
  CHECK(usage.at(1).local_bytes == 0);
}
