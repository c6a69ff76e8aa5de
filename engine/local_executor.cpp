// SPDX-License-Identifier: Apache-2.0
#include "engine/local_executor.h"

#include <algorithm>
#include <fstream>
#include <mutex>
#include <thread>
#include <unistd.h>
#include <utility>

#include "engine/artifact_cache.h"
#include "engine/compile_service.h"
#include "engine/device_inventory.h"
#include "engine/device_station.h"
#include "engine/extra_shapes_run.h"
#include "engine/toolchain.h"
#include "engine/worker_policy.h"
#include "engine/zygote_process.h"
#include "sandbox/probe.h"
#include "sandbox/spawn.h"
#include "sandbox/uid_pool.h"

namespace assay::engine {

using schemas::DeviceKind;
using schemas::Evaluation;
using schemas::Result;
using namespace std::chrono_literals;

namespace {

constexpr auto kProbePatience = 30s;
constexpr std::uint64_t kUidCount = 256;  // of runners, warm and at work, and compilers at once
constexpr double kRunnerShareOfMemory = 0.4;
constexpr std::int64_t kMostParallelCompiles = 64;

// Uids for untrusted processes: high ones, away from those of people and services, different for
// servers that run at the same time; inside what this user namespace maps.
sandbox::UidPool make_uid_pool() {
  std::uint64_t inside = 0, outside = 0, count = 0;
  std::ifstream("/proc/self/uid_map") >> inside >> outside >> count;
  constexpr std::uint64_t high = 700'000'000, range = 1'000'000;
  const auto process = static_cast<std::uint64_t>(::getpid());
  std::uint64_t first = high + process * kUidCount % range;
  if (inside == 0 && first + kUidCount > count) {
    // A container's map, often of 65,536.
    const std::uint64_t room = count > 2 * kUidCount ? count / 2 : kUidCount;
    first = count - room + process * kUidCount % (room - kUidCount + 1);
  }
  return sandbox::UidPool(static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(kUidCount));
}

std::vector<DeviceId> choose_devices(const LocalExecutorOptions& options,
                                     const std::vector<GpuNode>& gpus) {
  if (!options.devices.empty()) return options.devices;
  std::vector<DeviceId> devices;
  devices.reserve(gpus.size() + 1);
  for (const GpuNode& gpu : gpus) devices.push_back({DeviceKind::cuda, gpu.index});
  if (devices.empty()) devices.push_back({DeviceKind::cpu, 0});
  return devices;
}

class LocalExecutor final : public Executor {
 public:
  LocalExecutor(const LocalExecutorOptions& options, Installation installation,
                sandbox::Spawner spawner, std::unique_ptr<ArtifactCache> cache)
      : options_(options),
        installation_(std::move(installation)),
        spawner_(std::move(spawner)),
        uids_(make_uid_pool()),
        cache_(std::move(cache)),
        toolchain_(installation_),
        gpus_(find_gpus()),
        cpu_(describe_cpu()),
        parallel_compiles_(std::clamp<std::int64_t>(
            options.parallel_compiles > 0 ? options.parallel_compiles
                                          : std::thread::hardware_concurrency() /
                                                std::max<std::int64_t>(1, options.compiler_cpus),
            1, kMostParallelCompiles)),
        pool_(choose_devices(options, gpus_)),
        zygote_(std::make_unique<ZygoteProcess>(installation_, spawner_, [this] { refill(); })),
        compilers_(installation_, spawner_, *zygote_, uids_,
                   {parallel_compiles_, std::chrono::seconds(options.compile_seconds),
                    options.jobs_per_build}),
        farewell_([this] { refill(); }) {
    for (const GpuPool::Use& use : pool_.use()) stations_.push_back(make_station(use.device));
    {
      const std::lock_guard lock(mutex_);
      stations_made_ = true;
    }
    refill();  // it may have been sooner
    prober_ = std::thread([this] { probe(); });
  }

  ~LocalExecutor() override {
    prober_.join();
    {
      const std::lock_guard lock(mutex_);
      stations_made_ = false;
    }
    stations_.clear();
    zygote_.reset();
  }

  Result<Evaluation> run(const schemas::JobSpec& spec, const EventSink& events,
                         Cancellation& cancellation) override {
    auto result = run_with_extra_shapes(
        {toolchain_, *cache_, compilers_, pool_, farewell_, stations_, options_.architecture}, spec,
        events, cancellation);
    refill();
    return result;
  }

