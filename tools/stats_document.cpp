// SPDX-License-Identifier: Apache-2.0
#include "tools/stats_document.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "tools/job_document.h"

namespace assay::tools {
namespace {

using engine::DeviceUse;
using engine::EngineStats;
using schemas::DeviceInfo;
using schemas::DeviceKind;

// An optional figure; when absent, null with a reason under its path.
class Figures {
 public:
  template <typename T>
  Json operator()(const std::string& path, const std::optional<T>& value, const char* reason) {
    if (value) return *value;
    unavailable_[path] = reason;
    return nullptr;
  }
  Json unavailable() { return std::move(unavailable_); }

 private:
  Json unavailable_ = Json::object();
};

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

Json utilization(const std::vector<DeviceUse>& devices, double uptime_s, Figures& figure) {
  Json list = Json::array();
  for (std::size_t i = 0; i < devices.size(); ++i) {
    const DeviceUse& use = devices[i];
    if (use.device.kind != DeviceKind::cuda) continue;
    const std::string path = "gpu_utilization[" + std::to_string(list.size()) + "]";
    list.push_back(
        {{"gpu_id", use.device.index},
         {"name", use.device.name},
         {"busy_fraction", uptime_s > 0 ? std::clamp(use.busy_seconds / uptime_s, 0.0, 1.0) : 0.0},
         {"leased", use.leased},
         {"memory_used_bytes", figure(path + ".memory_used_bytes", use.device.memory_used_bytes,
                                      "the device has not reported it yet")},
         {"memory_total_bytes", use.device.memory_total_bytes}});
  }
  return list;
}

Json cache(const std::optional<engine::CacheUse>& use, Figures& figure) {
  if (!use) return figure("compilation_metrics.cache", std::optional<int>(), "there is no cache");
  return {{"hits", use->hits},           {"misses", use->misses},
          {"entries", use->entries},     {"bytes", use->bytes},
          {"max_bytes", use->max_bytes}, {"evictions", use->evictions},
          {"dropped", use->dropped},     {"compile_seconds_saved", use->seconds_saved}};
}

std::string summary(const EngineStats& stats, std::size_t gpu_count) {
  std::string text = fmt::format(
      "{}: {} GPU{}; {} job{} running, {} queued; {} completed, {} failed and {} cancelled in "
      "{:.0f} s.",
      stats.starting.empty() ? "Healthy" : "Starting", gpu_count, gpu_count == 1 ? "" : "s",
      stats.active, stats.active == 1 ? "" : "s", stats.queued, stats.completed, stats.failed,
      stats.cancelled, stats.uptime_s);
  if (gpu_count == 0)
    text +=
        " Without a GPU, torch kernels run on the CPU and cuda kernels are compiled but not run.";
  return text;
}

bool waits_for(const std::vector<std::string>& starting, std::string_view word) {
  return std::any_of(starting.begin(), starting.end(),
                     [&](const std::string& part) { return part.find(word) != std::string::npos; });
}

}  // namespace

Json stats_document(const EngineStats& stats) {
  Figures figure;
  const std::optional<double> latency_s =
      stats.average_runtime_ms ? std::optional(*stats.average_runtime_ms / 1000) : std::nullopt;
  Json devices = Json::array(), gpus = Json::array();
  for (const DeviceUse& use : stats.devices) {
    devices.push_back(schemas::to_json(use.device));
    if (use.device.kind == DeviceKind::cuda) gpus.push_back(devices.back());
  }
  const std::size_t gpu_count = gpus.size();
  constexpr const char* kNoJob = "no job has finished yet";
  constexpr const char* kNoCompile = "nothing has been compiled yet";
  constexpr const char* kNoRun = "no kernel has been run yet";

  Json document;
  document["summary"] = summary(stats, gpu_count);
  document["status"] = stats.starting.empty() ? "healthy" : "starting";
  document["starting"] = stats.starting;
  document["gpus"] = std::move(gpus);
  document["devices"] = std::move(devices);
  document["job_stats"] = {
      {"total", stats.total},
      {"completed", stats.completed},
      {"failed", stats.failed},
      {"cancelled", stats.cancelled},
      {"active", stats.active},
      {"queued", stats.queued},
      {"average_runtime_ms",
       figure("job_stats.average_runtime_ms", stats.average_runtime_ms, kNoJob)},
      {"success_rate", figure("job_stats.success_rate", stats.success_rate, kNoJob)}};
  document["compilation_metrics"] = {
      {"total", stats.compilations},
      {"success_rate",
       figure("compilation_metrics.success_rate", stats.compile_success_rate, kNoCompile)},
      {"average_time_s",
       figure("compilation_metrics.average_time_s", stats.compile_average_time_s, kNoCompile)},
      {"cache_hit_rate",
       figure("compilation_metrics.cache_hit_rate", stats.compile_cache_hit_rate, kNoCompile)},
      {"cache", cache(stats.cache, figure)}};
  document["profiling_metrics"] = {
      {"total", stats.profilings},
      {"average_time_s",
       figure("profiling_metrics.average_time_s", stats.profiling_average_time_s, kNoRun)},
      {"graph_capture_rate",
       figure("profiling_metrics.graph_capture_rate", stats.graph_capture_rate, kNoRun)},
      {"correctness_rate",
       figure("profiling_metrics.correctness_rate", stats.correctness_rate, kNoRun)}};
  document["gpu_utilization"] = utilization(stats.devices, stats.uptime_s, figure);
  document["throughput"] = {
      {"requests_per_second",
       stats.uptime_s > 0 ? static_cast<double>(stats.completed + stats.failed) / stats.uptime_s
                          : 0.0},
      {"average_latency_s", figure("throughput.average_latency_s", latency_s, kNoJob)},
      {"active_jobs", stats.active}};
  document["isolation"] = schemas::to_json(schemas::IsolationReport{stats.isolation});
  document["uptime_s"] = stats.uptime_s;
  document["timestamp"] = utc_time(now_seconds());
  document["unavailable"] = figure.unavailable();
  return document;
}

Json health_document(const engine::Capacity& capacity) {
  const auto gpu_count =
      std::count_if(capacity.devices.begin(), capacity.devices.end(),
                    [](const DeviceInfo& device) { return device.kind == DeviceKind::cuda; });
  Json devices = Json::array();
  for (const DeviceInfo& device : capacity.devices) devices.push_back(schemas::to_json(device));
  const bool ready = capacity.starting.empty();
  // What each kernel type would meet here now.
  const Json backends = {{"torch", ready ? "ready" : "starting"},
                         {"cuda", gpu_count > 0 ? (ready ? "ready" : "starting") : "compile_only"}};
  return {{"status", ready ? "healthy" : "starting"},
          {"starting", capacity.starting},
          {"compilation_service", waits_for(capacity.starting, "compiler") ? "starting" : "ready"},
          {"profiling_service", ready ? "ready" : "starting"},
          {"gpu_available", gpu_count > 0},
          {"gpu_count", gpu_count},
          {"devices", std::move(devices)},
          {"backends", backends},
          {"isolation", schemas::to_json(schemas::IsolationReport{capacity.isolation})}};
}

}  // namespace assay::tools
