// SPDX-License-Identifier: Apache-2.0
#include "tools/job_join.h"

#include <set>
#include <thread>

#include <catch2/catch.hpp>

#include "tests/support/fake_engine.h"
#include "tools/all_tools.h"

namespace {

using assay::engine::JobView;
using assay::schemas::ErrorCode;
using assay::schemas::JobState;
using assay::schemas::VerdictCode;
using assay::schemas::WorkRequest;
using assay::tests::FakeEngine;
using assay::tools::ArgumentForm;
using assay::tools::JobJoin;
using nlohmann::json;

WorkRequest request(const std::string& source = "x") {
  WorkRequest work;
  work.candidate.source_code = source;
  work.joining.by_content = true;
  return work;
}

WorkRequest named(const std::string& key, const std::string& source = "x") {
  WorkRequest work = request(source);
  work.joining.idempotency_key = key;
  return work;
}

struct Fixture {
  FakeEngine engine;
  JobJoin join{engine};

  JobJoin::Waiter enter(WorkRequest work) {
    auto waiter = join.enter(std::move(work));
    REQUIRE(waiter.ok());
    return std::move(*waiter);
  }
  // A call that gets its answer.
  std::string call(WorkRequest work) {
    auto waiter = enter(std::move(work));
    waiter.served(*engine.find(waiter.job_id()));
    return waiter.job_id();
  }
};

struct Tools {
  FakeEngine engine;
  assay::tools::Registry registry = assay::tools::all_tools(engine);
  json kernel = {{"kernel_source", "x"}, {"kernel_type", "torch"}};

