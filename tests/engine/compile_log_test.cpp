// SPDX-License-Identifier: Apache-2.0
#include "engine/compiler/compile_log.h"

#include <catch2/catch.hpp>

#include "engine/compiler/kernel_choice.h"
#include "tests/engine/compiler_support.h"

using namespace assay;
using tests::has;

TEST_CASE("a log is cut with its errors first") {
  std::string log;
  for (int i = 0; i < 100; ++i) {
    log += "kernel.cu(" + std::to_string(i) + "): warning: unused\n  more of it\n\n";
  }
  log += "kernel.cu(7): error: this one\n  that line\n         ^\n\n";
  log += "ptxas info    : Used 8 registers\n";
  const std::string shown = engine::shorten_log(log, {});
  CHECK(shown.starts_with("kernel.cu(7): error: this one\n  that line\n         ^\n"));
  CHECK(shown.size() <= engine::kMaxLogCharacters);
  CHECK(has(shown, "more characters"));
  CHECK_FALSE(has(shown, "ptxas"));
  CHECK(engine::shorten_log("/a/b/c.h(1): error: x\n", {"/a", "/a/b"}) == "c.h(1): error: x\n");
}

TEST_CASE("a chain of instantiations keeps its first and last") {
  std::string log = "kernel.cu(1): error: excessive recursion\n          detected during:\n";
  for (int i = 0; i < 9; ++i) {
    log += "            instantiation of \"A<" + std::to_string(i) + ">\" at line 1\n";
  }
  log += "            [ 190 instantiation contexts not shown ]\n";
  log += "            instantiation of \"A<0>\" at line 2\n\n";
  log += "1 error detected in the compilation of \"kernel.cu\".\n";
  CHECK(engine::shorten_log(log, {}) ==
        "kernel.cu(1): error: excessive recursion\n          detected during:\n"
        "            instantiation of \"A<0>\" at line 1\n"
        "            … 9 more instantiations\n"
        "            instantiation of \"A<0>\" at line 2\n"
        "1 error detected in the compilation of \"kernel.cu\".\n");
  const std::string two =
      "kernel.cu(1): error: x\n            instantiation of \"A\" at line 1\n"
      "            instantiation of \"B\" at line 2\n";
  CHECK(engine::shorten_log(two, {}) == two);
}

TEST_CASE("a warning about an error is a warning; a line is cut; notes follow") {
  const std::string log =
      "kernel.cu(1): warning: function \"error\" is unused\n"
      "ptxas fatal   : Unresolved extern function 'f'\n" +
      std::string(3000, 'x') + "\nRemark: The warnings can be suppressed\n";
  const std::string shown = engine::shorten_log(log, {}, {"option -O3 left out"});
  CHECK(shown.starts_with("ptxas fatal"));
  CHECK(shown.ends_with("option -O3 left out\n"));
  CHECK(shown.size() < 800);
  CHECK_FALSE(has(shown, "Remark"));
}

TEST_CASE("errors of the source are told from those of the kernel's name") {
  using engine::FailedPart;
  const auto failed = [](const std::string& log) { return engine::failed_part(log, "name"); };
  CHECK(failed("name(1): error: identifier \"absent\" is undefined\n") == FailedPart::name);
  CHECK(failed("name(1): error: x\nkernel.cu(3): error: y\n") == FailedPart::source);
  CHECK(failed("kernel.cu(3): error: y\n    at line 1 of name(1): error\n") == FailedPart::source);
  CHECK(failed("") == FailedPart::source);
}

TEST_CASE("a whole log is bounded") {
  CHECK(engine::bounded_log("short") == "short");
  CHECK(engine::bounded_log(std::string(1 << 20, 'x')).size() < (std::size_t{513} << 10));
}
