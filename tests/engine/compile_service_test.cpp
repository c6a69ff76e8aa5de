// SPDX-License-Identifier: Apache-2.0
// Confined compilers of `cuda` kernels, as the server has them: hostile sources, limits, the cache
// behind them. No judge, no Python, no GPU.
#include "engine/compile_service.h"

#include <cstdlib>
#include <filesystem>
#include <future>
#include <iostream>

#include <catch2/catch.hpp>

#include "engine/artifact_cache.h"
#include "engine/toolchain.h"
#include "tests/engine/evaluation_cases.h"
#include "tests/engine/temporary_directory.h"

using namespace assay;
using namespace std::chrono_literals;
using engine::BuildResult;
using engine::Cancellation;
using schemas::CudaBackend;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

schemas::Kernel cuda(const std::string& source, CudaBackend backend = CudaBackend::nvrtc,
                     const std::string& name = {}) {
  schemas::Kernel kernel = tests::cuda_kernel(source);
  kernel.metadata.backend = backend;
  if (!name.empty()) kernel.metadata.kernel_name = name;
  return kernel;
}

template <typename T>
T value_of(schemas::Result<T> result) {
  INFO((result ? "" : result.error().message));
  REQUIRE(result);
  return std::move(*result);
}

struct Fixture {
  explicit Fixture(engine::CompileLimits limits = {2, {}, 0})
      : installation(find()),
        spawner(value_of(sandbox::Spawner::create(installation.keeper))),
        zygote(installation, spawner, [] {}),
        service(installation, spawner, zygote, uids, limits),
        cache(value_of(engine::ArtifactCache::open(directory.path()))),
        toolchain(installation) {}

  static engine::Installation find() {
    const auto found = engine::Installation::find();
    if (!found || found->nvrtc_library.empty()) {
      std::cout << "skipped: " << (found ? "no NVRTC" : found.error().message) << "\n";
      std::exit(77);
    }
    return *found;
  }

  schemas::Result<BuildResult> compile(const schemas::Kernel& kernel,
                                       std::chrono::seconds time = 120s) {
    Cancellation none;
    engine::Budget budget(time);
    isolation = {};
    return cache->find_or_build(
        toolchain.artifact_key(kernel, "sm_90"), none, budget.deadline(),
        [&] { return service.compile(kernel, "sm_90", budget, none, isolation); });
  }
  BuildResult built(const schemas::Kernel& kernel, std::chrono::seconds time = 120s) {
    auto result = compile(kernel, time);
    INFO((result ? result->failure : result.error().message));
    REQUIRE(result);
    return *result;
  }

  const engine::Installation installation;
  sandbox::Spawner spawner;
  sandbox::UidPool uids{710'000'000, 8};
  engine::ZygoteProcess zygote;
  engine::CompileService service;
  const tests::TemporaryDirectory directory;
  std::unique_ptr<engine::ArtifactCache> cache;
  engine::Toolchain toolchain;
  schemas::IsolationReport isolation;
};

const std::string kGood = "__global__ void k(int* x) { *x = 1; }\n";

}  // namespace

TEST_CASE("both compilers work confined; each has artifacts of its own") {
  Fixture fixture;
  for (const CudaBackend backend : {CudaBackend::nvrtc, CudaBackend::nvcc}) {
    const BuildResult first = fixture.built(cuda(kGood, backend, "k"));
    INFO(first.failure);
    REQUIRE(first.artifact);
    CHECK(first.artifact->kernel_name == "_Z1kPi");
    CHECK(first.report.tool.starts_with(backend == CudaBackend::nvcc ? "nvcc " : "nvrtc "));
    CHECK(first.report.kernels.at(0).registers.value() > 0);
    CHECK_FALSE(first.report.cache_hit);
    CHECK(fixture.built(cuda(kGood, backend, "k")).report.cache_hit);
    CHECK(fixture.isolation.layers.empty());
  }
  const engine::CacheUse use = fixture.cache->use();
  CHECK(use.hits == 2);
  CHECK(use.misses == 2);
  CHECK(use.entries == 2);
  CHECK(use.bytes > 0);
  CHECK(use.seconds_saved > 0);
}

