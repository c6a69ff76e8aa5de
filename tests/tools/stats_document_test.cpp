// SPDX-License-Identifier: Apache-2.0
#include "tools/stats_document.h"

#include <catch2/catch.hpp>

namespace {

using assay::engine::Capacity;
using assay::engine::DeviceUse;
using assay::engine::EngineStats;
using assay::schemas::DeviceInfo;
using assay::schemas::DeviceKind;
using assay::tools::health_document;
using assay::tools::stats_document;

DeviceInfo gpu() {
  DeviceInfo device;
  device.kind = DeviceKind::cuda;
  device.name = "NVIDIA H200";
  device.memory_total_bytes = 1000;
  return device;
}

TEST_CASE("figures that are not known are null, each with its reason") {
  const auto document = stats_document(EngineStats{});
  CHECK(document["job_stats"]["average_runtime_ms"].is_null());
  for (const char* path : {"job_stats.average_runtime_ms", "job_stats.success_rate",
                           "compilation_metrics.cache_hit_rate",
                           "profiling_metrics.graph_capture_rate", "throughput.average_latency_s"})
    CHECK(document["unavailable"].contains(path));
  CHECK(document["gpus"].empty());
}

TEST_CASE("every group that clients of the older servers read is there") {
  EngineStats stats;
  stats.total = 5;
  stats.completed = 3;
  stats.failed = 1;
  stats.active = 1;
  stats.uptime_s = 2;
  stats.average_runtime_ms = 500;
  stats.devices.push_back(DeviceUse{gpu(), 1.0, true});
  const auto document = stats_document(stats);
  CHECK(document["job_stats"]["total"] == 5);
  CHECK(document["throughput"]["average_latency_s"] == 0.5);
  CHECK(document["throughput"]["requests_per_second"] == 2.0);
  CHECK(document["gpu_utilization"][0]["busy_fraction"] == 0.5);
  CHECK(document["gpu_utilization"][0]["memory_total_bytes"] == 1000);
  CHECK(document["gpu_utilization"][0]["memory_used_bytes"].is_null());
  CHECK(document["unavailable"].contains("gpu_utilization[0].memory_used_bytes"));
  for (const char* key :
       {"compilation_metrics", "profiling_metrics", "uptime_s", "timestamp", "summary", "status"})
    CHECK(document.contains(key));
}

TEST_CASE("what the cache did is beside the compilations; without one there is a reason") {
  EngineStats stats;
  auto document = stats_document(stats);
  CHECK(document["compilation_metrics"]["cache"].is_null());
  CHECK(document["unavailable"].contains("compilation_metrics.cache"));
  stats.cache = assay::engine::CacheUse{4, 3, 2, 1, 5, 6000, 7000, 8.5};
  document = stats_document(stats);
  CHECK(document["compilation_metrics"]["cache"] ==
        nlohmann::json({{"hits", 4},
                        {"misses", 3},
                        {"evictions", 2},
                        {"dropped", 1},
                        {"entries", 5},
                        {"bytes", 6000},
                        {"max_bytes", 7000},
                        {"compile_seconds_saved", 8.5}}));
}

TEST_CASE("the server is healthy once nothing is starting, with or without a GPU") {
  Capacity capacity;
  capacity.starting = {"zygote"};
  CHECK(health_document(capacity)["status"] == "starting");
  capacity.starting.clear();
  auto health = health_document(capacity);
  CHECK(health["status"] == "healthy");
  CHECK(health["gpu_available"] == false);
  CHECK(health["gpu_count"] == 0);
  CHECK(health["backends"]["cuda"] == "compile_only");
  capacity.devices.push_back(gpu());
  health = health_document(capacity);
  CHECK(health["gpu_count"] == 1);
  CHECK(health["backends"]["cuda"] == "ready");
}

}  // namespace