  json evaluate(const json& arguments) {
    const auto outcome = registry.call("evaluate_kernel", {arguments, {}, {}});
    REQUIRE(outcome.ok());
    return outcome->document;
  }
  json with(const char* field, const json& value) const {
    json arguments = kernel;
    arguments[field] = value;
    return arguments;
  }
};

TEST_CASE_METHOD(Tools, "an equal request of a finished job gets its answer, marked with its age") {
  const json first = evaluate(kernel);
  CHECK_FALSE(first.contains("joined"));
  const json second = evaluate(with("wait_seconds", 7));
  CHECK(engine.submitted.size() == 1);
  CHECK(second["joined"] == true);
  CHECK(second["job_id"] == first["job_id"]);
  CHECK(second["job_age_s"].get<double>() > 0);
  CHECK(second["verdict"] == first["verdict"]);
  const auto summary = second["summary"].get<std::string>();
  CHECK(summary.find("It agrees") == 0);
  CHECK(summary.find("Joined job job-1") != std::string::npos);
}

TEST_CASE_METHOD(Tools, "fresh: true runs it anew, and what comes after joins that newest job") {
  evaluate(kernel);
  const json fresh = evaluate(with("fresh", true));
  CHECK(fresh["job_id"] == "job-2");
  CHECK_FALSE(fresh.contains("joined"));
  CHECK(evaluate(kernel)["job_id"] == "job-2");
}

TEST_CASE_METHOD(Tools, "whatever changes the answer makes another request of it") {
  evaluate(kernel);
  std::size_t jobs = 1;
  for (const auto& [field, value] :
       std::vector<std::pair<const char*, json>>{{"kernel_source", "y"},
                                                 {"kernel_type", "torch_cuda"},
                                                 {"metadata", {{"function_name", "f"}}},
                                                 {"io_contract", {{"args", json::array()}}},
                                                 {"reference_kernel_source", "x"},
                                                 {"num_trials", 7},
                                                 {"num_warmup", 7},
                                                 {"atol", 0.5},
                                                 {"rtol", 0.5},
                                                 {"timeout", 7},
                                                 {"enable_device_metrics", true},
                                                 {"no_such_field", 1}}) {
    INFO(field);
    CHECK_FALSE(evaluate(with(field, value)).contains("joined"));
    CHECK(engine.submitted.size() == ++jobs);
    CHECK(evaluate(with(field, value)).contains("joined"));
  }
  const auto validated = registry.call("validate_kernel", {kernel, {}, {}});
  CHECK_FALSE(validated->document.contains("joined"));
}

TEST_CASE_METHOD(Tools, "the older servers' requests are always measured") {
  const json body = {{"kernel", {{"source_code", "x"}, {"kernel_type", "torch"}}},
                     {"idempotency_key", "k"}};
  evaluate(kernel);
  for (int i = 0; i < 2; ++i) {
    const auto outcome = registry.call("evaluate_kernel", {body, ArgumentForm::nested, {}});
    REQUIRE(outcome.ok());
    CHECK_FALSE(outcome->document.contains("joined"));
  }
  CHECK(engine.submitted.size() == 3);
  CHECK(engine.submitted.back().warnings.size() == 1);  // the key is no field there
}

TEST_CASE_METHOD(Tools, "a handle of a joined job says so and names it") {
  engine.hold = true;
  const json first = evaluate(with("wait_seconds", 0));
  const json second = evaluate(with("wait_seconds", 0));
  CHECK(second["status"] == "running");
  CHECK(second["job_id"] == first["job_id"]);
  CHECK(second["joined"] == true);
  CHECK(engine.submitted.size() == 1);
}

TEST_CASE_METHOD(Tools, "keys are names of one to 128 bytes") {
  for (const json& key : {json(""), json(std::string(129, 'k')), json(7)}) {
    const auto outcome = registry.call("evaluate_kernel", {with("idempotency_key", key), {}, {}});
    REQUIRE_FALSE(outcome.ok());
    CHECK(outcome.error().fields.at(0).path == "idempotency_key");
  }
  CHECK(engine.submitted.empty());
}

TEST_CASE_METHOD(Fixture, "equal requests at once make one job") {
  engine.hold = true;
  // As long as the disk may take, so that the others come meanwhile.
  engine.before_submit = [] { std::this_thread::sleep_for(std::chrono::milliseconds(50)); };
  std::vector<std::optional<JobJoin::Waiter>> waiters(8);
  {
    std::vector<std::thread> calls;
    calls.reserve(waiters.size());
    for (auto& waiter : waiters)
      calls.emplace_back([&] { waiter.emplace(join.enter(request()).value()); });
    for (auto& each : calls) each.join();
  }
  CHECK(engine.submitted.size() == 1);
  std::size_t joined = 0;
  for (const auto& waiter : waiters) {
    CHECK(waiter->job_id() == "job-1");
    joined += waiter->joined() ? 1 : 0;
  }
  CHECK(joined == waiters.size() - 1);
}

TEST_CASE_METHOD(Fixture, "what says nothing about the kernel is not joined") {
  const auto ended = [&](JobState state, std::optional<VerdictCode> code) {
    return [=](JobView& job) {
      job.state = state;
      if (!code) return job.evaluation.reset();
      job.evaluation->verdict.code = *code;
    };
  };
  const std::string cancelled = call(request("a"));
  engine.set(cancelled, ended(JobState::cancelled, std::nullopt));
  CHECK(call(request("a")) != cancelled);
  const std::string interrupted = call(request("b"));
  engine.set(interrupted, ended(JobState::interrupted, VerdictCode::correct));
  CHECK(call(request("b")) != interrupted);
  const std::string ours = call(request("c"));
  engine.set(ours, ended(JobState::failed, VerdictCode::infrastructure_failed));
  CHECK(call(request("c")) != ours);
  const std::string removed = call(request("d"));
  engine.remove(removed);
  CHECK(call(request("d")) != removed);
  // The kernel's own fault is an answer like any other.
  const std::string too_slow = call(request("e"));
  engine.set(too_slow, ended(JobState::failed, VerdictCode::timed_out));
  CHECK(call(request("e")) == too_slow);
}

TEST_CASE_METHOD(Fixture,
                 "a key names one request; other content under it is refused, naming both") {
  const std::string first = call(named("k"));
  CHECK(call(named("k")) == first);
  CHECK(call(named("other")) != first);  // the same content under another name
  const auto refused = join.enter(named("k", "y"));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::malformed_call);
  CHECK(refused.error().fields.at(0).path == "idempotency_key");
  CHECK(refused.error().message.find("\"k\"") != std::string::npos);
  CHECK(refused.error().message.find(first) != std::string::npos);
  CHECK(refused.error().message.find("fresh: true") != std::string::npos);
  CHECK(engine.submitted.size() == 2);
  WorkRequest renamed = named("k", "y");
  renamed.joining.fresh = true;
  const std::string second = call(renamed);
  CHECK(second != first);
  CHECK(call(named("k", "y")) == second);
}

TEST_CASE_METHOD(Fixture, "a refused submission leaves the job before it to be joined") {
  const std::string first = call(request());
  engine.refusal = assay::schemas::Error{ErrorCode::overloaded, "the queue is full", true, {}};
  WorkRequest again = request();
  again.joining.fresh = true;
  CHECK(join.enter(again).error().code == ErrorCode::overloaded);
  CHECK(call(request()) == first);
}