TEST_CASE("no file of the machine can be read by a source") {
  Fixture fixture;
  bool hides_proc = false;
  for (const CudaBackend backend : {CudaBackend::nvrtc, CudaBackend::nvcc}) {
    // nvcc takes a second for each.
    std::vector<std::string> paths = {"/etc/passwd", "/proc/self/maps"};
    if (backend == CudaBackend::nvrtc)
      paths.insert(paths.end(),
                   {"/etc/shadow", "/proc/1/environ", "/etc/hostname", "../../../../etc/passwd"});
    for (const std::string& path : paths) {
      const BuildResult result = fixture.built(
          cuda(std::string("#include \"").append(path).append("\"\n").append(kGood), backend));
      INFO(path << "\n" << result.failure);
      for (const auto& layer : fixture.isolation.layers)
        hides_proc = hides_proc || (layer.name == "landlock" && layer.applied);
      if (path.starts_with("/proc") && !hides_proc) continue;
      CHECK_FALSE(result.artifact);
      CHECK((has(result.failure, "cannot open source file") ||
             has(result.failure, "No such file") || has(result.failure, "Permission denied")));
      CHECK_FALSE(has(result.failure + result.whole_log, "root:"));
      CHECK_FALSE(has(result.failure + result.whole_log, "r-xp"));
    }
    // The control: a header of CUDA's.
    CHECK(fixture.built(cuda("#include <cuda_fp16.h>\n" + kGood, backend)).artifact);
    const BuildResult assembly = fixture.built(
        cuda("__global__ void k() { asm(\".incbin \\\"/etc/passwd\\\"\"); }\n", backend));
    INFO(assembly.failure);
    CHECK_FALSE(
        has(assembly.failure + (assembly.artifact ? assembly.artifact->binary : ""), "root:"));
  }
}

TEST_CASE("sources that do not end, or make too much, are told so and leave no artifact") {
  Fixture fixture;
  const std::string endless =
      "template <int N, int M> struct A { static constexpr int v = A<N - 1, M * 2>::v ^ "
      "A<N - 1, M * 2 + 1>::v; };\ntemplate <int M> struct A<0, M> { static constexpr int v = M; "
      "};\n"
      "__global__ void k(int* x) { *x = A<28, 1>::v; }\n";
  for (const CudaBackend backend : {CudaBackend::nvrtc, CudaBackend::nvcc}) {
    const auto begin = std::chrono::steady_clock::now();
    CHECK(fixture.built(cuda(endless, backend), 2s).timed_out);
    CHECK(std::chrono::steady_clock::now() - begin < 20s);
    const BuildResult recursion =
        fixture.built(cuda("template <int N> struct A { static constexpr int v = A<N + 1>::v; };\n"
                           "__global__ void k(int* x) { *x = A<0>::v; }\n",
                           backend));
    INFO(recursion.failure);
    CHECK_FALSE(recursion.artifact);
    CHECK(has(recursion.failure, "error"));
  }
  const BuildResult huge =
      fixture.built(cuda("__device__ int table[1 << 26] = {1};\n"
                         "__global__ void k(int* x) { *x = table[threadIdx.x]; }\n"));
  INFO(huge.failure);
  CHECK_FALSE(huge.artifact);
  CHECK(has(huge.failure, "at most 134217728 are allowed"));
  CHECK(fixture.cache->use().entries == 0);
  CHECK(fixture.built(cuda(kGood)).artifact);
}

TEST_CASE("COMPILE_TIMEOUT ends a build, for everybody who waits for it") {
  Fixture fixture({2, 2s, 0});
  const schemas::Kernel slow = cuda(
      "template <int N, int M> struct A { static constexpr int v = A<N - 1, M * 2>::v ^ "
      "A<N - 1, M * 2 + 1>::v; };\ntemplate <int M> struct A<0, M> { static constexpr int v = M; "
      "};\n"
      "__global__ void k(int* x) { *x = A<28, 1>::v; }\n");
  auto other = std::async(std::launch::async, [&] {
    Cancellation none;
    engine::Budget budget(60s);
    schemas::IsolationReport isolation;
    return fixture.cache->find_or_build(
        fixture.toolchain.artifact_key(slow, "sm_90"), none, budget.deadline(),
        [&] { return fixture.service.compile(slow, "sm_90", budget, none, isolation); });
  });
  const BuildResult ended = fixture.built(slow, 60s);
  const auto shared = other.get();
  REQUIRE(shared);
  for (const BuildResult& result : {ended, *shared}) {
    CHECK_FALSE(result.artifact);
    CHECK_FALSE(result.timed_out);
    CHECK(has(result.failure, "longer than the server allows (COMPILE_TIMEOUT, 2 s)"));
  }
  CHECK(fixture.cache->use().misses == 1);
  CHECK(fixture.built(cuda(kGood)).artifact);
}
