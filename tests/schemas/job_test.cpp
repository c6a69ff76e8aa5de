// SPDX-License-Identifier: Apache-2.0
#include "schemas/job.h"

#include <catch2/catch.hpp>

using namespace assay::schemas;

TEST_CASE("a job specification survives bytes") {
  JobSpec spec;
  spec.job_id = "abc";
  spec.attempt = 2;
  spec.fencing_token = 99;
  spec.device = {DeviceWish::cuda, 4};
  spec.work.kind = JobKind::compare;
  spec.work.candidate.source_code = "c";
  spec.work.reference.emplace();
  spec.work.reference->source_code = "r";
  spec.work.atol = 0.25;
  spec.work.run_timeout_seconds = 60;
  spec.work.warnings = {"w"};
  const std::string bytes = dump_json(to_json(spec));
  const auto json = parse_json(bytes);
  REQUIRE(json.ok());
  const auto back = read_job_spec(*json);
  REQUIRE(back.ok());
  CHECK(dump_json(to_json(*back)) == bytes);
  CHECK(back->device.count == 4);
  CHECK(back->work.atol == 0.25);
  CHECK(back->work.run_timeout_seconds == 60);
}

TEST_CASE("another version of the specification is refused") {
  JobSpec spec;
  spec.job_id = "abc";
  spec.work.candidate.source_code = "c";
  Json json = to_json(spec);
  json["version"] = 2;
  const auto back = read_job_spec(json);
  REQUIRE_FALSE(back.ok());
  CHECK(back.error().message.find("version") != std::string::npos);
}

TEST_CASE("events survive bytes and refuse nonsense") {
  const JobEvent event{JobEvent::Kind::progress, Stage::profiling, 0.5, "window 3 of 6"};
  const auto back = read_job_event(to_json(event));
  REQUIRE(back.ok());
  CHECK(to_json(*back) == to_json(event));
  CHECK_FALSE(read_job_event({{"kind", "progress"}, {"stage", "profiling"}, {"progress", 2}}).ok());
  CHECK_FALSE(read_job_event({{"kind", "gossip"}, {"stage", "profiling"}}).ok());
}

TEST_CASE("state words are the wire's") {
  for (const char* name : {"submitted", "compiling", "validating", "profiling", "completed",
                           "failed", "cancelled", "interrupted"}) {
    const auto state = job_state_from_name(name);
    REQUIRE(state.has_value());
    CHECK(job_state_name(*state) == name);
  }
  CHECK_FALSE(job_state_from_name("done").has_value());
  CHECK(is_terminal(JobState::interrupted));
  CHECK_FALSE(is_terminal(JobState::profiling));
}
