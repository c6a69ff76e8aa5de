// SPDX-License-Identifier: Apache-2.0
// A whole judge session on the CPU with scripted runners.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "engine/judge/session.h"
#include "engine/judge/torch_runtime.h"
#include "tests/engine/judge/fake_runner.h"

namespace assay::tests {

inline constexpr std::int64_t kElements = 1000;

struct SessionSetup {
  schemas::JobKind kind = schemas::JobKind::compare;
  std::optional<FakeScript> inputs, reference;
  FakeScript candidate;
  // Two float32 inputs and one output of kElements; the type decides whether outputs are arguments.
  schemas::KernelType candidate_type = schemas::KernelType::multi_kernel;
  schemas::Dtype output_dtype = schemas::Dtype::float32;
  std::int64_t candidate_elements = kElements;  // of the candidate's own contract
  bool contract = true;  // false: the reference's inputs come from get_inputs
  std::int64_t num_trials = 20;
  std::int64_t budget_ms = 60'000;  // far more than needed: test machines are busy
  std::size_t memory_budget_bytes = std::size_t{256} << 20;
  std::optional<double> rtol, atol;
  // Called with the executor's end of the channel before the session runs.
  std::function<void(sandbox::Channel& executor)> before_run = [](sandbox::Channel&) {};
};

struct SessionOutcome {
  schemas::Evaluation evaluation;
  std::chrono::milliseconds elapsed{0};
  std::vector<std::string> events;  // frames that the executor was sent
};

inline schemas::IoContract add_contract(std::int64_t elements, schemas::Dtype output_dtype) {
  schemas::IoContract contract;
  for (const char* name : {"a", "b"}) {
    schemas::ArgSpec argument;
    argument.name = name;
    argument.tensor =
        schemas::TensorSpec{{elements}, schemas::Dtype::float32, schemas::Init{}, std::nullopt};
    contract.args.push_back(argument);
  }
  schemas::ArgSpec output;
  output.name = "out";
  output.role = schemas::ArgRole::output;
  output.tensor = schemas::TensorSpec{{elements}, output_dtype, std::nullopt, std::nullopt};
  contract.args.push_back(output);
  return contract;
}

inline SessionOutcome run_session(const SessionSetup& setup) {
  using engine::judge::RunnerGrant;
  engine::judge::JudgeDevice device;
  device.memory = engine::judge::make_cpu_memory();
  device.probe = engine::judge::probe_cpu();
  device.memory_budget_bytes = setup.memory_budget_bytes;
  if (!engine::judge::start_torch(device.torch)) std::abort();

  engine::judge::JobRequest request;
  request.budget_ms = setup.budget_ms;
  request.spec.job_id = "job";
  schemas::WorkRequest& work = request.spec.work;
  work.kind = setup.kind;
  work.num_trials = setup.num_trials;
  work.num_warmup = 1;
  work.rtol = setup.rtol;
  work.atol = setup.atol;
  work.candidate.type = setup.candidate_type;
  work.candidate.source_code = "candidate";
  if (setup.contract)
    work.candidate.io = add_contract(setup.candidate_elements, setup.output_dtype);
  if (setup.reference) {
    schemas::Kernel reference;
    reference.source_code = "reference";
    reference.type =
        setup.contract ? schemas::KernelType::multi_kernel : schemas::KernelType::torch;
    if (setup.contract) reference.io = add_contract(kElements, setup.output_dtype);
    work.reference = reference;
  }
  std::vector<pid_t> pids;
  const auto add = [&](schemas::RunnerRole role, const FakeScript& script) {
    FakeRunner runner = start_fake_runner(script);
    pids.push_back(runner.pid);
    RunnerGrant grant;
    grant.role = role;
    grant.channel = std::move(runner.judge_end);
    grant.pidfd = std::move(runner.pidfd);
    request.runners.push_back(std::move(grant));
  };
  if (setup.inputs) add(schemas::RunnerRole::inputs, *setup.inputs);
  if (setup.reference) add(schemas::RunnerRole::reference, *setup.reference);
  add(schemas::RunnerRole::candidate, setup.candidate);

  auto ends = sandbox::Channel::pair();
  auto& [executor, judge] = *ends;
  setup.before_run(executor);
  const auto begin = sandbox::Clock::now();
  SessionOutcome outcome;
  {
    engine::judge::Session session(std::move(request), device, judge);
    outcome.evaluation = session.run();
  }
  outcome.elapsed =
      std::chrono::duration_cast<std::chrono::milliseconds>(sandbox::Clock::now() - begin);
  judge.close();
  while (true) {
    auto frame = executor.receive(1 << 20, sandbox::after(std::chrono::seconds(1)));
    if (!frame || !*frame) break;
    outcome.events.push_back((*frame)->bytes);
  }
  for (const pid_t pid : pids) reap(pid);
  return outcome;
}

inline SessionSetup compared() {
  SessionSetup setup;
  setup.reference = FakeScript{};
  return setup;
}

inline void write_all(const FakeCall& call, std::int64_t count) {
  auto* out = reinterpret_cast<float*>(call.outputs[0]);
  for (std::int64_t i = 0; i < count; ++i) out[i] = call.inputs[0][i] + call.inputs[1][i];
}

inline void sleep_ms(int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

}  // namespace assay::tests
