// SPDX-License-Identifier: Apache-2.0
// The routes about jobs, and what happens to one as events.
#include <thread>

#include <catch2/catch.hpp>

#include "mcp/job_events.h"
#include "tests/mcp/rest_fixture.h"

namespace {

using assay::engine::JobView;
using assay::mcp::EventSource;
using assay::mcp::JobEvents;
using assay::mcp::RestResponse;
using assay::schemas::JobState;
using assay::tests::kEvaluate;
using assay::tests::RestFixture;
using Catch::Contains;
using nlohmann::json;
using namespace std::chrono_literals;

constexpr const char* kProblem = "application/problem+json";

struct Event {
  std::string name;
  json data;
};

// All events there are now.
std::vector<Event> events_of(EventSource& source) {
  std::vector<Event> events;
  while (const auto frame = source.next(0ms)) {
    const auto end = frame->find('\n');
    REQUIRE(frame->rfind("event: ", 0) == 0);
    REQUIRE(frame->substr(end + 1, 6) == "data: ");
    REQUIRE(frame->substr(frame->size() - 2) == "\n\n");
    events.push_back({frame->substr(7, end - 7), json::parse(frame->substr(end + 7))});
  }
  return events;
}

std::vector<std::string> names_of(const std::vector<Event>& events) {
  std::vector<std::string> names;
  names.reserve(events.size());
  for (const Event& event : events) names.push_back(event.name);
  return names;
}

// A job that goes on until the test says so, and a stream of it.
struct Watched : RestFixture {
  Watched() {
    engine.hold = true;
    REQUIRE(engine.submit({}).ok());
  }
  std::shared_ptr<EventSource> watch() {
    auto events = JobEvents::open(engine, "job-1");
    REQUIRE(events.ok());
    return *events;
  }
};

TEST_CASE_METHOD(RestFixture, "jobs are listed page by page and by state") {
  engine.list_now.jobs = {{"a", "evaluate", JobState::completed, 1.5, 2.0, 3.0, "right", ""},
                          {"b", "compare", JobState::failed, 1.0, {}, {}, "", "no"}};
  engine.list_now.next_cursor = 7;
  RestResponse response = get("/jobs", {{"limit", "2"}, {"cursor", "9"}, {"state", "failed"}});
  CHECK(response.status == 200);
  CHECK(response.body["next_cursor"] == 7);
  CHECK(response.body["limit"] == 2);
  REQUIRE(response.body["jobs"].size() == 2);
  CHECK(response.body["jobs"][0]["created_at"] == "1970-01-01T00:00:01.500Z");
  CHECK(response.body["jobs"][0]["error"].is_null());
  CHECK(response.body["jobs"][1]["status"] == "failed");
  CHECK(response.body["jobs"][1]["started_at"].is_null());
  CHECK(engine.filters.back().limit == 2);
  CHECK(engine.filters.back().cursor == 9);
  CHECK(engine.filters.back().state == JobState::failed);
  CHECK(get("/jobs").status == 200);
  CHECK(engine.filters.back().limit == 50);
  CHECK_FALSE(engine.filters.back().state);
}

TEST_CASE_METHOD(RestFixture, "a wrong parameter of the list is a problem that names it") {
  for (const auto& [name, value] :
       std::map<std::string, std::string>{{"limit", "0"}, {"cursor", "-1"}, {"state", "running"}}) {
    const RestResponse response = get("/jobs", {{name, value}});
    CHECK(response.status == 400);
    CHECK(response.content_type == kProblem);
    CHECK(response.body["errors"][0]["path"] == name);
  }
  CHECK(get("/jobs", {{"limit", "201"}}).status == 400);
  CHECK(get("/jobs", {{"limit", "2x"}}).status == 400);
  CHECK(get("/jobs", {{"limit", "x"}, {"state", "y"}}).body["errors"].size() == 2);
  const auto message = [this](const char* name, const char* value) {
    return get("/jobs", {{name, value}}).body["errors"][0]["message"].get<std::string>();
  };
  CHECK(message("limit", "2x") == "must be a whole number from 1 to 200, got \"2x\"");
  CHECK_THAT(message("state", "running"), Catch::EndsWith("or interrupted, got \"running\""));
  CHECK(message("status", "failed") ==
        "is no parameter of this route; there are limit, cursor, state");
  CHECK(engine.filters.empty());
}

TEST_CASE_METHOD(RestFixture, "a misspelt parameter of a job is refused, not ignored") {
  REQUIRE(engine.submit({}).ok());
  const RestResponse response = get("/job/job-1", {{"wiat", "5"}});
  CHECK(response.status == 400);
  CHECK(response.body["validation_errors"][0]["path"] == "wiat");
  CHECK(response.body["validation_errors"][0]["message"] ==
        "is no parameter of this route; there are wait, section, cursor");
  CHECK(get("/job/job-1", {{"wait", "0"}, {"section", "compile_log"}, {"cursor", "0"}}).status ==
        200);
}

TEST_CASE_METHOD(Watched, "a job's end can be waited for") {
  CHECK(get("/job/job-1").body["status"] == "submitted");
  std::thread ending([this] {
    std::this_thread::sleep_for(100ms);
    engine.complete("job-1");
  });
  CHECK(get("/job/job-1", {{"wait", "30"}}).body["status"] == "completed");
  ending.join();
  const RestResponse response = get("/job/job-1", {{"wait", "601"}});
  CHECK(response.status == 400);
  CHECK(response.body["status"] == "client_error");
  CHECK(response.body["validation_errors"][0]["path"] == "wait");
  CHECK(response.body["error"] == "wait must be a whole number from 0 to 600, got \"601\"");
  // A client that has gone waits for nothing.
  const auto start = std::chrono::steady_clock::now();
  assay::mcp::RestRequest gone{"GET", "/job/job-2", ""};
  REQUIRE(engine.submit({}).ok());
  gone.query = {{"wait", "30"}};
  gone.client_gone = [] { return true; };
  CHECK(rest.handle(gone).status == 499);
  CHECK(std::chrono::steady_clock::now() - start < 2s);
  CHECK_FALSE(engine.was_cancelled());  // it did not make the job
}

TEST_CASE_METHOD(Watched, "a job is cancelled, once or again") {
  RestResponse response = rest.handle({"DELETE", "/job/job-1", ""});
  CHECK(response.status == 200);
  CHECK(response.body["status"] == "cancelled");
  CHECK(engine.cancelled == std::vector<std::string>{"job-1"});
  CHECK(rest.handle({"DELETE", "/job/job-1", ""}).status == 200);
  response = rest.handle({"DELETE", "/job/none", ""});
  CHECK(response.status == 404);
  CHECK(response.content_type == kProblem);
}

TEST_CASE_METHOD(Watched, "the events of a job tell stages, progress, logs and last the result") {
  const auto source = watch();
  CHECK(names_of(events_of(*source)) == std::vector<std::string>{"progress"});
  CHECK(events_of(*source).empty());

  engine.set("job-1", [](JobView& job) {
    job.state = JobState::compiling;
    job.stage = "compiling";
    job.stages = {{"queued", 0.5}};
    job.log_tail = "one\n";
    job.log_bytes = 4;
  });
  auto events = events_of(*source);
  CHECK(names_of(events) == std::vector<std::string>{"stage", "stage", "stage", "log", "progress"});
  CHECK(events[0].data["stage"] == "queued");
  CHECK(events[0].data["seconds"].is_null());
  CHECK(events[1].data["seconds"] == 0.5);
  CHECK(events[2].data["stage"] == "compiling");
  CHECK(events[3].data["text"] == "one\n");

  // What a slow reader missed is said at once, and nothing twice.
  engine.compile_log_now = "said by a compiler";
  engine.set("job-1", [](JobView& job) { job.progress = 0.2; });
  engine.set("job-1", [](JobView& job) {
    job.stages.push_back({"compiling", 1.5});
    job.stages.push_back({"validating", 2.5});
    job.stage = "profiling";
    job.state = JobState::profiling;
    job.log_tail = "ne\ntwo\n";
    job.log_bytes = 8;
    job.progress = 0.5;
    job.compile_log_bytes = 18;
  });
  events = events_of(*source);
  CHECK(names_of(events) ==
        std::vector<std::string>{"stage", "stage", "stage", "stage", "log", "progress", "log"});
  CHECK(events[0].data["seconds"] == 1.5);
  CHECK(events[4].data["text"] == "two\n");
  CHECK(events[5].data["progress"] == 0.5);
  CHECK(events[6].data["source"] == "compiler");
  CHECK(events[6].data["text"] == "said by a compiler");

  CHECK_FALSE(source->ended());
  engine.complete("job-1");
  events = events_of(*source);
  CHECK(events.back().name == "result");
  CHECK(events.back().data["result"]["verdict"]["code"] == "correct");
  CHECK(source->ended());
}

TEST_CASE_METHOD(Watched, "the events of a job that has ended are its whole log and its result") {
  engine.complete("job-1");
  engine.compile_log_now = std::string(40'000, 'x');
  const auto source = watch();
  const auto events = events_of(*source);
  REQUIRE(names_of(events) == std::vector<std::string>{"log", "log", "log", "result"});
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < 3; ++i) bytes += events[i].data["text"].get<std::string>().size();
  CHECK(bytes == 40'000);
  CHECK(source->ended());
}

TEST_CASE_METHOD(Watched, "a job held over ends the stream saying so") {
  const auto source = watch();
  events_of(*source);
  engine.set("job-1", [](JobView& job) { job.held_over = true; });
  CHECK(names_of(events_of(*source)) == std::vector<std::string>{"held_over"});
  CHECK(source->ended());
}

TEST_CASE_METHOD(Watched, "nothing is kept for a reader who has gone") {
  const auto source = watch();
  CHECK(engine.listeners("job-1") == 1);
  source->closed(false);
  engine.set("job-1", [](JobView& job) { job.progress = 0.2; });
  CHECK(engine.listeners("job-1") == 0);
}

TEST_CASE_METHOD(RestFixture, "the route of events is a stream, of an unknown job a problem") {
  REQUIRE(post("/evaluate", kEvaluate).status == 200);
  RestResponse response = get("/job/job-1/events");
  CHECK(response.status == 200);
  CHECK(response.content_type == "text/event-stream");
  REQUIRE(response.events);
  CHECK(names_of(events_of(*response.events)).back() == "result");
  response = get("/job/none/events");
  CHECK(response.status == 404);
  CHECK(response.content_type == kProblem);
  CHECK_FALSE(response.events);
}

}  // namespace
