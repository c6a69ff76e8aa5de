// SPDX-License-Identifier: Apache-2.0
// Session: one job from its request to its evaluation. Session::work is the list of its steps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/judge/contents.h"
#include "engine/judge/device_info.h"
#include "engine/judge/evidence.h"
#include "engine/judge/failure.h"
#include "engine/judge/job_request.h"
#include "engine/judge/job_watch.h"
#include "engine/judge/memory.h"
#include "engine/judge/noise.h"
#include "engine/judge/plan.h"
#include "engine/judge/side.h"
#include "engine/judge/verdict.h"
#include "sandbox/channel.h"
#include "schemas/evaluation.h"

namespace assay::engine::judge {

// What a judge keeps from job to job.
struct JudgeDevice {
  std::unique_ptr<Memory> memory;
  std::unique_ptr<DeviceProbe> probe;
  TorchDevice torch;
  std::size_t memory_budget_bytes = 0;  // 0: a share of what is free when a job starts
};

class Session {
 public:
  // `executor` is polled for cancels and told events. Both references must outlive the session.
  Session(JobRequest request, JudgeDevice& device, sandbox::Channel& executor);

  // Never throws. All runners are dead or dying when it returns.
  schemas::Evaluation run();
  // Whether it was the judge itself that failed.
  bool failed_inside() const { return failed_inside_; }

 private:
  void work();
  void await_end(const Failure& failure);
  void prepare_runners();
  void begin_inputs();
  void finish_inputs();
  void load(Side* side);
  void share_weights();
  void probe_sides();
  MeasurementPlan plan();
  void bind_slots(const MeasurementPlan& plan);
  void measure(const MeasurementPlan& plan);

  bool interpreted() const;
  RunnerClient* runner(schemas::RunnerRole role);
  const schemas::Kernel& input_owner() const;
  CompiledPart compiled_part(schemas::RunnerRole role);
  std::int64_t bytes_per_slot() const;
  void enter(schemas::Stage stage, double progress, const std::string& message);
  void finish_step(const std::string& name);
  void describe_device();

  JobRequest request_;
  JudgeDevice& device_;
  Memory& memory_;
  JobWatch watch_;
  schemas::Evaluation evaluation_;
  Progress progress_;
  bool failed_inside_ = false;
  sandbox::Clock::time_point step_begin_;

  std::vector<std::unique_ptr<RunnerClient>> runners_;
  std::optional<Side> reference_, candidate_;
  std::uint64_t construction_seed_;
  NoiseMaker noise_;
  Transfer init_inputs_;
  std::optional<Drawing> drawing_;  // from begin_inputs to finish_inputs
  Draws draws_;
  Evidence evidence_;
};

}  // namespace assay::engine::judge
