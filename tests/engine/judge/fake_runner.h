// SPDX-License-Identifier: Apache-2.0
// A scripted runner for tests of the judge: a forked process that speaks the runner's protocol over
// float32 tensors on the CPU. Honest by default (out = a + b); a script changes what it computes,
// what it answers, and when it dies.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "engine/control_page.h"
#include "sandbox/channel.h"
#include "sandbox/fd.h"
#include "schemas/json_reader.h"
#include "schemas/worker_message.h"

namespace assay::tests {

// One call as the script sees it. Pointers go into the mapped arenas.
struct FakeCall {
  std::vector<float*> inputs;
  std::vector<std::byte*> outputs;
  std::int64_t elements = 0;  // of the first input
  std::int64_t slot = 0;
  std::uint32_t window = 0;  // 0: a probe
  bool timed = false;
};

struct FakeScript {
  std::function<void(const FakeCall&)> compute = [](const FakeCall& call) {
    auto* out = reinterpret_cast<float*>(call.outputs[0]);
    for (std::int64_t i = 0; i < call.elements; ++i) out[i] = call.inputs[0][i] + call.inputs[1][i];
  };
  // Before a request is worked on; may _exit, sleep.
  std::function<void(const std::string& op)> on_request = [](const std::string&) {};
  // Just before an answer is sent; may change it.
  std::function<void(const std::string& op, schemas::Json& answer)> on_answer =
      [](const std::string&, schemas::Json&) {};
  // Inside a window, before its calls; after `done` was set.
  std::function<void(engine::ControlPage& page, std::uint32_t window, bool timed)> before_calls =
      [](engine::ControlPage&, std::uint32_t, bool) {};
  std::function<void(const std::vector<FakeCall>& calls, bool timed)> after_done =
      [](const std::vector<FakeCall>&, bool) {};
  // What a probe says the outputs are; empty: as the first input.
  std::vector<schemas::OutputShape> outputs;
  // What get_inputs makes; each of `draw_elements` floats.
  int draw_tensors = 2;
  std::int64_t draw_elements = 1000;
  bool has_weights = false;
};

struct FakeRunner {
  sandbox::Channel judge_end;
  sandbox::UniqueFd pidfd;
  pid_t pid = -1;
};

FakeRunner start_fake_runner(const FakeScript& script);
// Waits for it; the raw wait status.
int reap(pid_t pid);

}  // namespace assay::tests
