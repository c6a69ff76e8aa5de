// SPDX-License-Identifier: Apache-2.0
#include "engine/judge/session.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "engine/judge/failure.h"
#include "engine/judge/measurement.h"
#include "engine/judge/random.h"
#include "engine/judge/side_effects.h"
#include "engine/judge/window.h"

namespace assay::engine::judge {
namespace {

using schemas::RunnerRole;

// Of what is free when a job starts, where the operator gave no figure: the runners' own memory and
// the comparison's temporaries come on top.
constexpr std::size_t kCpuShareDivisor = 4, kGpuShareNumerator = 6, kGpuShareDivisor = 10;
// One set of inputs, all draws, or all weights may take this part of the budget.
constexpr std::size_t kInputShareDivisor = 4;
// Temporaries of noise and comparison, beside the ledger.
constexpr std::size_t kTemporaryBytes = std::size_t{256} << 20;
constexpr std::chrono::milliseconds kEndPatience{
    500};  // for a process that closed its channel to be dead
constexpr std::size_t kMaxNotes = 8;

std::size_t budget_of(const JudgeDevice& device) {
  const std::size_t free = device.memory->free_bytes();
  const std::size_t share = device.torch.kind == schemas::DeviceKind::cpu
                                ? free / kCpuShareDivisor
                                : free / kGpuShareDivisor * kGpuShareNumerator;
  return device.memory_budget_bytes > 0 ? std::min(device.memory_budget_bytes, free) : share;
}

std::string tier_word(schemas::DeviceKind kind, Tier tier) {
  if (kind == schemas::DeviceKind::cpu) return "cpu";
  return tier == Tier::device ? "device" : "host";
}

}  // namespace

Session::Session(JobRequest request, JudgeDevice& device, sandbox::Channel& executor)
    : request_(std::move(request)),
      device_(device),
      memory_(*device.memory),
      watch_(executor, request_.spec.job_id,
             sandbox::after(std::chrono::milliseconds(request_.budget_ms))),
      step_begin_(sandbox::Clock::now()),
      construction_seed_(random_seed()),
      noise_(device.torch, random_seed(), request_.spec.work.rtol),
      evidence_(device.torch, request_.spec.work.rtol, request_.spec.work.atol) {
  const schemas::WorkRequest& work = request_.spec.work;
  memory_.set_budget(budget_of(device));
  for (RunnerGrant& grant : request_.runners)
    runners_.push_back(std::make_unique<RunnerClient>(
        grant.role, grant.tier, std::move(grant.channel), std::move(grant.pidfd), watch_));
  if (work.reference)
    reference_.emplace(RunnerRole::reference, *work.reference, *runner(RunnerRole::reference));
  candidate_.emplace(RunnerRole::candidate, work.candidate, *runner(RunnerRole::candidate));
  progress_.has_reference = work.reference.has_value();

  evaluation_.job_id = request_.spec.job_id;
  evaluation_.kind = work.kind;
  evaluation_.kernel_type = work.candidate.type;
  const schemas::KernelMetadata& metadata = work.candidate.metadata;
  const RunnerGrant& grant = *request_.find(RunnerRole::candidate);
  evaluation_.kernel_name = metadata.kernel_name.value_or(metadata.entry_point.value_or(
      metadata.function_name.value_or(metadata.class_name.value_or(grant.kernel_name))));
  evaluation_.tier = tier_word(device.torch.kind, grant.tier);
}

schemas::Evaluation Session::run() {
  try {
    work();
  } catch (const Failure& failure) {
    conclude_failure(evaluation_, failure, progress_);
    await_end(failure);
  } catch (const std::exception& error) {
    conclude_failure(evaluation_, Failure(Cause::internal, error.what()), progress_);
  }
  for (const auto& client : runners_) client->kill();
  schemas::Checks checks = std::move(evaluation_.checks);
  evaluation_.checks = evidence_.checks();
  evaluation_.checks.draws = checks.draws;
  evaluation_.checks.slots = checks.slots;
  evaluation_.checks.windows = checks.windows;
  evaluation_.checks.inputs = std::move(checks.inputs);
  evaluation_.checks.seeds = std::move(checks.seeds);
  evaluation_.checks.noise_seed = checks.noise_seed;
  evaluation_.checks.final_kill = checks.final_kill;
  const CallPlan& call = candidate_->call;
  evaluation_.checks.outputs_poisoned =
      evaluation_.checks.calls_checked > 0 && call.inouts.size() < call.outputs.tensors().size();
  if (!evaluation_.device) describe_device();
  return std::move(evaluation_);
}

// A process that ended by itself is to be reported so by its keeper, not as killed by us a moment
// later.
void Session::await_end(const Failure& failure) {
  if (failure.cause != Cause::runner_gone || !failure.role) return;
  if (RunnerClient* const gone = runner(*failure.role)) gone->wait_dead(kEndPatience);
}

void Session::work() {
  enter(schemas::Stage::validating, 0, "drawing inputs");
  prepare_runners();
  begin_inputs();
  load(reference_ ? &*reference_ : nullptr);
  finish_inputs();
  finish_step("inputs");
  load(&*candidate_);
  progress_.candidate_loaded = true;
  evaluation_.compiled = true;
  if (interpreted())
    evaluation_.warnings.push_back(
        "values of triton kernels come from Triton's interpreter on the CPU; nothing is timed");
  share_weights();
  finish_step("load");
  probe_sides();
  const MeasurementPlan measurement = plan();
  bind_slots(measurement);
  finish_step("probe");
  measure(measurement);
}

void Session::prepare_runners() {
  const schemas::DeviceInfo& info = device_.probe->fixed();
  for (const auto& client : runners_)
    client->prepare(schemas::device_kind_name(info.kind), info.index, info.uuid);
}

const schemas::Kernel& Session::input_owner() const {
  const schemas::WorkRequest& work = request_.spec.work;
  return work.reference ? *work.reference : work.candidate;
}

// Inputs come from the owner's contract, else from get_inputs in a process of its own, which ends
// before a candidate is loaded; the reference may be loaded meanwhile.
void Session::begin_inputs() {
  const std::size_t most = memory_.budget_left() / kInputShareDivisor;
  RunnerClient* client = runner(RunnerRole::inputs);
  init_inputs_.present = client != nullptr;
  try {
    Loaded loaded;
    if (client != nullptr) {
      loaded = client->load(input_owner(), construction_seed_, Transfer{false, {}, {}},
                            compiled_part(RunnerRole::inputs));
      init_inputs_ = client->init_inputs(construction_seed_, most);
    }
    std::unique_ptr<DrawSource> source;
    if (input_owner().io)
      source = draw_from_contract(*input_owner().io, most);
    else if (client != nullptr && loaded.takes_get_inputs)
      source = draw_from_runner(*client, most);
    else
      throw Failure(
          Cause::unusable,
          "its source has no get_inputs() and no IO contract was given, so there are no inputs");
    drawing_.emplace(std::move(source), memory_, noise_, DrawLimits{most, watch_.left()});
    if (!input_owner().io) evaluation_.io_contract = contract_of(drawing_->first().inputs);
  } catch (Failure& failure) {
    if (!failure.role) failure.role = RunnerRole::inputs;
    throw;
  }
  if (!drawing_->begun()) finish_inputs();
}

void Session::finish_inputs() {
  if (!drawing_) return;
  try {
    draws_ = drawing_->finish();
  } catch (Failure& failure) {
    if (!failure.role) failure.role = RunnerRole::inputs;
    throw;
  }
  drawing_.reset();
  if (RunnerClient* const client = runner(RunnerRole::inputs)) client->kill();

  schemas::Checks& checks = evaluation_.checks;
  checks.draws = static_cast<std::int64_t>(draws_.draws.size());
  checks.inputs = draws_.how;
  bool varied = false;
  for (const Draw& draw : draws_.draws) {
    checks.seeds.push_back(draw.seed);
    for (const NoiseRange& range : draw.ranges) varied = varied || range.varies;
  }
  for (const auto& recipe : draws_.recipes) varied = varied || recipe.has_value();
  evaluation_.warnings.insert(evaluation_.warnings.end(), draws_.warnings.begin(),
                              draws_.warnings.end());
  if (varied) checks.noise_seed = noise_.seed();
}

void Session::load(Side* side) {
  if (side == nullptr) return;
  side->loaded =
      side->runner.load(side->kernel, construction_seed_, init_inputs_, compiled_part(side->role));
}

CompiledPart Session::compiled_part(RunnerRole role) {
  const RunnerGrant& grant = *request_.find(role);
  return {grant.kernel_name, grant.launch, grant.artifact.get()};
}

void Session::share_weights() {
  if (!reference_ || !reference_->loaded.has_weights || !candidate_->loaded.has_weights) return;
  const Weights weights =
      reference_->runner.get_weights(memory_.budget_left() / kInputShareDivisor);
  const WeightsCopied copied = candidate_->runner.set_weights(weights);
  for (const auto* list : {&weights.skipped, &copied.skipped})
    for (const std::string& skipped : *list)
      if (evaluation_.warnings.size() < kMaxNotes)
        evaluation_.warnings.push_back("weight not copied: " + skipped);
}

void Session::probe_sides() {
  const Arena& sample = *draws_.draws.front().values;
  if (reference_) {
    probe_side(*reference_, draws_.inputs, sample, memory_);
    reference_->buffers = SideBuffers{};
  }
  probe_side(*candidate_, draws_.inputs, sample, memory_);
  candidate_->buffers = SideBuffers{};
  evaluation_.autotune = candidate_->autotune;
  if (reference_) {
    std::string warning = pair_by_key(reference_->call, candidate_->call);
    if (!warning.empty()) evaluation_.warnings.push_back(std::move(warning));
    demand_same_outputs(reference_->call.outputs, candidate_->call.outputs);
  }
  evidence_.state_tolerances((reference_ ? *reference_ : *candidate_).call.outputs);
}

// Staging, both sides' arenas, expected outputs and two snapshots.
std::int64_t Session::bytes_per_slot() const {
  const std::int64_t inputs = draws_.inputs.layout.slot_bytes();
  const std::int64_t candidate = candidate_->call.outputs.slot_bytes();
  if (!reference_) return 2 * inputs + 3 * candidate;
  const std::int64_t reference = reference_->call.outputs.slot_bytes();
  return 3 * inputs + 2 * reference + candidate + 2 * std::max(candidate, reference);
}

MeasurementPlan Session::plan() {
  const schemas::WorkRequest& work = request_.spec.work;
  PlanQuestion question;
  question.candidate_call_ns = candidate_->probe_ns;
  question.reference_call_ns = reference_ ? std::max<std::int64_t>(reference_->probe_ns, 1) : 0;
  question.memory_per_slot = bytes_per_slot();
  const std::int64_t cache = device_.probe->fixed().l2_bytes.value_or(0);
  const std::size_t flush =
      device_.torch.kind == schemas::DeviceKind::cuda ? static_cast<std::size_t>(2 * cache) : 0;
  const std::size_t aside = flush + std::min(kTemporaryBytes, memory_.budget_left() / 8);
  question.memory_left =
      static_cast<std::int64_t>(memory_.budget_left() - std::min(aside, memory_.budget_left()));
  question.traffic_per_slot =
      draws_.inputs.layout.data_bytes() + candidate_->call.outputs.data_bytes();
  question.cache_bytes = cache;
  question.num_trials = work.num_trials;
  question.time_left_ns =
      std::chrono::duration_cast<std::chrono::nanoseconds>(watch_.left()).count();
  question.draws = draws_.independent();
  question.timed = work.timed && work.kind != schemas::JobKind::validate && !interpreted();
  return plan_measurement(question);
}

void Session::bind_slots(const MeasurementPlan& plan) {
  if (reference_) bind_side(*reference_, draws_.inputs, memory_, plan.slots);
  bind_side(*candidate_, draws_.inputs, memory_, plan.slots);
  const Arena& sample = *draws_.draws.front().values;
  if (reference_) preset_inputs(*reference_, draws_.inputs.layout, sample, memory_);
  preset_inputs(*candidate_, draws_.inputs.layout, sample, memory_);
  evaluation_.checks.slots = plan.slots;
}

void Session::measure(const MeasurementPlan& plan) {
  const bool timed = plan.final_calls > 0;
  const bool gpu = device_.torch.kind == schemas::DeviceKind::cuda;
  WindowRunner windows(memory_, watch_,
                       gpu && timed ? device_.probe->fixed().l2_bytes.value_or(0) : 0,
                       random_seed());
  Contents contents(draws_, memory_, noise_, plan.slots);
  Measurement measurement({memory_, watch_, windows, contents, evidence_,
                           reference_ ? &*reference_ : nullptr, *candidate_, plan,
                           request_.spec.work.num_warmup, draws_.independent()});
  enter(schemas::Stage::validating, 0.3, "checking values");
  const bool right = measurement.check();
  for (std::string& found : side_effects(*candidate_, contents, plan.check_slots, device_.torch))
    evaluation_.warnings.push_back(std::move(found));
  finish_step("check");
  const auto warn = [&] {
    evaluation_.warnings.insert(evaluation_.warnings.end(), measurement.warnings().begin(),
                                measurement.warnings().end());
  };
  if (!right || !timed) warn();
  if (!right)
    return conclude_incorrect(evaluation_, evidence_, progress_.has_reference, false,
                              candidate_->ignored);
  progress_.check_passed = true;
  if (timed) {
    enter(schemas::Stage::profiling, 0.4, "timing");
    const bool still_right = measurement.time([this](double done) {
      watch_.tell(
          {schemas::JobEvent::Kind::progress, schemas::Stage::profiling, 0.4 + 0.6 * done, ""});
    });
    warn();
    describe_device();
    finish_step("timing");
    evaluation_.checks.windows = measurement.windows_timed();
    evaluation_.checks.final_kill = measurement.final_kill();
    if (!still_right)
      return conclude_incorrect(evaluation_, evidence_, progress_.has_reference, true,
                                candidate_->ignored);
    evaluation_.timing = measurement.report(random_seed());
  } else {
    evaluation_.timing.unavailable_reason =
        interpreted() ? "the times of Triton's interpreter on the CPU say nothing about a GPU"
        : request_.spec.work.timed ? "validate_kernel does not time"
                                   : "an extra shape is checked, not timed";
  }
  evaluation_.timing.notes.insert(evaluation_.timing.notes.end(), draws_.notes.begin(),
                                  draws_.notes.end());
  evaluation_.checks.calls_checked = evidence_.checks().calls_checked;
  conclude_correct(evaluation_, progress_.has_reference, candidate_->call);
}

// Triton without a GPU, by the runners' word: a false one costs a candidate its timing.
bool Session::interpreted() const {
  if (device_.torch.kind != schemas::DeviceKind::cpu) return false;
  return candidate_->loaded.interpreted || (reference_ && reference_->loaded.interpreted);
}

RunnerClient* Session::runner(RunnerRole role) {
  for (const auto& client : runners_)
    if (client->role() == role) return client.get();
  return nullptr;
}

void Session::enter(schemas::Stage stage, double progress, const std::string& message) {
  watch_.tell({schemas::JobEvent::Kind::stage, stage, progress, message});
}

void Session::finish_step(const std::string& name) {
  const auto now = sandbox::Clock::now();
  evaluation_.stages.push_back({name, std::chrono::duration<double>(now - step_begin_).count()});
  step_begin_ = now;
}

void Session::describe_device() {
  evaluation_.device = device_.probe->now();
  const std::string missing = device_.probe->missing_reason();
  if (!missing.empty()) evaluation_.warnings.push_back("device figures are incomplete: " + missing);
}

}  // namespace assay::engine::judge
