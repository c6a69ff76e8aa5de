// SPDX-License-Identifier: Apache-2.0
#include "engine/artifact_cache.h"

#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>

#include <catch2/catch.hpp>

#include "engine/cache_listing.h"
#include "tests/engine/temporary_directory.h"

using namespace assay;
using engine::Artifact;
using engine::ArtifactCache;
using engine::BuildResult;
using engine::Cancellation;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

Artifact cubin(std::size_t bytes = 100) {
  Artifact artifact;
  artifact.kernel_name = "add";
  artifact.binary = std::string(bytes, '\x7f');
  artifact.report.tool = "nvrtc 13.0";
  artifact.report.kernels.push_back({});
  artifact.report.kernels.front().registers = 12;
  return artifact;
}

BuildResult built(Artifact artifact) {
  BuildResult result;
  result.report = artifact.report;
  result.artifact = std::move(artifact);
  return result;
}

std::unique_ptr<ArtifactCache> opened(const std::string& directory) {
  auto cache = ArtifactCache::open(directory);
  REQUIRE(cache);
  return std::move(*cache);
}

fs::path only_file(const std::string& directory) {
  fs::path found;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) {
      CHECK(found.empty());
      found = entry.path();
    }
  }
  return found;
}

auto later() {
  return std::chrono::steady_clock::now() + 10s;
}

const std::string kKey = engine::content_key({"source", "sm_90"});

}  // namespace

TEST_CASE("keys tell lists of parts apart") {
  CHECK(kKey.size() == 64);
  CHECK(engine::content_key({"ab", "c"}) != engine::content_key({"a", "bc"}));
  CHECK(engine::content_key({"ab"}) != engine::content_key({"ab", ""}));
  // SHA-256 of u32 length 3 and "abc", from another implementation.
  CHECK(engine::content_key({"abc"}) ==
        "3da9865b43fa2ec490f78da9db16acd5638704dbce5cc7b3df2e3c7a23addf19");
}

TEST_CASE("an artifact is found again by another process's cache") {
  const tests::TemporaryDirectory directory;
  REQUIRE((*ArtifactCache::open(directory.path()))->store(kKey, cubin()));
  auto cache = ArtifactCache::open(directory.path());
  REQUIRE(cache);
  Cancellation none;
  const auto found = (*cache)->find_or_build(
      kKey, none, later(),
      []() -> schemas::Result<BuildResult> { throw std::logic_error("built again"); });
  REQUIRE(found);
  REQUIRE(found->artifact);
  CHECK(found->report.cache_hit);
  CHECK(found->artifact->kernel_name == "add");
  CHECK(found->artifact->binary == cubin().binary);
  CHECK(found->artifact->report.kernels.front().registers == 12);
  CHECK_FALSE((*cache)->load(engine::content_key({"other"})));
}

TEST_CASE("what does not verify is dropped and built again") {
  const tests::TemporaryDirectory directory;
  auto cache = ArtifactCache::open(directory.path());
  REQUIRE((*cache)->store(kKey, cubin()));
  const fs::path file = only_file(directory.path());
  const auto size = fs::file_size(file);
  SECTION("a flipped bit in the binary") {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(static_cast<std::streamoff>(size) - 10);
    stream.put('\x7e');
  }
  SECTION("a flipped bit in the length") {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(17 + 65 + 3);
    stream.put('\x70');
  }
  SECTION("cut short") {
    fs::resize_file(file, size / 2);
  }
  SECTION("cut to almost nothing") {
    fs::resize_file(file, 20);
  }
  SECTION("empty") {
    fs::resize_file(file, 0);
  }
  CHECK_FALSE((*cache)->load(kKey));
  CHECK_FALSE(fs::exists(file));
  Cancellation none;
  int builds = 0;
  const auto again =
      (*cache)->find_or_build(kKey, none, later(), [&]() -> schemas::Result<BuildResult> {
        ++builds;
        return built(cubin());
      });
  CHECK(builds == 1);
  CHECK_FALSE(again->report.cache_hit);
  CHECK((*cache)->load(kKey));
}

TEST_CASE("a half-written file of a killed process is never seen, and is swept away") {
  const tests::TemporaryDirectory directory;
  REQUIRE((*ArtifactCache::open(directory.path()))->store(kKey, cubin()));
  const fs::path file = only_file(directory.path());
  fs::rename(file, file.string() + ".new");
  auto cache = ArtifactCache::open(directory.path());
  CHECK_FALSE((*cache)->load(kKey));
  CHECK_FALSE(fs::exists(file.string() + ".new"));
}

TEST_CASE("callers of one key at once share one build") {
  const tests::TemporaryDirectory directory;
  auto cache = ArtifactCache::open(directory.path());
  std::atomic<int> builds{0};
  std::vector<std::future<schemas::Result<BuildResult>>> callers;
  std::array<Cancellation, 4> cancellations;
  callers.reserve(cancellations.size());
  bool good = GENERATE(true, false);
  for (Cancellation& cancellation : cancellations) {
    callers.push_back(std::async(std::launch::async, [&] {
      return (*cache)->find_or_build(kKey, cancellation, later(),
                                     [&]() -> schemas::Result<BuildResult> {
                                       ++builds;
                                       std::this_thread::sleep_for(200ms);
                                       if (good) {
                                         return built(cubin());
                                       }
                                       BuildResult failed;
                                       failed.failure = "error: expected ;";
                                       return failed;
                                     });
    }));
  }
  int hits = 0;
  for (auto& caller : callers) {
    const auto result = caller.get();
    REQUIRE(result);
    hits += result->report.cache_hit ? 1 : 0;
    CHECK(result->artifact.has_value() == good);
    CHECK(result->failure.empty() == good);
  }
  CHECK(builds == 1);
  CHECK(hits == 3);
}

