// SPDX-License-Identifier: Apache-2.0
#include "engine/job_run.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "engine/occupancy.h"

namespace assay::engine {

using schemas::DeviceKind;
using schemas::Error;
using schemas::ErrorCode;
using schemas::Evaluation;
using schemas::JobEvent;
using schemas::KernelType;
using schemas::Result;
using schemas::RunnerRole;
using schemas::Stage;
using namespace std::chrono_literals;

namespace {

constexpr auto kStartingPatience = 120s;  // for judges and the zygote after a start
constexpr auto kRunnerPatience = 120s;    // for a job's runners to be made
constexpr auto kReportPatience = 5s;      // for a killed runner's report
constexpr auto kOwnEndPatience = 1s;      // for the report of one that ended by itself
constexpr auto kWorthRetrying = 1s;       // of budget left
constexpr int kAttempts = 2;              // the second one after a failure of ours
constexpr int kExtensionRounds = 2;       // runs that ended because an extension was not built
constexpr std::size_t kMaxReasonBytes = 400;
constexpr std::int64_t kMaxBlockThreads = 1024;
constexpr std::int64_t kMaxSharedBytes = std::int64_t{1} << 20;

std::string seconds_text(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f s", seconds);
  return text;
}

// What a compiler works on before a device is leased.
bool is_compiled(const schemas::Kernel& kernel) {
  switch (kernel.type) {
    case KernelType::cuda:
    case KernelType::triton:
    case KernelType::torch_cuda: return true;
    case KernelType::torch:
    case KernelType::multi_kernel: break;
  }
  // They may build extensions too, but then they have to name torch's module for it.
  return kernel.source_code.find("cpp_extension") != std::string::npos;
}

std::int64_t threads_of(const schemas::Dim3& block) {
  return block.x * block.y * block.z;
}

// How a device-tier kernel is launched: as its compiler says, else as its contract does.
std::optional<LaunchedBlock> launched_block(const schemas::Kernel& kernel,
                                            const BuildResult& built) {
  if (!built.artifact || built.artifact->tier != RunnerTier::device || !kernel.io) return {};
  const schemas::Json& launch = built.artifact->launch;
  if (launch.is_object() && !launch.empty()) {
    schemas::Diagnostics diagnostics;  // of the compiler's words, which may be anything
    schemas::ObjectReader reader(launch, "launch", diagnostics);
    const schemas::Json* block = reader.raw("block");
    static const schemas::Json nothing = schemas::Json::object();
    schemas::ObjectReader size(block == nullptr ? nothing : *block, "block", diagnostics);
    const auto length = [&](const char* key) { return size.int_or(key, 1, 1, kMaxBlockThreads); };
    const schemas::Dim3 threads{length("x"), length("y"), length("z")};
    const std::int64_t shared = reader.int_or("shared_mem", 0, 0, kMaxSharedBytes);
    if (!diagnostics.errors.empty()) return {};
    return LaunchedBlock{threads_of(threads), shared};
  }
  const auto& given = kernel.io->launch;
  if (!given || !given->block) return {};
  return LaunchedBlock{threads_of(*given->block), given->shared_memory_bytes};
}

bool ended_by_itself(const Evaluation& evaluation, RunnerRole role) {
  const std::string& name = schemas::runner_role_name(role);
  return std::any_of(evaluation.process_ends.begin(), evaluation.process_ends.end(),
                     [&](const auto& end) { return end.role == name; });
}

}  // namespace

JobRun::JobRun(JobParts parts, const schemas::JobSpec& spec, const EventSink& events,
               Cancellation& cancellation)
    : parts_(parts),
      spec_(spec),
      events_(events),
      cancellation_(cancellation),
      budget_(std::chrono::seconds(spec.work.timeout_seconds)) {}

Result<Evaluation> JobRun::run() {
  auto result = take_steps();
  if (cancellation_.cancelled())
    return Error{ErrorCode::cancelled, "cancelled while it ran", false, {}};
  return result;
}

Result<Evaluation> JobRun::take_steps() {
  Step compiled = compile();
  if (!compiled) return compiled.error();
  if (*compiled) return finished(std::move(**compiled));
  if (const auto& most = spec_.work.run_timeout_seconds) budget_.keep(std::chrono::seconds(*most));
  for (int round = 0;; ++round) {
    auto evaluation = [&]() -> Result<Evaluation> {
      auto lease = this->lease();
      if (!lease) return lease.error();
      auto measured = measure(*station_of(lease->devices().front()));
      parts_.farewell.take(std::move(leaving_), std::move(*lease));
      leaving_.clear();
      return measured;
    }();
    if (!evaluation) return evaluation.error();
    if (!evaluation->missing_extension || round == kExtensionRounds)
      return finished(std::move(*evaluation));
    Step built = compile_missing(*evaluation->missing_extension);
    if (!built) return built.error();
    if (*built) return finished(std::move(**built));
  }
}

JobRun::Step JobRun::compile() {
  const schemas::WorkRequest& work = spec_.work;
  const bool compiles_reference = work.reference && is_compiled(*work.reference);
  const bool compiles_candidate = is_compiled(work.candidate);
  if (compiles_reference || compiles_candidate)
    tell(JobEvent::Kind::stage, Stage::compiling, 0.02, "compiling");
  if (compiles_reference) {
    Step step = compile_one(*work.reference, true);
    if (!step || *step) return step;
  }
  if (compiles_candidate) {
    Step step = compile_one(work.candidate, false);
    if (!step || *step) return step;
  }
  return stop_without_gpu();
}

// What was compiled for a GPU ends here where there is none.
JobRun::Step JobRun::stop_without_gpu() {
  if (can_run()) return std::optional<Evaluation>();
  Evaluation evaluation = compiled_only(spec_, reports_.back());
  if (artifacts_.contains(false)) evaluation.compiled = true;
  return std::optional(std::move(evaluation));
}

// Stored under the kernel's own key too, so that its next run need not meet the extension again.
JobRun::Step JobRun::compile_missing(const schemas::MissingExtension& missing) {
  const bool of_reference =
      spec_.work.reference &&
      missing.role != schemas::runner_role_name(RunnerRole::candidate);  // inputs are its own
  tell(JobEvent::Kind::log, Stage::compiling, 0.1,
       "an extension was first asked for when the kernel ran; building it");
  extensions_[of_reference].push_back(missing.call);
  Step step =
      compile_one(of_reference ? *spec_.work.reference : spec_.work.candidate, of_reference);
  if (!step || *step) return step;
  return stop_without_gpu();
}

// On the CPU Triton's interpreter runs what was compiled from Python; a cubin needs its GPU.
bool JobRun::can_run() const {
  if (artifacts_.empty()) return true;
  if (!on_cpu()) return has_gpu();
  return std::none_of(artifacts_.begin(), artifacts_.end(), [this](const auto& entry) {
    return entry.second.needs_gpu && !interpreted(entry.first);
  });
}

JobRun::Step JobRun::compile_one(const schemas::Kernel& kernel, bool of_reference) {
  const auto target = architecture();
  if (!target) return target.error();
  const std::string own_key = parts_.toolchain.artifact_key(kernel, *target);
  const std::vector<schemas::Json>& extensions = extensions_[of_reference];
  const std::string key =
      extensions.empty() ? own_key : content_key({own_key, schemas::dump_json(extensions)});
  auto built = parts_.cache.find_or_build(key, cancellation_, budget_.deadline(), [&] {
    return parts_.compilers.compile(kernel, *target, budget_, cancellation_, isolation_,
                                    extensions);
  });
  if (!built) return built.error();
  if (!extensions.empty() && built->artifact)
    static_cast<void>(parts_.cache.store(own_key, *built->artifact));  // only saves time
  built->report.architecture = *target;
  add_occupancy(built->report, launched_block(kernel, *built));
  reports_.push_back(built->report);
  const std::string whose = of_reference ? "reference" : "kernel";
  if (!built->whole_log.empty())
    tell(JobEvent::Kind::compile_log, Stage::compiling, 0.05,
         "--- " + whose + "\n" + built->whole_log);
  if (!built->artifact) return std::optional(compilation_failed(spec_, *built, of_reference));
  tell(JobEvent::Kind::log, Stage::compiling, 0.1,
       whose + " compiled by " + built->report.tool + " for " + *target +
           (built->report.cache_hit ? " (cached)" : " in " + seconds_text(built->report.seconds)));
  note_tier(*built->artifact, of_reference);
  artifacts_[of_reference] = std::move(*built->artifact);
  return std::optional<Evaluation>();
}

// The reason is the compiler's, which ran submitted code.
void JobRun::note_tier(const Artifact& artifact, bool of_reference) {
  if (artifact.tier != RunnerTier::host || on_cpu() || !artifact.launch.is_object()) return;
  const auto reason = artifact.launch.find("tier_reason");
  if (reason == artifact.launch.end() || !reason->is_string()) return;
  const std::string why = reason->get<std::string>().substr(0, kMaxReasonBytes);
  if (of_reference)
    notes_.push_back("the reference is launched by Python (tier host): " + why);
  else
    tier_reason_ = "launched by Python: " + why;
}

// That of the GPUs, which the first judge that comes up tells; waiting for it costs no budget.
Result<std::string> JobRun::architecture() {
  if (!has_gpu()) return parts_.fallback_architecture;
  for (const auto& station : parts_.stations) {
    if (station->id().kind != DeviceKind::cuda) continue;
    if (const auto device = station->judge().device()) return device->architecture;
  }
  for (const auto& station : parts_.stations) {
    if (station->id().kind != DeviceKind::cuda) continue;
    if (auto up = station->wait_up(budget_, cancellation_, kStartingPatience); !up)
      return up.error();
    if (const auto device = station->judge().device()) return device->architecture;
  }
  return Error{ErrorCode::no_device, "no GPU came up", true, {}};
}

Result<GpuPool::Lease> JobRun::lease() {
  tell(JobEvent::Kind::stage, Stage::queued, 0.1, "waiting for a device");
  const Budget::Pause waiting(budget_);
  auto lease =
      parts_.pool.acquire(on_cpu() ? DeviceKind::cpu : DeviceKind::cuda, spec_.device.count,
                          cancellation_, sandbox::after(kStartingPatience));
  if (lease || lease.error().code != ErrorCode::no_device) return lease;
  Error error = lease.error();  // with what the judges say
  for (const auto& station : parts_.stations)
    if (const std::string trouble = station->judge().trouble(); !trouble.empty())
      error.message += "; " + trouble;
  return error;
}

// Inputs come from the reference's get_inputs where there is a reference, in a runner of their own,
// unless a contract says how to make them.
std::vector<JobRun::Actor> JobRun::actors() const {
  const schemas::WorkRequest& work = spec_.work;
  const auto actor = [&](RunnerRole role, bool of_reference) {
    const auto artifact = artifacts_.find(of_reference);
    if (artifact == artifacts_.end() || interpreted(of_reference))
      return Actor{role, RunnerTier::host, nullptr};
    return Actor{role, artifact->second.tier, &artifact->second};
  };
  std::vector<Actor> actors;
  const bool has_reference = work.reference.has_value();
  const schemas::Kernel& owner = has_reference ? *work.reference : work.candidate;
  if (!owner.io) actors.push_back(actor(RunnerRole::inputs, has_reference));
  if (has_reference) actors.push_back(actor(RunnerRole::reference, true));
  actors.push_back(actor(RunnerRole::candidate, false));
  return actors;
}

// A failure of ours, a judge's or a waiting runner's death say, takes the job with it; their
// successors get it once more if there is time.
Result<Evaluation> JobRun::measure(DeviceStation& station) {
  for (int number = 1;; ++number) {
    auto evaluation = attempt(station);
    const bool judge_died = !evaluation && evaluation.error().code == ErrorCode::interrupted;
    const bool ours = evaluation && evaluation->retryable &&
                      evaluation->verdict.code == schemas::VerdictCode::infrastructure_failed;
    if (!(judge_died || ours) || number == kAttempts || cancellation_.cancelled() ||
        budget_.left() <= kWorthRetrying)
      return evaluation;
    tell(JobEvent::Kind::log, Stage::validating, 0.1,
         (ours ? evaluation->error : evaluation.error().message) + "; once more");
  }
}

Result<Evaluation> JobRun::attempt(DeviceStation& station) {
  if (auto up = station.wait_up(budget_, cancellation_, kStartingPatience); !up) return up.error();
  const auto device = station.judge().device();
  if (!device) return Error{ErrorCode::interrupted, "the judge went away", true, {}};

  const std::vector<Actor> cast = actors();
  std::vector<RunnerTier> tiers;
  tiers.reserve(cast.size());
  for (const Actor& actor : cast) tiers.push_back(actor.tier);
  auto taken = [&] {
    const Budget::Pause starting(budget_);
    return station.runners().take_all(tiers, *device, sandbox::after(kRunnerPatience));
  }();
  if (!taken) return taken.error();
  if (cancellation_.cancelled())
    return Error{ErrorCode::cancelled, "cancelled before it ran", false, {}};
  std::vector<RunnerProcess>& runners = *taken;
  std::vector<sandbox::SharedMemory> artifacts;
  std::vector<JudgedRunner> judged;
  schemas::IsolationReport isolation;
  for (std::size_t i = 0; i < cast.size(); ++i) {
    const Actor& actor = cast[i];
    schemas::merge(isolation, schemas::IsolationReport{runners[i].isolation()});
    JudgedRunner one;
    one.role = actor.role;
    one.channel_fd = runners[i].channel_fd();
    one.pidfd = runners[i].pidfd();
    if (actor.artifact != nullptr) {
      const std::string& binary = actor.artifact->binary;
      auto memory = sandbox::SharedMemory::create("artifact", binary.size());
      if (!memory) return memory.error();
      if (auto written = memory->write(0, binary.data(), binary.size()); !written)
        return written.error();
      one.device_tier = actor.tier == RunnerTier::device;
      one.kernel_name = actor.artifact->kernel_name;
      one.launch = actor.artifact->launch;
      one.artifact_fd = memory->fd();
      artifacts.push_back(std::move(*memory));
    }
    judged.push_back(one);
  }

  auto evaluation =
      station.judge().evaluate(spec_, judged, budget_.deadline(), events_, cancellation_);
  // The judge has killed them, unless it is dead itself; nothing of a job outlives its lease. How
  // the candidate ended, and what it printed, is always told; how a killed reference did, never.
  const bool all_well = evaluation && evaluation->process_ends.empty();
  ExitReports ends;
  std::vector<std::string> still_alive;
  for (std::size_t i = 0; i < runners.size(); ++i) {
    if (all_well && judged[i].role != RunnerRole::candidate) {
      leaving_.push_back(std::move(runners[i]));
      continue;
    }
    if (evaluation && ended_by_itself(*evaluation, judged[i].role))
      runners[i].await_end(kOwnEndPatience);
    const auto end = runners[i].end(sandbox::after(kReportPatience));
    if (end)
      ends[judged[i].role] = *end;
    else
      still_alive.push_back(schemas::runner_role_name(judged[i].role));
  }
  if (!evaluation) return evaluation.error();
  schemas::merge(isolation_, isolation);
  add_exit_reports(*evaluation, spec_.work, ends);
  for (const std::string& role : still_alive)
    evaluation->warnings.push_back("the process of the " + role + " did not die in time");
  if (evaluation->device) evaluation->device->index = station.id().index;
  return evaluation;
}

// What the judge does not know.
Result<Evaluation> JobRun::finished(Evaluation evaluation) {
  evaluation.job_id = spec_.job_id;
  evaluation.kind = spec_.work.kind;
  evaluation.compile.insert(evaluation.compile.begin(), reports_.begin(), reports_.end());
  evaluation.isolation = isolation_;
  evaluation.tier_reason = tier_reason_;
  evaluation.missing_extension.reset();
  evaluation.warnings.insert(evaluation.warnings.begin(), notes_.begin(), notes_.end());
  evaluation.warnings.insert(evaluation.warnings.begin(), spec_.work.warnings.begin(),
                             spec_.work.warnings.end());
  return evaluation;
}

DeviceStation* JobRun::station_of(const DeviceId& device) const {
  for (const auto& station : parts_.stations)
    if (station->id() == device) return station.get();
  return nullptr;
}

bool JobRun::has_gpu() const {
  return parts_.pool.configured(DeviceKind::cuda) > 0;
}

bool JobRun::on_cpu() const {
  return spec_.device.wish == schemas::DeviceWish::cpu ||
         (spec_.device.wish == schemas::DeviceWish::any && !has_gpu());
}

bool JobRun::interpreted(bool of_reference) const {
  const schemas::Kernel& kernel = of_reference ? *spec_.work.reference : spec_.work.candidate;
  return kernel.type == KernelType::triton && on_cpu();
}

void JobRun::tell(JobEvent::Kind kind, Stage stage, double progress,
                  const std::string& message) const {
  events_({kind, stage, progress, message});
}

}  // namespace assay::engine