TEST_CASE_METHOD(Fixture, "a job is cancelled with its last waiter, not before") {
  engine.hold = true;
  {
    const auto first = enter(request());
    { const auto second = enter(request()); }
    CHECK_FALSE(engine.was_cancelled());
    { const auto asker = join.attend(first.job_id()); }
    CHECK_FALSE(engine.was_cancelled());
  }
  CHECK(engine.cancelled == std::vector<std::string>{"job-1"});
}

TEST_CASE_METHOD(Fixture, "who waits by id keeps the job when the call that made it goes") {
  engine.hold = true;
  std::optional<JobJoin::Waiter> maker(enter(request()));
  std::optional<JobJoin::Waiter> asker(join.attend(maker->job_id()));
  maker.reset();
  CHECK_FALSE(engine.was_cancelled());
  asker.reset();
  CHECK(engine.was_cancelled());
}

TEST_CASE_METHOD(Fixture, "a job whose id was handed out goes on without waiters") {
  engine.hold = true;
  std::optional<JobJoin::Waiter> maker(enter(request()));
  auto other = enter(request());
  other.served(*engine.find(other.job_id()));
  maker.reset();
  { const auto third = enter(request()); }
  CHECK_FALSE(engine.was_cancelled());
}

TEST_CASE_METHOD(Fixture, "a job of the process before is never cancelled by who waits for it") {
  engine.hold = true;
  const std::string id = *engine.submit(request());
  { const auto asker = join.attend(id); }
  CHECK_FALSE(engine.was_cancelled());
}

TEST_CASE_METHOD(Fixture,
                 "a request that comes while its equal is being cancelled makes a new job") {
  engine.hold = true;
  std::optional<JobJoin::Waiter> late;
  engine.before_cancel = [&] { late.emplace(enter(request())); };
  { const auto withdrawn = enter(request()); }
  REQUIRE(late);
  CHECK(late->job_id() == "job-2");
  CHECK_FALSE(late->joined());
  engine.before_cancel = {};
}

TEST_CASE("what the engine keeps of earlier processes is joined, and never cancelled by leaving") {
  Fixture before;
  before.engine.hold = true;
  const std::string first = before.call(named("k"));
  const std::string anew = [&] {
    WorkRequest work = named("k");
    work.joining.fresh = true;
    return before.call(work);
  }();
  const std::string by_content = before.call(request("y"));
  JobJoin join(before.engine);  // as after a restart
  {
    const auto again = join.enter(named("k"));
    REQUIRE(again.ok());
    CHECK(again->job_id() == anew);
    CHECK(join.enter(request("y"))->job_id() == by_content);
    const auto other = join.enter(named("k", "other"));
    REQUIRE_FALSE(other.ok());
    CHECK_THAT(other.error().message, Catch::Contains(anew));
  }
  CHECK(before.engine.cancelled.empty());
  CHECK(first != anew);
}

TEST_CASE("the oldest that nobody waits for is forgotten; a waiter's job never") {
  FakeEngine engine;
  JobJoin join(engine, 2);
  const auto call = [&](const char* source) {
    auto waiter = join.enter(request(source));
    waiter->served(*engine.find(waiter->job_id()));
    return waiter->joined();
  };
  const auto held = join.enter(request("held"));
  CHECK_FALSE(call("a"));
  CHECK(call("a"));
  CHECK_FALSE(call("b"));  // takes the place of a
  CHECK(call("held"));
  CHECK_FALSE(call("a"));
}

TEST_CASE("many calls that come, go and are withdrawn leave no waiter behind") {
  FakeEngine engine;
  engine.hold = true;
  JobJoin join(engine, 4);
  std::vector<std::thread> callers;
  callers.reserve(4);
  for (int caller = 0; caller < 4; ++caller)
    callers.emplace_back([&, caller] {
      for (int i = 0; i < 200; ++i) {
        auto waiter = join.enter(request(std::to_string((i + caller) % 3)));
        const auto asker = join.attend(waiter->job_id());
        (void)asker;
      }
    });
  for (auto& each : callers) each.join();
  // Each job was cancelled once, when its last waiter went.
  CHECK(engine.cancelled.size() == engine.submitted.size());
  CHECK(std::set<std::string>(engine.cancelled.begin(), engine.cancelled.end()).size() ==
        engine.cancelled.size());
}

}  // namespace