TEST_CASE(
    "a build that was given up is taken over by the next in line; a cancelled waiter leaves") {
  const tests::TemporaryDirectory directory;
  auto cache = ArtifactCache::open(directory.path());
  Cancellation first_cancel, second_cancel, third_cancel;
  std::atomic<int> builds{0};
  auto first = std::async(std::launch::async, [&] {
    return (*cache)->find_or_build(kKey, first_cancel, later(),
                                   [&]() -> schemas::Result<BuildResult> {
                                     ++builds;
                                     std::this_thread::sleep_for(200ms);
                                     BuildResult late;
                                     late.timed_out = true;
                                     return late;
                                   });
  });
  std::this_thread::sleep_for(50ms);
  const auto build = [&]() -> schemas::Result<BuildResult> {
    ++builds;
    return built(cubin());
  };
  auto second = std::async(std::launch::async, [&] {
    return (*cache)->find_or_build(kKey, second_cancel, later(), build);
  });
  auto third = std::async(std::launch::async, [&] {
    return (*cache)->find_or_build(kKey, third_cancel, later(), build);
  });
  std::this_thread::sleep_for(30ms);
  Cancellation impatient;
  const auto late =
      (*cache)->find_or_build(kKey, impatient, std::chrono::steady_clock::now() + 10ms, build);
  CHECK(late->timed_out);
  third_cancel.cancel();
  CHECK(third.get().error().code == schemas::ErrorCode::cancelled);
  CHECK(first.get()->timed_out);
  CHECK(second.get()->artifact);
  CHECK(builds == 2);
}

TEST_CASE("hits, misses and what is stored are counted, and what is stored again after a restart") {
  const tests::TemporaryDirectory directory;
  auto cache = opened(directory.path());
  Cancellation none;
  const auto build = []() -> schemas::Result<BuildResult> {
    BuildResult result = built(cubin());
    result.report.seconds = result.artifact->report.seconds = 1.5;
    return result;
  };
  for (int i = 0; i < 3; ++i) REQUIRE(cache->find_or_build(kKey, none, later(), build));
  engine::CacheUse use = cache->use();
  CHECK(use.misses == 1);
  CHECK(use.hits == 2);
  CHECK(use.seconds_saved == 3.0);
  CHECK(use.entries == 1);
  const auto bytes = static_cast<std::int64_t>(fs::file_size(only_file(directory.path())));
  CHECK(use.bytes == bytes);
  REQUIRE(cache->store(kKey, cubin(300)));  // in the place of the other
  CHECK(cache->use().entries == 1);
  CHECK(cache->use().bytes ==
        static_cast<std::int64_t>(fs::file_size(only_file(directory.path()))));
  cache.reset();
  cache = opened(directory.path());
  use = cache->use();
  CHECK(use.entries == 1);
  CHECK(use.bytes > bytes);
  CHECK(use.hits + use.misses == 0);
  fs::resize_file(only_file(directory.path()), 30);
  CHECK_FALSE(cache->load(kKey));
  CHECK(cache->use().dropped == 1);
  CHECK(cache->use().entries == 0);
}

TEST_CASE("the cache is listed, verified and cleared from outside") {
  const tests::TemporaryDirectory directory;
  CHECK(engine::list_cache(directory.path() + "/none")->empty());
  auto cache = opened(directory.path());
  const std::string other = engine::content_key({"other"});
  REQUIRE(cache->store(kKey, cubin()));
  std::this_thread::sleep_for(20ms);
  REQUIRE(cache->store(other, cubin(50)));
  auto listed = *engine::list_cache(directory.path());
  REQUIRE(listed.size() == 2);
  CHECK(listed[0].key == other);  // the last used first
  CHECK(listed[0].sound);
  CHECK(listed[1].kernel_name == "add");
  CHECK(listed[1].tool == "nvrtc 13.0");
  fs::resize_file(directory.path() + "/" + other.substr(0, 2) + "/" + other, 40);
  listed = *engine::list_cache(directory.path());
  CHECK(std::count_if(listed.begin(), listed.end(), [](const auto& one) { return one.sound; }) ==
        1);
  CHECK(engine::remove_from_cache(directory.path(), listed) == 2);
  CHECK(engine::list_cache(directory.path())->empty());
  CHECK_FALSE(cache->load(kKey));  // which the server survives
}

TEST_CASE("the longest unused artifacts make room") {
  const tests::TemporaryDirectory directory;
  auto cache = ArtifactCache::open(directory.path(), 25000);
  const auto key = [](int number) { return engine::content_key({std::to_string(number)}); };
  for (int i = 0; i < 2; ++i) {
    REQUIRE((*cache)->store(key(i), cubin(10000)));
    std::this_thread::sleep_for(20ms);
  }
  REQUIRE((*cache)->load(key(0)));  // now 1 is the longest unused
  std::this_thread::sleep_for(20ms);
  REQUIRE((*cache)->store(key(2), cubin(10000)));
  CHECK((*cache)->load(key(0)));
  CHECK_FALSE((*cache)->load(key(1)));
  CHECK((*cache)->load(key(2)));
  CHECK((*cache)->use().evictions == 1);
  CHECK((*cache)->use().entries == 2);
}
