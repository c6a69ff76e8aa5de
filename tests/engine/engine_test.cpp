// SPDX-License-Identifier: Apache-2.0
#include "engine/engine.h"

#include <map>
#include <set>

#include "engine/job_table.h"
#include "tests/engine/engine_fixture.h"

using namespace assay;
using engine::Engine;
using engine::EngineOptions;
using schemas::JobState;
using tests::FakeExecutorState;
using tests::work;
using Fixture = tests::EngineFixture;
using namespace std::chrono_literals;

TEST_CASE("a job runs to its end, with stages, log and result") {
  Fixture fixture;
  const std::string id = fixture.submit("good");
  CHECK(id.size() == 32);
  const auto view = fixture.engine->wait(id, 5s);
  REQUIRE(view);
  CHECK(view->state == JobState::completed);
  CHECK(view->progress == 1);
  REQUIRE(view->evaluation);
  CHECK(view->evaluation->job_id == id);
  CHECK(view->evaluation->log_tail == "a line\n");
  std::vector<std::string> names;
  for (const auto& stage : view->evaluation->stages) {
    names.push_back(stage.name);
  }
  CHECK(names == std::vector<std::string>{"queued", "compiling", "queued", "validating"});
  // Found again in the table.
  const auto later = fixture.engine->find(id);
  REQUIRE(later);
  CHECK(later->evaluation->verdict.code == schemas::VerdictCode::correct);
  CHECK(fixture.engine->find("none").error().code == schemas::ErrorCode::not_found);
  CHECK(fixture.engine->wait("none", 1ms).error().code == schemas::ErrorCode::not_found);
}

TEST_CASE(
    "waiting for a device after compiling is time in the queue, and the job stays what it was") {
  Fixture fixture;
  const std::string id = fixture.submit("wait");
  const auto waits = [&] {
    const auto view = fixture.engine->find(id);
    return view && view->message == "waiting for a device";
  };
  for (int i = 0; i < 1000 && !waits(); ++i) std::this_thread::sleep_for(1ms);
  CHECK(fixture.engine->find(id)->state == JobState::compiling);
  const auto view = fixture.engine->wait(id, 5s);
  REQUIRE(view);
  REQUIRE(view->stages.size() == 4);
  CHECK(view->stages[1].seconds < 0.3);
  CHECK(view->stages[2].name == "queued");
  CHECK(view->stages[2].seconds >= 0.3);
}

TEST_CASE("who asks for the device's counters is told why there are none") {
  Fixture fixture;
  schemas::WorkRequest asking = work("good");
  asking.enable_device_metrics = true;
  const auto view = fixture.engine->wait(*fixture.engine->submit(asking), 5s);
  REQUIRE((view && view->evaluation));
  REQUIRE(view->evaluation->warnings.size() == 1);
  CHECK(view->evaluation->warnings[0].find("device_metrics is null") == 0);
  const auto plain = fixture.engine->wait(fixture.submit("good"), 5s);
  CHECK(plain->evaluation->warnings.empty());
}

TEST_CASE("a job of which nothing is compiled has no compiling stage") {
  Fixture fixture;
  const auto view = fixture.engine->wait(fixture.submit("torch"), 5s);
  REQUIRE(view);
  std::vector<std::string> names;
  for (const auto& stage : view->stages) {
    names.push_back(stage.name);
  }
  CHECK(names == std::vector<std::string>{"queued", "validating"});
}

TEST_CASE("our own failure is a failed job with an evaluation that says so") {
  Fixture fixture;
  const auto view = fixture.engine->wait(fixture.submit("fail"), 5s);
  CHECK(view->state == JobState::failed);
  CHECK(view->error == "no luck");
  REQUIRE(view->evaluation);
  CHECK(view->evaluation->verdict.code == schemas::VerdictCode::infrastructure_failed);
  CHECK(view->evaluation->retryable);
}

TEST_CASE("an evaluation that the wire calls an error is a failed job; a bad kernel is completed") {
  Fixture fixture;
  const auto ended = [&](const std::string& source) {
    const auto view = fixture.engine->wait(fixture.submit(source), 5s);
    REQUIRE(view);
    REQUIRE(view->evaluation);
    // Also once it comes from the table.
    const auto found = fixture.engine->find(view->job_id);
    REQUIRE((found && found->evaluation));
    CHECK(found->state == view->state);
    return view->state;
  };
  for (const char* source : {"timed_out", "infrastructure_failed", "no_device"}) {
    INFO(source);
    CHECK(ended(source) == JobState::failed);
  }
  for (const char* source :
       {"incorrect", "compilation_failed", "crashed", "runtime_failed", "out_of_memory"}) {
    INFO(source);
    CHECK(ended(source) == JobState::completed);
  }
  CHECK(fixture.engine->stats().failed == 3);
  CHECK(fixture.engine->stats().completed == 5);
}