  Capacity capacity() override {
    Capacity capacity;
    capacity.parallel_jobs = static_cast<std::int64_t>(stations_.size()) + parallel_compiles_;
    bool all_known = true;
    for (const auto& station : stations_) {
      station->add_starting(capacity.starting);
      const auto device = known_device(*station);
      all_known = all_known && device.has_value();
      if (device) capacity.configured.push_back(*device);
      if (device && station->judge().up()) capacity.devices.push_back(*device);
    }
    if (!all_known) capacity.configured.clear();
    if (!zygote_->up()) {
      const std::string trouble = zygote_->trouble();
      capacity.starting.push_back(trouble.empty() ? "zygote" : "zygote (" + trouble + ")");
    }
    const std::lock_guard lock(mutex_);
    if (!probed_) capacity.starting.push_back("isolation probe");
    capacity.isolation = layers_;
    capacity.cache = cache_->use();
    return capacity;
  }

  std::vector<DeviceUse> device_use() override {
    std::vector<DeviceUse> result;
    for (const GpuPool::Use& use : pool_.use()) {
      DeviceUse entry;
      entry.device.kind = use.device.kind;
      entry.device.index = use.device.index;
      for (const auto& station : stations_)
        if (station->id() == use.device)
          if (const auto device = known_device(*station)) entry.device = *device;
      entry.busy_seconds = use.busy_seconds;
      entry.leased = use.leased;
      result.push_back(std::move(entry));
    }
    return result;
  }

 private:
  std::unique_ptr<DeviceStation> make_station(const DeviceId& device) {
    const bool gpu = device.kind == DeviceKind::cuda;
    std::string uuid;
    for (const GpuNode& node : gpus_)
      if (gpu && node.index == device.index) uuid = node.uuid;
    const std::uint64_t memory =
        options_.runner_memory_bytes > 0
            ? options_.runner_memory_bytes
            : static_cast<std::uint64_t>(static_cast<double>(cpu_.memory_total_bytes) *
                                         kRunnerShareOfMemory);
    return std::make_unique<DeviceStation>(
        StationParts{installation_, spawner_, uids_, *zygote_, pool_}, device, uuid, memory,
        static_cast<std::size_t>(options_.warm_host_runners),
        static_cast<std::size_t>(gpu ? options_.warm_device_runners : 0));
  }

  // The CPU is known at once, a GPU when its judge has told.
  std::optional<schemas::DeviceInfo> known_device(DeviceStation& station) const {
    if (auto device = station.judge().device()) return device;
    return station.id().kind == DeviceKind::cpu ? std::optional(cpu_) : std::nullopt;
  }

  void refill() {
    const std::lock_guard lock(mutex_);
    if (!stations_made_) return;
    for (const auto& station : stations_) station->runners().refill();
  }

  void probe() {
    auto uid = uids_.take();
    sandbox::Policy policy = compiler_policy(installation_);
    policy.outer_uid = uid ? uid->uid() : 0;
    auto layers = sandbox::probe_isolation(spawner_, policy, sandbox::after(kProbePatience));
    const std::lock_guard lock(mutex_);
    probed_ = true;
    if (layers) layers_ = std::move(*layers);
  }

  const LocalExecutorOptions options_;
  const Installation installation_;
  sandbox::Spawner spawner_;
  sandbox::UidPool uids_;
  const std::unique_ptr<ArtifactCache> cache_;
  const Toolchain toolchain_;
  const std::vector<GpuNode> gpus_;
  const schemas::DeviceInfo cpu_;
  const std::int64_t parallel_compiles_;
  GpuPool pool_;
  std::mutex mutex_;
  bool stations_made_ = false;
  bool probed_ = false;
  std::vector<schemas::LayerReport> layers_;
  std::vector<std::unique_ptr<DeviceStation>> stations_;
  std::unique_ptr<ZygoteProcess> zygote_;
  CompileService compilers_;
  Farewell farewell_;  // its thread uses all above
  std::thread prober_;
};

}  // namespace

Result<std::unique_ptr<Executor>> make_local_executor(const LocalExecutorOptions& options) {
  auto installation = Installation::find();
  if (!installation) return installation.error();
  auto spawner = sandbox::Spawner::create(installation->keeper);
  if (!spawner) return spawner.error();
  auto cache = ArtifactCache::open(options.cache_directory);
  if (!cache) return cache.error();
  return std::unique_ptr<Executor>(std::make_unique<LocalExecutor>(
      options, std::move(*installation), std::move(*spawner), std::move(*cache)));
}

}  // namespace assay::engine
