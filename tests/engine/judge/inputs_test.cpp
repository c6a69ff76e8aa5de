// SPDX-License-Identifier: Apache-2.0
// Drawn values are torch's, bit by bit: the expectations are made by Python's torch while the test
// runs.
#include "engine/judge/inputs.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <unistd.h>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/judge/failure.h"
#include "engine/judge/torch_runtime.h"

using namespace assay;
using namespace assay::engine::judge;
using schemas::Dtype;
using schemas::Init;
using schemas::InitKind;

namespace {

struct Case {
  Init init;
  Dtype dtype;
  std::vector<std::int64_t> shape;
  std::uint64_t seed;
  std::string python;  // an expression; t = torch, d = dtype, s = shape, g = seeded generator
};

std::vector<Case> all_cases() {
  const auto init = [](InitKind kind) {
    Init made;
    made.kind = kind;
    return made;
  };
  std::vector<Case> cases;
  std::uint64_t seed = 0;
  for (std::size_t i = 0; i < schemas::dtype_names().size(); ++i) {
    const auto dtype = static_cast<Dtype>(i);
    const bool floating = schemas::is_floating(dtype);
    for (const std::vector<std::int64_t>& shape :
         {std::vector<std::int64_t>{3, 5}, {257}, {2, 3, 16}, {}, {0, 4}, {1}}) {
      seed = seed * 7 + 13;
      const std::uint64_t wide = (seed % 3 == 0 ? seed << 31 : seed) & 0x7FFFFFFFFFFFFFFF;
      const auto add = [&](const Init& with, const std::string& python) {
        cases.push_back({with, dtype, shape, wide, python});
      };
      const std::string low = dtype == Dtype::int8    ? "-128,128"
                              : dtype == Dtype::uint8 ? "0,256"
                              : dtype == Dtype::int32 ? "-2**31,2**31"
                              : dtype == Dtype::int64 ? "-10**6,10**6+1"
                                                      : "0,2";
      Init randn = init(InitKind::randn);
      add(randn, floating ? "t.randn(s,dtype=d,generator=g)"
                          : "t.randint(" + low + ",s,dtype=d,generator=g)");
      randn.mean = 0.3;
      randn.std = 2.7;
      if (floating) add(randn, "t.randn(s,dtype=d,generator=g)*2.7+0.3");
      Init uniform = init(InitKind::uniform);
      add(uniform,
          floating ? "t.rand(s,dtype=d,generator=g)" : "t.randint(0,2,s,dtype=d,generator=g)");
      uniform.low = -3;
      uniform.high = 5;
      if (floating)
        add(uniform, "-3.0+(5.0-(-3.0))*t.rand(s,dtype=d,generator=g)");
      else if (dtype != Dtype::boolean && dtype != Dtype::uint8)
        add(uniform, "t.randint(-3,6,s,dtype=d,generator=g)");
      add(init(InitKind::zeros), "t.zeros(s,dtype=d)");
      add(init(InitKind::ones), "t.ones(s,dtype=d)");
      Init full = init(InitKind::full);
      full.fill_value = 7.25;
      add(full, "t.full(s,7.25,dtype=d)");
      if (dtype == Dtype::boolean) continue;
      const std::string line =
          "(t.arange(%,%+@*n,@,dtype=d)[:n].expand(s) if s else "
          "t.arange(%,%+@,@,dtype=d).reshape(()))";
      const auto arange = [&](const std::string& start, const std::string& step) {
        std::string python;
        for (const char letter : line)
          python += letter == '%' ? start : letter == '@' ? step : std::string(1, letter);
        Init made = init(InitKind::arange);
        made.start = std::stod(start);
        made.step = std::stod(step);
        add(made, python);
      };
      arange("0.0", "1.0");
      if (dtype != Dtype::uint8 && dtype != Dtype::int8) arange("-4.0", "2.0");
      if (floating) arange("0.5", "0.1");
    }
  }
  return cases;
}

// All tensors' bytes, one after the other; empty when there is no Python with torch.
std::string torch_bytes(const std::vector<Case>& cases) {
  char folder[] = "/tmp/inputs_test.XXXXXX";
  if (mkdtemp(folder) == nullptr) return "";
  const std::string script = std::string(folder) + "/expect.py", out = std::string(folder) + "/out";
  {
    std::ofstream file(script);
    file << "import sys, torch as t\nf = open(sys.argv[1], 'wb')\n"
            "def put(x):\n    "
            "f.write(bytes(x.contiguous().flatten().view(t.uint8).numpy().tobytes()) if x.numel() "
            "else b'')\n";
    for (const Case& one : cases) {
      file << "d = t." << schemas::dtype_name(one.dtype)
           << "; s = " << schemas::shape_text(one.shape) << "; g = t.Generator().manual_seed("
           << one.seed << "); n = s[-1] if s else 1\n"
           << "put(" << one.python << ")\n";
    }
  }
  const std::string command = std::string(ASSAY_TEST_PYTHON) + " " + script + " " + out;
  const int status = std::system(command.c_str());
  std::ifstream file(out, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  std::remove(script.c_str());
  std::remove(out.c_str());
  rmdir(folder);
  return status == 0 ? bytes : "";
}

}  // namespace

TEST_CASE("drawn values equal torch's for every dtype and kind") {
  REQUIRE(start_torch({}));
  if (std::system((std::string(ASSAY_TEST_PYTHON) + " -c 'import torch' 2>/dev/null").c_str()) !=
      0) {
    WARN("skipped: " ASSAY_TEST_PYTHON " has no torch to compare with");
    return;
  }
  const std::vector<Case> cases = all_cases();
  const std::string expected = torch_bytes(cases);
  REQUIRE_FALSE(expected.empty());
  std::size_t offset = 0;
  for (const Case& one : cases) {
    const auto size = static_cast<std::size_t>(*schemas::element_count(one.shape) *
                                               schemas::dtype_bytes(one.dtype));
    std::string drawn(size, '\xAB');
    draw_values(one.init, one.dtype, one.shape, one.seed,
                {reinterpret_cast<std::byte*>(drawn.data()), size});
    CAPTURE(schemas::dtype_name(one.dtype), schemas::shape_text(one.shape), one.seed, one.python);
    REQUIRE(offset + size <= expected.size());
    REQUIRE(drawn == expected.substr(offset, size));
    offset += size;
  }
  CHECK(offset == expected.size());
}

TEST_CASE("what torch cannot make is told in torch's words") {
  Init init;
  init.kind = InitKind::arange;
  init.step = 0;
  std::vector<std::byte> bytes(40);
  try {
    draw_values(init, Dtype::float32, {10}, 0, bytes);
    FAIL("no failure");
  } catch (const Failure& failure) {
    CHECK(failure.cause == Cause::unusable);
    CHECK(failure.message.find("step") != std::string::npos);
  }
  init.kind = InitKind::uniform;
  init.low = 5;
  init.high = 1;
  CHECK_THROWS_AS(draw_values(init, Dtype::int32, {10}, 0, bytes), Failure);
}
