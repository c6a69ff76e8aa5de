// SPDX-License-Identifier: Apache-2.0
// What those hear who listen to a job.
#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "tests/engine/engine_fixture.h"

using namespace assay;
using schemas::JobState;
using Fixture = tests::EngineFixture;
using namespace std::chrono_literals;

TEST_CASE("a listener hears every change in order and can leave") {
  Fixture fixture;
  std::mutex mutex;
  std::vector<std::string> heard;
  int polite = 0;
  const std::string blocker = fixture.submit("hold");
  REQUIRE(fixture.state->wait_running(1));
  const std::string id = fixture.submit("good");
  REQUIRE(fixture.engine->listen(id, [&](const engine::JobView& view) {
    const std::lock_guard lock(mutex);
    heard.push_back(schemas::job_state_name(view.state));
    return true;
  }));
  REQUIRE(fixture.engine->listen(id, [&](const engine::JobView&) {
    const std::lock_guard lock(mutex);
    return ++polite < 2;
  }));
  fixture.state->release();
  REQUIRE(fixture.engine->wait(id, 5s));
  fixture.engine->stop(1s);
  const std::lock_guard lock(mutex);
  REQUIRE(heard.size() >= 4);
  CHECK(heard.back() == "completed");
  CHECK(std::find(heard.begin(), heard.end(), "validating") != heard.end());
  CHECK(polite == 2);
  // Of a job that has ended: once, at once.
  int once = 0;
  REQUIRE(fixture.engine->listen(blocker, [&](const engine::JobView& view) {
    ++once;
    return view.state != JobState::completed;
  }));
  CHECK(once == 1);
}

TEST_CASE("a job can be watched and cancelled as soon as it is listed") {
  constexpr int kJobs = 100;
  Fixture fixture(4);
  std::mutex mutex;
  std::map<std::string, JobState> heard;
  std::atomic<bool> submitting = true;
  std::set<std::string> watched;
  std::thread watcher([&] {
    while (submitting) {
      const auto newest = fixture.engine->list({2, {}, {}});
      for (const auto& line : newest->jobs) {
        if (!watched.insert(line.job_id).second) continue;
        (void)fixture.engine->listen(line.job_id,
                                     [&, id = line.job_id](const engine::JobView& view) {
                                       const std::lock_guard lock(mutex);
                                       heard[id] = view.state;
                                       return true;
                                     });
        (void)fixture.engine->cancel(line.job_id);
      }
    }
  });
  for (int i = 0; i < kJobs; ++i) fixture.submit("hold");
  submitting = false;
  watcher.join();
  CHECK(watched.size() > kJobs / 10);
  for (const std::string& id : watched)
    CHECK(fixture.engine->wait(id, 5s)->state == JobState::cancelled);
  fixture.engine->stop(10ms);
  const std::lock_guard lock(mutex);
  for (const std::string& id : watched) CHECK(heard[id] == JobState::cancelled);
}
