// SPDX-License-Identifier: Apache-2.0
#include "mcp/metrics.h"

#include <initializer_list>
#include <utility>

#include <fmt/format.h>

namespace assay::mcp {
namespace {

using engine::DeviceUse;
using engine::EngineStats;
using Label = std::pair<const char*, std::string>;

std::string escaped(const std::string& text) {
  std::string plain;
  for (const char character : text) {
    if (character == '\\' || character == '"') plain += '\\';
    if (character == '\n')
      plain += "\\n";
    else
      plain += character;
  }
  return plain;
}

// Writes families one after the other: head(), then the family's samples.
class Text {
 public:
  void head(const char* name, const char* type, const char* help) {
    name_ = name;
    text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
  }
  void sample(double value, std::initializer_list<Label> labels = {}, const char* suffix = "") {
    text_ += name_ + suffix;
    char separator = '{';
    for (const auto& [name, label] : labels) {
      text_ += fmt::format("{}{}=\"{}\"", separator, name, escaped(label));
      separator = ',';
    }
    text_ += fmt::format("{} {}\n", labels.size() > 0 ? "}" : "", value);
  }
  void sample(std::int64_t value, std::initializer_list<Label> labels = {},
              const char* suffix = "") {
    sample(static_cast<double>(value), labels, suffix);
  }
  // A family of one sample without labels.
  template <typename Number>
  void figure(const char* name, const char* type, const char* help, Number value) {
    head(name, type, help);
    sample(value);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string name_, text_;
};

void write_jobs(Text& text, const EngineStats& stats) {
  text.figure("assay_jobs_submitted_total", "counter", "Jobs taken in.", stats.total);
  text.head("assay_jobs_total", "counter",
            "Jobs that ended, by what their verdict was or, without one, how they ended.");
  for (const auto& ended : stats.ended)
    text.sample(
        ended.count,
        {{"kind", ended.kind}, {"kernel_type", ended.kernel_type}, {"verdict", ended.verdict}});
  text.figure("assay_jobs_running", "gauge", "Jobs being worked on.", stats.active);
  text.figure("assay_jobs_queued", "gauge", "Jobs that wait for their turn.", stats.queued);
  text.head("assay_stage_duration_seconds", "histogram",
            "Seconds that the jobs which ended spent in a stage.");
  for (const auto& stage : stats.stages) {
    std::int64_t count = 0;
    for (std::size_t i = 0; i < stage.counts.size(); ++i) {
      count += stage.counts[i];
      const bool bounded = i < engine::kStageBounds.size();
      text.sample(count,
                  {{"stage", stage.stage},
                   {"le", bounded ? fmt::format("{}", engine::kStageBounds[i]) : "+Inf"}},
                  "_bucket");
    }
    text.sample(stage.sum_seconds, {{"stage", stage.stage}}, "_sum");
    text.sample(count, {{"stage", stage.stage}}, "_count");
  }
}

void write_devices(Text& text, const EngineStats& stats) {
  struct Family {
    const char *name, *type, *help;
    std::optional<double> (*value)(const DeviceUse&);
  };
  static const std::initializer_list<Family> families = {
      {"assay_device_busy_seconds_total", "counter", "Seconds that the device was leased to jobs.",
       [](const DeviceUse& use) { return std::optional(use.busy_seconds); }},
      {"assay_device_leased", "gauge", "1 while a job has the device.",
       [](const DeviceUse& use) { return std::optional(use.leased ? 1.0 : 0.0); }},
      {"assay_device_memory_used_bytes", "gauge", "The device's memory in use.",
       [](const DeviceUse& use) {
         const auto& used = use.device.memory_used_bytes;
         return used ? std::optional(static_cast<double>(*used)) : std::nullopt;
       }},
      {"assay_device_memory_total_bytes", "gauge", "The device's memory.",
       [](const DeviceUse& use) {
         return std::optional(static_cast<double>(use.device.memory_total_bytes));
       }},
  };
  std::int64_t gpus = 0;
  for (const DeviceUse& use : stats.devices)
    gpus += use.device.kind == schemas::DeviceKind::cuda ? 1 : 0;
  text.figure("assay_gpus", "gauge", "GPUs that can be used.", gpus);
  for (const Family& family : families) {
    text.head(family.name, family.type, family.help);
    for (const DeviceUse& use : stats.devices)
      if (const auto value = family.value(use))
        text.sample(*value, {{"kind", schemas::device_kind_name(use.device.kind)},
                             {"index", std::to_string(use.device.index)},
                             {"name", use.device.name}});
  }
}

void write_cache(Text& text, const EngineStats& stats) {
  if (!stats.cache) return;
  const auto& cache = *stats.cache;
  text.head("assay_compile_cache_requests_total", "counter",
            "Compiled kernels asked of the cache; a hit spares a build.");
  text.sample(cache.hits, {{"result", "hit"}});
  text.sample(cache.misses, {{"result", "miss"}});
  text.head("assay_compile_cache_removed_total", "counter",
            "Compiled kernels removed to make room, or because they did not verify.");
  text.sample(cache.evictions, {{"reason", "room"}});
  text.sample(cache.dropped, {{"reason", "damaged"}});
  text.figure("assay_compile_cache_entries", "gauge", "Compiled kernels kept.", cache.entries);
  text.figure("assay_compile_cache_bytes", "gauge", "Bytes of the compiled kernels kept.",
              cache.bytes);
  text.figure("assay_compile_cache_max_bytes", "gauge", "Bytes that may be kept.", cache.max_bytes);
  text.figure("assay_compile_cache_saved_seconds_total", "counter",
              "Seconds of builds that the cache spared.", cache.seconds_saved);
}

}  // namespace

std::string metrics_text(const EngineStats& stats, const std::vector<RequestCount>& requests,
                         const std::string& version) {
  Text text;
  text.head("assay_build_info", "gauge", "1; the label says which version runs.");
  text.sample(1.0, {{"version", version}});
  text.figure("assay_uptime_seconds", "gauge", "Seconds since the start.", stats.uptime_s);
  text.figure("assay_ready", "gauge", "1 once every worker process is prepared.",
              stats.starting.empty() ? 1.0 : 0.0);
  write_jobs(text, stats);
  write_devices(text, stats);
  write_cache(text, stats);
  text.head("assay_http_requests_total", "counter",
            "HTTP requests answered, by method, route and status.");
  for (const RequestCount& request : requests)
    text.sample(request.count, {{"method", request.method},
                                {"route", request.route},
                                {"status", std::to_string(request.status)}});
  return text.take();
}

}  // namespace assay::mcp
