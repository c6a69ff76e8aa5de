// SPDX-License-Identifier: Apache-2.0
#include "engine/compiler/compile_options.h"

#include <catch2/catch.hpp>

#include "tests/engine/compiler_support.h"

using namespace assay;
using schemas::CudaBackend;
using tests::has;
using Words = std::vector<std::string>;

namespace {

engine::CompileOptions read(const Words& options, CudaBackend backend = CudaBackend::nvrtc) {
  auto result = engine::read_compile_options(options, "sm_90", backend);
  INFO((result ? "" : result.error().message));
  REQUIRE(result);
  return *result;
}

}  // namespace

TEST_CASE("options that read files or change what is made are refused with the reason") {
  const auto refusal = [](const std::vector<std::string>& options) {
    const auto read = engine::read_compile_options(options, "sm_90");
    return read ? std::string() : read.error().message;
  };
  CHECK(has(refusal({"-I/etc"}), "cannot read files of the server"));
  CHECK(has(refusal({"-I", "/etc"}), "cannot read files of the server"));
  CHECK(has(refusal({"--include-path=/etc"}), "cannot read files of the server"));
  CHECK(has(refusal({"--pre-include=/etc/passwd"}), "cannot read files of the server"));
  CHECK(has(refusal({"-rdc=true"}), "complete by itself"));
  CHECK(has(refusal({"-Xcompiler", "-O3"}), "no host compiler"));
  CHECK(has(refusal({"--made-up"}), "not on the list: -D, -U"));
  CHECK(has(refusal({"/etc/passwd"}), "is no option"));
  CHECK(has(refusal({"--std=c++98"}), "takes c++11"));
  CHECK(has(refusal({"--maxrregcount=-1"}), "number of registers"));
  CHECK(has(refusal({"-arch=sm_80"}), "the device is sm_90"));
  CHECK(has(refusal({"--ptxas-options=--input-as-string"}), "not allowed"));
  CHECK(has(refusal(std::vector<std::string>(65, "-DX")), "more than 64"));
  CHECK(has(refusal({"-D"}), "takes a macro"));

  const auto read = engine::read_compile_options(
      {"-DA=1", "-D", "B", "--std=c++17", "-std", "c++20", "-lineinfo", "--use_fast_math",
       "-arch=sm_90a", "-Xptxas", "-v", "--ptxas-options=-dlcm=cg", "-O3", "--fmad=false"},
      "sm_90");
  REQUIRE(read);
  CHECK(read->architecture == "sm_90a");
  CHECK(read->forwarded == std::vector<std::string>{"--define-macro=A=1", "--define-macro=B",
                                                    "--std=c++17", "--std=c++20",
                                                    "--generate-line-info", "--use_fast_math",
                                                    "--ptxas-options=-dlcm=cg", "--fmad=false"});
}

TEST_CASE("each refused option names itself and its reason, for both compilers") {
  for (const CudaBackend backend : {CudaBackend::nvrtc, CudaBackend::nvcc}) {
    for (const auto& [option, reason] : std::vector<std::pair<std::string, std::string>>{
             {"-ccbin=/tmp/x", "no host compiler"},
             {"--compiler-bindir=/tmp", "no host compiler"},
             {"-Xcompiler=-fplugin=/tmp/x.so", "no host compiler"},
             {"-fplugin=/tmp/x.so", "no host compiler"},
             {"--dlink", "complete by itself"},
             {"-Xnvlink=x", "complete by itself"},
             {"-optf=/etc/passwd", "cannot read files"},
             {"--options-file=/etc/passwd", "cannot read files"},
             {"-include=/etc/passwd", "cannot read files"},
             {"-ldir=/tmp", "cannot read files"},
             {"--keep", "decides what is written"},
             {"-odir=/tmp", "decides what is written"},
             {"-ptx", "decides what is written"},
             {"-Xcudafe=--diag_suppress=177", "--diag-suppress"},
             {"-Xptxas=-o,/tmp/x", "not allowed"},
             {"--ptxas-options=--input-as-string=x", "not allowed"},
             {"-std=gnu++17;touch", "takes c++11"},
             {"--ftz=$(id)", "takes true or false"},
             {"-DA=1\n#include \"/etc/passwd\"", "control characters"},
             {"-D=1", "takes a macro"}}) {
      INFO(option);
      const auto refused = engine::read_compile_options({option}, "sm_90", backend);
      REQUIRE_FALSE(refused);
      CHECK(has(refused.error().message, option.substr(0, option.find('\n'))));
      CHECK(has(refused.error().message, reason));
    }
  }
}

TEST_CASE("what nvcc's command lines often hold is accepted, and what has no effect is said") {
  const auto options = read({"-O3", "-O", "2", "-g", "-m64", "--threads", "4", "--resource-usage",
                             "-Wno-deprecated-gpu-targets", "--default-stream=per-thread",
                             "-arch=native", "-gencode", "arch=compute_80,code=sm_80", "-Xptxas",
                             "-v,-O3", "-Xptxas=-warn-spills", "--expt-relaxed-constexpr"});
  CHECK(options.forwarded == Words{"--ptxas-options=-O3", "--ptxas-options=-warn-spills"});
  CHECK(options.architecture == "sm_90");
  CHECK(options.notes.size() == 11);
  CHECK(has(options.notes.back(), "metadata.backend \"nvcc\" does"));
  CHECK(read({"-gencode=arch=compute_90a,code=sm_90a", "-gencode", "arch=compute_80,code=sm_80"})
            .architecture == "sm_90a");
  CHECK(read({"--gpu-code=sm_90"}).architecture == "sm_90");
}

TEST_CASE("for nvcc macros become lines of the source, in their order") {
  const auto options = read({"-DA", "-DB=1 + 2", "-UA", "--define-macro=f(x)=x", "-dopt=on",
                             "--device-int128", "--extended-lambda"},
                            CudaBackend::nvcc);
  CHECK(options.macro_lines ==
        Words{"#define A 1", "#define B 1 + 2", "#undef A", "#define f(x) x"});
  CHECK(options.forwarded == Words{"--dopt=on", "--extended-lambda"});
  CHECK(options.notes == Words{"option --device-int128 left out: only NVRTC knows it"});
  CHECK(read({"-DA"}).macro_lines.empty());
}
