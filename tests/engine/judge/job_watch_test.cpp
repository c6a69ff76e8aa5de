// SPDX-License-Identifier: Apache-2.0
// Whose time a job's time was.
#include "engine/judge/job_watch.h"

#include <thread>

#include <catch2/catch.hpp>

#include "engine/judge/verdict.h"

using namespace assay;
using namespace assay::engine::judge;
using schemas::RunnerRole;
using schemas::VerdictCode;
using namespace std::chrono_literals;

namespace {

struct Watched {
  decltype(sandbox::Channel::pair()) ends = sandbox::Channel::pair();
  JobWatch watch{ends->second, "job", sandbox::after(200ms)};

  // The failure of a look at the clock after the deadline.
  Failure late(const std::string& at) {
    std::this_thread::sleep_until(watch.deadline() + 1ms);
    try {
      watch.check(RunnerRole::candidate, at);
    } catch (const Failure& failure) {
      return failure;
    }
    return {Cause::internal, "no failure"};
  }
};

schemas::Evaluation concluded(const Failure& failure) {
  schemas::Evaluation evaluation;
  Progress progress;
  progress.candidate_loaded = true;
  conclude_failure(evaluation, failure, progress);
  return evaluation;
}

}  // namespace

TEST_CASE("a runner that used the time up is the one that timed out") {
  Watched job;
  {
    const JobWatch::Attending runner(job.watch);
    std::this_thread::sleep_for(150ms);
  }
  const Failure failure = job.late("pass");
  CHECK(failure.cause == Cause::deadline);
  CHECK(failure.role == RunnerRole::candidate);
  const auto evaluation = concluded(failure);
  CHECK(evaluation.verdict.code == VerdictCode::timed_out);
  CHECK(evaluation.correctness == false);
  CHECK_THAT(evaluation.verdict.summary, Catch::Contains("the kernel was still at work"));
}

TEST_CASE("the time that the judge's own work takes is not the kernel's") {
  Watched job;
  const Failure failure = job.late("bind");
  CHECK(failure.cause == Cause::deadline);
  CHECK_FALSE(failure.role);
  CHECK_THROWS_AS(job.watch.check(), Failure);
  const auto evaluation = concluded(failure);
  CHECK(evaluation.verdict.code == VerdictCode::timed_out);
  CHECK_FALSE(evaluation.correctness);
  CHECK_THAT(evaluation.verdict.summary,
             Catch::Contains("checking outputs") && Catch::Contains("nothing was found wrong"));
  CHECK_THAT(evaluation.error, Catch::Contains("not done when the time-out passed"));
}