TEST_CASE("the queue has positions and a bound") {
  Fixture fixture(1, 3);
  const std::string running = fixture.submit("hold");
  REQUIRE(fixture.state->wait_running(1));
  const std::vector<std::string> queued = {fixture.submit("good0"), fixture.submit("good1"),
                                           fixture.submit("good2")};
  const auto refused = fixture.engine->submit(work("good"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == schemas::ErrorCode::overloaded);
  CHECK(refused.error().retryable);
  CHECK(fixture.engine->find(running)->queue_position == 0);
  for (int i = 0; i < 3; ++i) {
    const auto view = fixture.engine->find(queued[static_cast<std::size_t>(i)]);
    CHECK(view->queue_position == i + 1);
    CHECK(view->state == JobState::submitted);
  }
  REQUIRE(fixture.engine->cancel(queued[0]));
  CHECK(fixture.engine->find(queued[0])->state == JobState::cancelled);
  CHECK(fixture.engine->find(queued[1])->queue_position == 1);
  CHECK(fixture.engine->stats().queued == 2);
  CHECK(fixture.engine->stats().active == 1);
  fixture.state->release();
  for (const auto& id : {queued[1], queued[2], running}) {
    CHECK(fixture.engine->wait(id, 5s)->state == JobState::completed);
  }
  // First come, first served.
  REQUIRE(fixture.state->seen.size() == 3);
  CHECK(fixture.state->seen[1].job_id == queued[1]);
  CHECK(fixture.state->seen[2].job_id == queued[2]);
  CHECK(fixture.state->seen[2].fencing_token > fixture.state->seen[1].fencing_token);
}

TEST_CASE("a running job is cancelled; waiting has an end; unknown jobs are unknown") {
  Fixture fixture;
  const std::string id = fixture.submit("hold");
  REQUIRE(fixture.state->wait_running(1));
  const auto impatient = fixture.engine->wait(id, 30ms);
  CHECK_FALSE(schemas::is_terminal(impatient->state));
  REQUIRE(fixture.engine->cancel(id));
  CHECK(fixture.engine->wait(id, 5s)->state == JobState::cancelled);
  CHECK(fixture.engine->cancel(id));
  CHECK(fixture.engine->cancel("none").error().code == schemas::ErrorCode::not_found);
  // A finished job's id ends with its lifetime: whoever comes later learns so.
  const std::string said = "unknown job none: finished jobs are kept for 60 minutes; ";
  CHECK(fixture.engine->find("none").error().message.starts_with(said));
  CHECK(fixture.engine->wait("none", 0ms).error().message.starts_with(said));
  CHECK(fixture.engine->cancel("none").error().message.starts_with(said));
  CHECK(fixture.engine->compile_log("none", 0).error().message.starts_with(said));
}

TEST_CASE("stopping interrupts the running job and keeps the queued one for the next process") {
  Fixture fixture;
  const std::string running = fixture.submit("hold");
  REQUIRE(fixture.state->wait_running(1));
  const std::string queued = fixture.submit("good");
  bool held_over = false;
  REQUIRE(fixture.engine->listen(
      queued, [&](const engine::JobView& view) { return !(held_over = view.held_over); }));
  fixture.engine->stop(10ms);
  CHECK(held_over);
  CHECK(fixture.engine->wait(queued, 5s)->held_over);  // at once
  CHECK(fixture.engine->submit(work("good")).error().code == schemas::ErrorCode::overloaded);
  fixture.engine.reset();
  fixture.open();
  CHECK(fixture.engine->wait(queued, 5s)->state == JobState::completed);
  const auto view = fixture.engine->find(running);
  CHECK(view->state == JobState::interrupted);
  REQUIRE(view->evaluation);
  CHECK(view->evaluation->retryable);
}

TEST_CASE("what waits for a device is held over, by a stop and by a crash; not endlessly") {
  Fixture fixture;
  const std::string waiting = fixture.submit("torch lease");
  REQUIRE(fixture.state->wait_running(1));
  bool held_over = false;
  REQUIRE(fixture.engine->listen(
      waiting, [&](const engine::JobView& view) { return !(held_over = view.held_over); }));
  fixture.engine->stop(10ms);
  CHECK(held_over);
  CHECK(fixture.engine->find(waiting)->held_over);
  fixture.engine.reset();
  {
    auto table = engine::JobTable::open(fixture.options.data_directory + "/jobs.sqlite");
    REQUIRE(table);
    const auto record = (*table)->find(waiting);
    CHECK(record->state == JobState::submitted);
    CHECK(record->spec.attempt == 1);
    engine::JobRecord poison;
    poison.spec.job_id = "poison";
    poison.spec.work = work("torch x");
    REQUIRE((*table)->insert(poison));
    for (int i = 0; i < engine::kMaxAttempts; ++i)
      REQUIRE((*table)->begin_attempt(poison.spec, 5));  // and the process died
  }
  fixture.state->release();
  fixture.open();
  CHECK(fixture.engine->wait(waiting, 5s)->state == JobState::completed);
  const auto given_up = fixture.engine->find("poison");
  CHECK(given_up->state == JobState::interrupted);
  CHECK(given_up->error == "the server ended 5 times while the job waited for a device");
}

TEST_CASE("a cancelled job is cancelled though the server stops meanwhile") {
  Fixture fixture;
  const std::string waiting = fixture.submit("torch lease");
  REQUIRE(fixture.state->wait_running(1));
  REQUIRE(fixture.engine->cancel(waiting));
  fixture.engine->stop(0ms);
  CHECK(fixture.engine->find(waiting)->state == JobState::cancelled);
  CHECK(fixture.engine->stats().cancelled == 1);
  CHECK(fixture.engine->stats().failed == 0);
  CHECK_FALSE(fixture.engine->stats().success_rate);
}

TEST_CASE("the requests of unfinished jobs have a bound in bytes") {
  Fixture fixture;
  fixture.engine.reset();
  fixture.options.max_unfinished_bytes = std::size_t{1} << 20;
  fixture.open();
  const std::string padding(400'000, '#');
  const std::string held = fixture.submit("torch" + padding + "lease");
  fixture.submit("good" + padding);
  const auto refused = fixture.engine->submit(work("good" + padding));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == schemas::ErrorCode::overloaded);
  CHECK(refused.error().message == "the queue is full (1 MiB of requests)");
  fixture.state->release();
  REQUIRE(fixture.engine->wait(held, 5s));
  CHECK(fixture.engine->submit(work("good" + padding)));
}

TEST_CASE("after a crash: running jobs are interrupted with what was known, queued ones run") {
  Fixture fixture;
  fixture.engine.reset();
  {
    // What a killed process leaves behind.
    auto table = engine::JobTable::open(fixture.options.data_directory + "/jobs.sqlite");
    REQUIRE(table);
    engine::JobRecord record;
    record.spec.job_id = "was-running";
    record.spec.work = work("x");
    record.spec.work.candidate.type = schemas::KernelType::cuda;
    record.spec.work.candidate.io.emplace();
    record.spec.work.candidate.io->launch.emplace();
    record.spec.work.candidate.io->launch->grid.emplace();
    record.spec.work.candidate.io->launch->block.emplace();
    record.spec.work.candidate.io->args.emplace_back();
    record.spec.work.candidate.io->args[0].name = "x";
    record.spec.work.candidate.io->args[0].role = schemas::ArgRole::output;
    record.spec.work.candidate.io->args[0].tensor.emplace();
    record.spec.work.candidate.io->args[0].tensor->shape = {4};
    REQUIRE((*table)->insert(record));
    REQUIRE((*table)->begin_attempt(record.spec, 5));
    record.state = JobState::profiling;
    record.stages = {{"queued", 0.1}, {"compiling", 0.2}, {"validating", 0.3}};
    record.log_tail = "halfway\n";
    REQUIRE((*table)->record_progress(record));
    record.spec.job_id = "was-queued";
    record.spec.work = work("good");
    REQUIRE((*table)->insert(record));
  }
  fixture.open();
  const auto view = fixture.engine->find("was-running");
  REQUIRE(view);
  CHECK(view->state == JobState::interrupted);
  CHECK(view->error == "the server ended while the job ran");
  REQUIRE(view->evaluation);
  CHECK(view->evaluation->compiled == true);
  CHECK(view->evaluation->stages.size() == 3);
  CHECK(view->evaluation->log_tail == "halfway\n");
  CHECK(fixture.engine->wait("was-queued", 5s)->state == JobState::completed);
}

TEST_CASE("all that a compiler said is kept with the job, and handed out in pages") {
  Fixture fixture;
  const std::string line = "kernel.cu(1): error: it was written \xc3\xa4 here\n";
  for (int i = 0; i < 1000; ++i) fixture.state->compile_log += line;
  const std::string id = fixture.submit("good");
  REQUIRE(fixture.engine->wait(id, 5s)->state == JobState::completed);
  const auto whole = [&] {
    std::string text;
    std::optional<std::int64_t> cursor = 0;
    for (int pages = 0; cursor && pages < 100; ++pages) {
      const auto page = fixture.engine->compile_log(id, *cursor);
      REQUIRE(page);
      CHECK(page->text.size() <= engine::kLogPageBytes);
      CHECK_NOTHROW(nlohmann::json(page->text).dump());  // whole characters
      text += page->text;
      cursor = page->next_cursor;
    }
    return text;
  };
  CHECK(whole() == fixture.state->compile_log + "\n");
  CHECK(fixture.engine->find(id)->evaluation->log_tail == "a line\n");
  CHECK(fixture.engine->find(id)->log_bytes == 7);
  CHECK(fixture.engine->compile_log(id, 1 << 30)->text.empty());
  CHECK_FALSE(fixture.engine->compile_log("unknown", 0));
  fixture.engine.reset();
  fixture.open();  // as the next process
  CHECK(whole() == fixture.state->compile_log + "\n");
}

TEST_CASE("tensors beyond every device are a malformed call, before anything is recorded") {
  Fixture fixture;
  schemas::DeviceInfo device;
  device.name = "tiny";
  device.memory_total_bytes = 100;
  fixture.state->capacity.configured = {device};
  schemas::WorkRequest request = work("good");
  request.candidate.io.emplace();
  request.candidate.io->args.emplace_back();
  request.candidate.io->args[0].tensor.emplace();
  request.candidate.io->args[0].tensor->shape = {1000};
  const auto refused = fixture.engine->submit(request);
  CHECK(refused.error().code == schemas::ErrorCode::malformed_call);
  CHECK(fixture.engine->stats().total == 0);
}

TEST_CASE("cleanup forgets old finished jobs, by hand and by itself") {
  Fixture fixture;
  fixture.engine.reset();
  fixture.options.finished_job_lifetime = std::chrono::seconds(0);
  bool by_hand = GENERATE(true, false);
  if (!by_hand) {
    fixture.options.cleanup_interval = std::chrono::seconds(1);
  }
  fixture.open();
  const std::string id = fixture.submit("good");
  REQUIRE(fixture.engine->wait(id, 5s));
  std::this_thread::sleep_for(20ms);
  if (by_hand) {
    CHECK(fixture.engine->cleanup() == 1);
  } else {
    std::this_thread::sleep_for(1200ms);
  }
  CHECK_FALSE(fixture.engine->find(id));
}

TEST_CASE("statistics are those of this process's jobs") {
  Fixture fixture(2);
  CHECK_FALSE(fixture.engine->stats().success_rate);
  std::set<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    const std::string id = fixture.submit(i == 0 ? "fail" : "good");
    REQUIRE(fixture.engine->wait(id, 5s));
    ids.insert(id);
  }
  CHECK(ids.size() == 3);
  const auto stats = fixture.engine->stats();
  CHECK(stats.total == 3);
  CHECK(stats.completed == 2);
  CHECK(stats.failed == 1);
  CHECK(*stats.success_rate == Approx(2.0 / 3));
  CHECK(*stats.correctness_rate == 1);
  CHECK(stats.average_runtime_ms);
  std::map<std::string, std::int64_t> ended, stages;
  for (const auto& job : stats.ended) {
    CHECK(job.kind == "evaluate");
    CHECK(job.kernel_type == "torch");
    ended[job.verdict] += job.count;
  }
  CHECK(ended == std::map<std::string, std::int64_t>{{"correct", 2}, {"infrastructure_failed", 1}});
  for (const auto& stage : stats.stages) {
    CHECK(stage.sum_seconds > 0);
    for (const std::int64_t count : stage.counts) stages[stage.stage] += count;
  }
  CHECK(stages.at("queued") == 6);  // before compiling and for a device
  CHECK(stages.at("validating") == 3);
  CHECK_FALSE(stats.compile_cache_hit_rate);
  CHECK(stats.uptime_s > 0);
}
