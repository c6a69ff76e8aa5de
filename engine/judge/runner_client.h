// SPDX-License-Identifier: Apache-2.0
// RunnerClient: typed requests to one runner (docs/workers.md). Everything a runner answers is
// hostile input: frames are capped, decoded strictly and checked for plausibility; values are
// copied out of its memfd. Every wait ends at the job's deadline, at a cancel and at the runner's
// death. Failures: runner_error, runner_gone, bad_reply, deadline, cancelled, each with this
// runner's role and the request.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/judge/job_watch.h"
#include "sandbox/channel.h"
#include "sandbox/fd.h"
#include "sandbox/shared_memory.h"
#include "schemas/kernel.h"
#include "schemas/worker_message.h"

namespace assay::engine::judge {

enum class Tier { host, device };

// Values with the memfd that their tensors lie in; both checked against each other. Copied values:
// the memfd is the judge's own.
struct Transfer {
  bool present = true;  // false: there was nobody to ask; a runner then uses its own
  std::vector<schemas::Value> values;
  sandbox::SharedMemory buffer;  // not valid when no value holds a tensor
};

struct NamedTensor {
  std::string name;
  schemas::TensorValue tensor;
  schemas::Json stands_for;  // of bytes: dtype and shape, from runner to runner, unread here
};
struct Weights {
  std::vector<NamedTensor> tensors;
  sandbox::SharedMemory buffer;
  std::vector<std::string> skipped;
};

// What a compiler made of a kernel, for its runner. The judge passes it on unread.
struct CompiledPart {
  std::string kernel_name;  // device tier: the lowered symbol
  schemas::Json launch = schemas::Json::object();
  int artifact_fd = -1;  // borrowed; -1: nothing was compiled
};

struct Loaded {
  bool takes_get_inputs = false, has_weights = false;
  bool interpreted = false;  // Triton's interpreter stands in for a GPU
  std::optional<schemas::KernelResources> resources;
};

struct WeightsCopied {
  std::int64_t copied = 0;
  std::vector<std::string> skipped;
};

struct Probed {
  std::vector<schemas::OutputShape> outputs;
  // Returned where outputs are arguments, and not in their place: by count, shapes or dtypes.
  std::vector<schemas::OutputShape> ignored;
  std::int64_t elapsed_ns = 0;
  std::vector<schemas::Tuning> autotune = {};
};

struct BindRequest {
  std::int64_t slots = 1;
  std::vector<schemas::Binding> arguments;
  std::optional<std::vector<schemas::Binding>> outputs;
  std::int64_t input_bytes = 0, output_bytes = 0;
  int control_page_fd = -1, input_fd = -1, output_fd = -1;
};

struct PassRequest {
  std::string kind;  // "check", "time"
  std::uint32_t window = 0;
  std::vector<std::int64_t> slots;  // call order
  std::string mode = "stream";      // "stream", "graph", "events"
  std::int64_t warmup = 0;
  std::uint64_t seed = 0;  // of the random state when the calls begin
};

struct PassDone {
  std::vector<std::int64_t> calls_ns;
  std::optional<std::int64_t> copy_ns;
};

class RunnerClient {
 public:
  // `watch` must outlive the client.
  RunnerClient(schemas::RunnerRole role, Tier tier, sandbox::Channel channel,
               sandbox::UniqueFd pidfd, JobWatch& watch);
  ~RunnerClient();  // kills it
  RunnerClient(const RunnerClient&) = delete;
  RunnerClient& operator=(const RunnerClient&) = delete;

  void prepare(const std::string& device_kind, std::int64_t device_index,
               const std::string& device_uuid);
  Loaded load(const schemas::Kernel& kernel, std::uint64_t seed, const Transfer& init_inputs,
              const CompiledPart& compiled);
  // Tensors of at most `max_bytes` in all; memory: they are more.
  Transfer init_inputs(std::uint64_t seed, std::size_t max_bytes);
  // Draws are asked for and read in the same order, nothing else between them.
  void ask_draw(std::uint64_t seed);
  Transfer read_draw(std::size_t max_bytes);
  Weights get_weights(std::size_t max_bytes);
  WeightsCopied set_weights(const Weights& weights);
  void bind(const BindRequest& request);
  Probed probe(std::int64_t slot);

  // A pass: begin waits for the ready frame and returns its mode; then the control page decides
  // (window.h); finish reads the last frame. `calls`: how many were asked for; `elapsed_ns`: what
  // the judge's clock says, the bound on every figure.
  std::string begin_pass(const PassRequest& request);
  PassDone finish_pass(std::size_t calls, std::int64_t elapsed_ns);
  // Reads the error frame that a set status promises; always throws.
  [[noreturn]] void fail_pass();

  // SIGKILL; false when the operating system refuses.
  bool kill();
  // Waits until the whole tree is dead (the pidfd says so). False after `patience`.
  bool wait_dead(sandbox::Clock::duration patience);
  bool dead() const;

  schemas::RunnerRole role() const { return role_; }
  Tier tier() const { return tier_; }
  int pidfd() const { return pidfd_.get(); }
  int channel_fd() const { return channel_.fd(); }

 private:
  struct Reply {
    schemas::Json body;
    std::vector<sandbox::UniqueFd> descriptors;
  };
  Reply ask(const char* op, schemas::Json fields, const std::vector<int>& descriptors = {});
  void send(const char* op, schemas::Json fields, const std::vector<int>& descriptors);
  Reply receive(const std::string& at);
  Transfer read_transfer(Reply& reply, const char* at, std::size_t max_bytes) const;
  [[noreturn]] void bad_reply(const std::string& at, const std::string& what) const;

  schemas::RunnerRole role_;
  Tier tier_;
  sandbox::Channel channel_;
  sandbox::UniqueFd pidfd_;
  JobWatch& watch_;
};

}  // namespace assay::engine::judge
