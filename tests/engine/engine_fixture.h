// SPDX-License-Identifier: Apache-2.0
// An engine over a fake executor, with a data folder of its own.
#pragma once

#include <memory>
#include <string>

#include <catch2/catch.hpp>

#include "engine/engine.h"
#include "tests/engine/fake_executor.h"
#include "tests/engine/temporary_directory.h"

namespace assay::tests {

inline schemas::WorkRequest work(const std::string& source) {
  schemas::WorkRequest request;
  request.candidate.source_code = source;
  return request;
}

struct EngineFixture {
  explicit EngineFixture(std::int64_t parallel = 1, std::size_t queue = 100) {
    options.data_directory = directory.path() + "/data";
    options.max_queued_jobs = queue;
    state->capacity.parallel_jobs = parallel;
    open();
  }
  void open() {
    auto opened = engine::Engine::open(options, std::make_unique<FakeExecutor>(state));
    INFO((opened ? "" : opened.error().message));
    REQUIRE(opened);
    engine = std::move(*opened);
  }
  std::string submit(const std::string& source) {
    auto id = engine->submit(work(source));
    REQUIRE(id);
    return *id;
  }
  TemporaryDirectory directory;
  engine::EngineOptions options;
  std::shared_ptr<FakeExecutorState> state = std::make_shared<FakeExecutorState>();
  std::unique_ptr<engine::Engine> engine;
};

}  // namespace assay::tests
