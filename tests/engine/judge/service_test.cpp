// SPDX-License-Identifier: Apache-2.0
// The judge's loop as the executor sees it: hello, jobs one after the other, requests that do not
// fit.
#include "engine/judge/service.h"

#include <thread>

#include <catch2/catch.hpp>

#include "tests/engine/judge/session_support.h"

using namespace assay;
using namespace assay::tests;
using schemas::Json;

namespace {

// A judge on a thread of its own, and the executor's end of its channel.
class Judge {
 public:
  Judge() {
    auto ends = sandbox::Channel::pair().value();
    executor = std::move(ends.first);
    thread_ = std::thread([channel = std::move(ends.second), this]() mutable {
      engine::judge::JudgeDevice device;
      device.memory = engine::judge::make_cpu_memory();
      device.probe = engine::judge::probe_cpu();
      device.memory_budget_bytes = 64 << 20;
      (void)engine::judge::start_torch(device.torch);
      ended_well = static_cast<bool>(engine::judge::serve(device, channel));
    });
  }
  ~Judge() { end(); }
  void end() {
    executor.close();
    if (thread_.joinable()) thread_.join();
  }

  Json next() {
    auto frame = executor.receive(std::size_t{64} << 20, sandbox::after(std::chrono::seconds(60)));
    REQUIRE(frame);
    REQUIRE(*frame);
    return Json::parse((*frame)->bytes);
  }
  Json result() {
    while (true) {
      Json message = next();
      if (message["op"] == "result") return message["evaluation"];
      REQUIRE(message["op"] == "event");
    }
  }
  void send(const Json& message, const std::vector<int>& descriptors = {}) {
    REQUIRE(executor.send(message.dump(), descriptors, sandbox::after(std::chrono::seconds(10))));
  }

  sandbox::Channel executor;
  bool ended_well = false;

 private:
  std::thread thread_;
};

Json validate_request(const std::string& job_id) {
  schemas::JobSpec spec;
  spec.job_id = job_id;
  spec.work.kind = schemas::JobKind::validate;
  spec.work.candidate.type = schemas::KernelType::torch;
  spec.work.candidate.source_code = "x";
  spec.work.candidate.io = add_contract(kElements, schemas::Dtype::float32);
  return {{"op", "evaluate"},
          {"job_id", job_id},
          {"kind", "validate"},
          {"spec", schemas::to_json(spec)},
          {"runners", {{{"role", "candidate"}, {"tier", "host"}, {"kernel_name", ""}}}},
          {"budget_ms", 20'000}};
}

}  // namespace

TEST_CASE("a judge says hello, takes jobs one after the other and ends with its executor") {
  Judge judge;
  const Json hello = judge.next();
  CHECK(hello["op"] == "hello");
  CHECK(hello["version"] == schemas::kWorkerProtocolVersion);
  CHECK(hello["device"]["memory_total_bytes"].get<std::int64_t>() > 0);
  for (const char* job : {"first", "second"}) {
    FakeRunner runner = start_fake_runner(FakeScript{});
    judge.send(validate_request(job), {runner.judge_end.fd(), runner.pidfd.get()});
    runner.judge_end.close();
    const Json evaluation = judge.result();
    INFO(evaluation.dump());
    const auto read = schemas::read_evaluation(evaluation);
    REQUIRE(read);
    CHECK(read->job_id == job);
    CHECK(read->verdict.code == schemas::VerdictCode::ran_unchecked);
    CHECK(read->validated == true);
    reap(runner.pid);  // the judge has killed it
  }
  judge.send({{"op", "device"}});
  CHECK(judge.next()["op"] == "device");
  judge.end();
  CHECK(judge.ended_well);
}

TEST_CASE("a request that does not fit gets a result that says so") {
  Judge judge;
  judge.next();
  const auto refused = [&](const Json& request) {
    judge.send(request);
    const Json evaluation = judge.result();
    const auto read = schemas::read_evaluation(evaluation);
    REQUIRE(read);
    CHECK(read->verdict.code == schemas::VerdictCode::infrastructure_failed);
    return read->error;
  };
  CHECK(refused(validate_request("a")).find("descriptors") != std::string::npos);
  Json request = validate_request("b");
  request["runners"] = Json::array();
  CHECK_FALSE(refused(request).empty());
  request = validate_request("c");
  request["spec"]["version"] = 99;
  CHECK(refused(request).find("version") != std::string::npos);
  request = validate_request("d");
  request["budget_ms"] = -4;
  CHECK(refused(request).find("budget_ms") != std::string::npos);
  judge.send({{"op", 7}});                          // nothing known: passed over
  judge.send({{"op", "cancel"}, {"job_id", "a"}});  // too late
  judge.send({{"op", "device"}});
  CHECK(judge.next()["op"] == "device");
}
